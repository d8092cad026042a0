"""Project a unit's strongest activations back to pixels."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cnnlab.explanations.explanation import Explanation
from cnnlab.explanations.options import Indices, LayerOfUnits, WholeNumber
from cnnlab.explanations.strongest import strongest
from cnnlab.explanations.subject import Subject
from cnnlab.explanations.technique import Technique
from cnnlab.wording import counted


class Deconvnet(Technique):
    """Project the activations of a unit's strongest images back to the pixels."""

    name = "deconvnet"
    summary = "Project a unit's strongest activations back to pixels."
    examples = ("cnn", "fashion_cnn --layer conv2d_1 --rule guided")
    description = (
        "Like examples, and below each image the part of it that the activation came from. The patterns "
        "recover the image more than they explain the unit (Nie et al. 2018)."
    )
    papers = (
        "Zeiler & Fergus 2013 (deconvnet)",
        "Springenberg et al. 2014 (guided back-propagation)",
    )

    layer: LayerOfUnits = None
    unit: Indices = Field((), description="A unit by its number; by default the first 6.")
    count: WholeNumber = Field(6, ge=1, le=50, description="Images for each unit.")
    rule: Literal["deconvnet", "guided"] = Field(
        "deconvnet",
        description="What a ReLU sends back: as in the deconvnet, or as in guided back-propagation.",
    )

    def explain(self, subject: Subject) -> Explanation:
        from cnnlab.analyses.deconvnet import project_back
        from cnnlab.pictures.drawings.units import strongest_examples as draw

        found = strongest(subject, self.layer, self.unit, self.count, at_most=6)
        import numpy as np

        layer, count = found.layer, found.indices.shape[1]  # of a small test set all there are
        raw = subject.data.test.images[found.indices.ravel()]
        projected = project_back(
            subject.model, subject.to_inputs(raw), layer=layer, units=np.repeat(found.units, count),
            positions=found.positions.reshape(-1, 2), rule=self.rule,
        )  # fmt: skip
        projected[found.silent.ravel()] = 0
        patterns = np.moveaxis(projected, 1, -1) if subject.channels_first else projected
        signs = (
            "In each color bright: positive, dark: negative projection"
            if subject.image_shape[2] == 3
            else "Red: positive, blue: negative projection"
        )
        rule = "guided back-propagation" if self.rule == "guided" else "deconvnet"
        field = "" if found.boxes is None else "receptive field and "
        return Explanation(
            self, subject.explained,
            sentence=f"{found.counted} of {layer} of {subject.name}, {counted(count, 'image')} each, "
            f"projected back by {rule}",
            figures={
                "deconvnet": lambda: draw(
                    found.pictures(subject), found.boxes, found.captions, found.names,
                    appearance=subject.appearance, moves=found.moves(subject),
                    patterns=patterns.reshape(*found.indices.shape, *subject.image_shape),
                    title=f"Activations of {layer}, projected back: {subject.name}",
                    subtitle=f"The {count} strongest test images of each unit with its {field}{found.value}; "
                    f"below each: the activation, projected back to the pixels by {rule}. {signs}; each map "
                    f"has its own scale, with the limit after ±.{found.silence}",
                )
            },
            arrays={**found.arrays, "patterns": projected},
            facts={**found.facts, "rule": self.rule},
            taken={"layer": layer},
        )  # fmt: skip
