"""The image that a filter, a neuron or a class responds to most."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from cnnlab.errors import OptionError
from cnnlab.explanations.captions import moves_of, named_units
from cnnlab.explanations.explanation import Explanation
from cnnlab.explanations.options import Count, Indices, LayerOfUnits, Seed
from cnnlab.explanations.subject import Subject
from cnnlab.explanations.technique import Technique
from cnnlab.language.fields import NonNegative
from cnnlab.pictures.kit.formats import percent
from cnnlab.wording import counted

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

    from cnnlab.analyses.maximization import Ascent, Maximized

TARGETS = {"score": "score before the softmax", "probability": "probability after the softmax"}

AT_MOST = 64
"""Units that are maximized where the user names none."""


class Maximize(Technique):
    """Climb the gradient of a unit's activation with respect to the pixels."""

    name = "maximize"
    summary = "The image that a filter, a neuron or a class responds to most."
    examples = (
        "cnn",
        "cnn --layer dense_1 --unit 0 --unit 7 --starts 4",
        "cnn --l1 0.3 --target probability",
    )
    description = (
        "Gradient ascent on the pixels. The activation of a filter is the sum of its map. The image of a "
        "class looks like noise, and the network is confident of it all the same; with an L1 penalty on "
        "every bright pixel, strokes appear."
    )
    papers = ("Erhan et al. 2009", "Simonyan, Vedaldi & Zisserman 2013 (classes)")

    layer: LayerOfUnits = None
    unit: Indices = Field(
        (), description=f"A filter or neuron by its number; by default the first {AT_MOST}."
    )
    classes: bool = Field(True, description="Whether to maximize the classes, too.")
    target: Literal["score", "probability"] = Field(
        "score", description="What is maximized of a class: the value before or after the softmax."
    )
    steps: Count = Field(100, description="Number of steps.")
    step_size: float = Field(0.1, gt=0, description="Size of the first step, 1 being from black to white.")
    l1: float | None = Field(
        None,
        ge=0,
        description="Penalty λ Σ |x − black|; by default 0 for filters, and chosen for the second row of the "
        "classes.",
    )
    l2: float = Field(0.0, ge=0, description="Penalty λ Σ x².")
    total_variation: float = Field(0.0, ge=0, description="Penalty λ Σ |difference of neighbors|.")
    jitter: NonNegative = Field(0, description="Largest random shift of the image before a step, in pixels.")
    starts: Count = Field(1, description="Random initial images, of which the best result is kept.")
    seed: Seed = 0

    @model_validator(mode="after")
    def _target_of_classes(self) -> Maximize:
        if not self.classes:
            self.reject_unused("target", reason="without the classes")
        return self

    def explain(self, subject: Subject) -> Explanation:
        model = subject.model
        import numpy as np

        from cnnlab.analyses.maximization import maximize
        from cnnlab.analyses.network import find_layer, layer_of_most_interest, maps_of, summary_name
        from cnnlab.pictures.drawings.units import best_images

        ascent = self._ascent(subject)
        layer = summary_name(find_layer(model, self.layer) if self.layer else layer_of_most_interest(model))
        shape = maps_of(model, layer).output.shape
        count = int(shape[-1])
        units = np.array(self.unit or range(min(count, AT_MOST)))
        if units.max() >= count:
            raise OptionError("unit", f"{layer} has {count} units, 0 to {count - 1}", value=units.max())
        best = maximize(model, units, layer=layer, ascent=ascent, rng=np.random.default_rng(self.seed))
        kind, names, measure = named_units(subject, layer, units)
        some = len(units) < count

        def units_sheet() -> Figure:
            those = f"{len(units)} of the {count:,} units" if some else "the units"
            captions = [f"{name}: {value:.3g}" for name, value in zip(names, best.values, strict=True)]
            return best_images(
                [("", subject.inputs_to_display(best.images), captions)],
                appearance=subject.appearance,
                moves=moves_of(subject, units.tolist()) if kind == "class" else None,
                title=f"Images that maximize {those} of {layer}: {subject.name}",
                subtitle=f"Above each image the {kind} and the {measure} it "
                f"reaches{', the sum of its map' if len(shape) == 4 else ''}. {_how(ascent)}",
            )

        classes = self._classes(subject, ascent) if self.classes else ClassesFound()
        of_all = f"{len(units)} of {counted(count, 'unit')}" if some else counted(count, "unit")
        return Explanation(
            self, subject.explained,
            sentence=f"{of_all} of {layer} of {subject.name}, {counted(ascent.steps, 'step')} each"
            f"{classes.sentence}",
            figures={"units": units_sheet, **classes.figures},
            arrays={"images": best.images, "values": best.values, "units": units, **classes.arrays},
            facts={
                "layer": layer, "units": units.tolist(), "values": best.values.tolist(),
                **classes.facts,
            },
            taken={"layer": layer, "l1": classes.facts.get("l1")},
        )  # fmt: skip

    def _ascent(self, subject: Subject) -> Ascent:
        """How the images climb, in the units of the network's pixels."""
        from cnnlab.analyses.maximization import Ascent

        low, high = float(subject.gray(0).min()), float(subject.gray(1).max())
        return Ascent(
            steps=self.steps, step_size=self.step_size * (high - low), l1=self.l1 or 0.0, l2=self.l2,
            total_variation=self.total_variation, jitter=self.jitter, starts=self.starts, low=low, high=high,
            black=subject.gray(0),
        )  # fmt: skip

    def _classes(self, subject: Subject, ascent: Ascent) -> ClassesFound:
        """The classes' images, without and with an L1 penalty."""
        import numpy as np

        from cnnlab.analyses.maximization import half_price, maximize
        from cnnlab.analyses.network import predict, probabilities_of
        from cnnlab.pictures.drawings.units import best_images

        classes = np.arange(len(subject.class_names))
        without = replace(ascent, l1=0.0)

        def maximized(way: Ascent) -> tuple[Maximized, np.ndarray]:
            """The classes' images, and the network's confidence in them."""
            rng = np.random.default_rng(self.seed)
            found = maximize(subject.model, classes, target=self.target, ascent=way, rng=rng)
            return found, predict(probabilities_of(subject.model), found.images)[classes, classes]

        plain, confidences = maximized(without)
        price = self.l1 if self.l1 is not None else half_price(plain, black=subject.gray(0))
        sparse, confidences_l1 = maximized(replace(ascent, l1=price))

        def row(heading: str, found: Maximized, confidences: np.ndarray) -> tuple[str, np.ndarray, list[str]]:
            names = zip(subject.class_names, confidences, strict=True)
            captions = [f"{name}\n{percent(each)}" for name, each in names]
            return heading, subject.inputs_to_display(found.images), captions

        return ClassesFound(
            sentence=f"; classes with a mean confidence of {percent(float(confidences.mean()))}, with L1 of "
            f"{percent(float(confidences_l1.mean()))}",
            figures={
                "classes": lambda: best_images(
                    [
                        row("plain", plain, confidences),
                        row(f"with L1,\nλ = {price:.2g}", sparse, confidences_l1),
                    ],
                    appearance=subject.appearance, moves=moves_of(subject, classes.tolist()),
                    title=f"Images that maximize each class: {subject.name}",
                    subtitle=f"Images that maximize the {TARGETS[self.target]} of each class, and the "
                    "network's confidence in them: it is easily fooled. In the lower row, the L1 term λ Σ "
                    f"|x − black| penalizes every bright pixel. Both: {_how(without)}",
                )
            },
            arrays={
                "class_images": plain.images, "class_confidences": confidences,
                "class_images_l1": sparse.images, "class_confidences_l1": confidences_l1,
            },
            facts={"target": self.target, "l1": price, "class_confidences": confidences.tolist()},
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class ClassesFound:
    """What the classes' images add to those of the units; nothing where they are not asked for."""

    sentence: str = ""
    figures: Mapping[str, Callable[[], Figure]] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


def _how(ascent: Ascent) -> str:
    penalties = {"L1": ascent.l1, "L2": ascent.l2, "total variation": ascent.total_variation}
    priced = ", ".join(f"{name} {value:g}" for name, value in penalties.items() if value)
    return f"{ascent.steps} steps of gradient ascent" + (f", penalties {priced}." if priced else ".")
