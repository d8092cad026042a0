"""cnnlab explain maximize"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cnnlab.commands.explain.captions import named_units
from cnnlab.commands.explain.subject import Subject
from cnnlab.commands.explain.technique import Explanation, layer_option, seed_option, technique, unit_option
from cnnlab.commands.options import reject_unused
from cnnlab.commands.output import counted
from cnnlab.errors import UserError
from cnnlab.pictures.kit.formats import percent

if TYPE_CHECKING:
    import numpy as np

    from cnnlab.analyses.maximization import Ascent, Maximized

TARGETS = {"score": "score before the softmax", "probability": "probability after the softmax"}

AT_MOST = 64


@technique
@layer_option("Whose filters or neurons; by default the last convolution's, else the last hidden layer's.")
@unit_option(f"A filter; may be repeated. By default the first {AT_MOST}.")
@click.option("--classes/--no-classes", default=True, show_default=True, help="The classes' images too.")
@click.option(
    "--target", type=click.Choice(list(TARGETS)), default="score", show_default=True,
    help="Of a class: before or after the softmax.",
)  # fmt: skip
@click.option("--steps", type=click.IntRange(min=1), default=100, show_default=True)
@click.option(
    "--step-size", type=click.FloatRange(min=0, min_open=True), default=0.1, show_default=True,
    help="Of the first step, 1 being from black to white.",
)  # fmt: skip
@click.option(
    "--l1", type=click.FloatRange(min=0), default=None,
    help="Penalty λ Σ |x − black|; by default 0 for filters, and for classes chosen for the second row.",
)  # fmt: skip
@click.option("--l2", type=click.FloatRange(min=0), default=0.0, show_default=True, help="Penalty λ Σ x².")
@click.option(
    "--total-variation", type=click.FloatRange(min=0), default=0.0, show_default=True,
    help="Penalty λ Σ |difference of neighbours|.",
)  # fmt: skip
@click.option("--jitter", type=click.IntRange(min=0), default=0, show_default=True, help="In pixels.")
@click.option("--starts", type=click.IntRange(min=1), default=1, show_default=True, help="The best is kept.")
@seed_option
def command(
    subject: Subject,
    layer: str | None,
    unit: tuple[int, ...],
    classes: bool,
    target: str,
    l1: float | None,
    seed: int,
    **settings: Any,
) -> Explanation:
    """The image that a filter, a neuron or a class answers to most, by gradient ascent on the pixels.

    \b
    cnnlab explain maximize cnn
    cnnlab explain maximize cnn --layer dense_1 --unit 0 --unit 7 --starts 4
    cnnlab explain maximize cnn --l1 0.3 --target probability

    A filter's activation is the sum of its map. A class's image is mostly noise to the eye, and the network
    is sure of it all the same; with an L1 penalty, which prices every bright pixel, strokes appear.
    """
    if not classes:
        reject_unused("target", reason="it is about the classes' images")
    model = subject.model
    import numpy as np

    from cnnlab.analyses.maximization import Ascent, half_price, maximize
    from cnnlab.analyses.network import (
        find_layer,
        layer_of_most_interest,
        maps_of,
        predict,
        probabilities_of,
        summary_name,
    )
    from cnnlab.pictures.drawings.units import best_images

    low, high = float(subject.gray(0).min()), float(subject.gray(1).max())
    settings |= {"step_size": settings["step_size"] * (high - low), "low": low, "high": high}
    ascent = Ascent(**settings, l1=l1 or 0.0, black=subject.gray(0))
    layer = summary_name(find_layer(model, layer) if layer else layer_of_most_interest(model))
    shape = maps_of(model, layer).output.shape
    count = int(shape[-1])
    units = np.array(unit or range(min(count, AT_MOST)))
    if units.max() >= count:
        raise UserError(f"--unit {units.max()}: {layer} has {count} units, 0 to {count - 1}")
    rng = np.random.default_rng(seed)
    best = maximize(model, units, layer=layer, ascent=ascent, rng=rng)
    kind, names, measure = named_units(subject, layer, units)
    captions = [f"{name}: {value:.3g}" for name, value in zip(names, best.values, strict=True)]
    those = "the units" if len(units) == count else f"{len(units)} of the {count:,} units"
    figures = {
        "units": best_images(
            [("", subject.unseen(best.images), captions)],
            title=f"What {those} of {layer} look for: {subject.name}",
            subtitle=f"Above each image the {kind} and the {measure} it "
            f"reaches{', the sum of its map' if len(shape) == 4 else ''}. {_how(ascent)}",
        )
    }  # fmt: skip
    arrays = {"images": best.images, "values": best.values, "units": units}
    facts: dict[str, Any] = {"layer": layer, "units": units.tolist(), "values": best.values.tolist()}
    of_all = f"{len(units)} of {counted(count, 'unit')}" if len(units) < count else counted(count, "unit")
    sentence = f"{of_all} of {layer} of {subject.name}, {counted(ascent.steps, 'step')} each"
    if classes:
        all_classes = np.arange(len(subject.class_names))

        def of_classes(penalty: float) -> tuple[Maximized, np.ndarray, Ascent]:
            way = Ascent(**settings, l1=penalty, black=subject.gray(0))
            found = maximize(model, all_classes, target=target, ascent=way, rng=np.random.default_rng(seed))  # type: ignore[arg-type]
            sure = predict(probabilities_of(model), found.images)[all_classes, all_classes]
            return found, sure, way

        plain, sure, way = of_classes(0.0)
        price = l1 if l1 is not None else half_price(plain, black=subject.gray(0))
        sparse, still_sure, _ = of_classes(price)
        figures["classes"] = best_images(
            [
                ("plain", subject.unseen(plain.images), _captions(subject, sure)),
                (f"with L1,\nλ = {price:.2g}", subject.unseen(sparse.images), _captions(subject, still_sure)),
            ],
            title=f"What the network calls each class: {subject.name}",
            subtitle=f"Images that maximise the {TARGETS[target]} of each class, and the network's "
            "confidence in them: it is easily fooled. In the lower row the L1 penalty λ Σ |x − black| prices "
            f"every bright pixel. Both: {_how(way)}",
        )  # fmt: skip
        arrays |= {
            "class_images": plain.images, "class_confidences": sure, "class_images_l1": sparse.images,
            "class_confidences_l1": still_sure,
        }  # fmt: skip
        facts |= {"target": target, "l1": price, "class_confidences": sure.tolist()}
        average, with_l1 = percent(float(sure.mean())), percent(float(still_sure.mean()))
        sentence += f"; classes at {average} confidence on average, with L1 {with_l1}"
    return Explanation(sentence, figures, arrays, facts)


def _captions(subject: Subject, confidences: np.ndarray) -> list[str]:
    return [f"{name}\n{percent(each)}" for name, each in zip(subject.class_names, confidences, strict=True)]


def _how(ascent: Ascent) -> str:
    penalties = {"L1": ascent.l1, "L2": ascent.l2, "total variation": ascent.total_variation}
    priced = ", ".join(f"{name} {value:g}" for name, value in penalties.items() if value)
    return f"{ascent.steps} steps of gradient ascent" + (f", penalties {priced}." if priced else ".")
