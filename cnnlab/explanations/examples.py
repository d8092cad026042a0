"""The test images that activate each unit most, and where."""

from __future__ import annotations

from pydantic import Field

from cnnlab.explanations.explanation import Explanation
from cnnlab.explanations.options import Indices, LayerOfUnits, WholeNumber
from cnnlab.explanations.strongest import strongest
from cnnlab.explanations.subject import Subject
from cnnlab.explanations.technique import Technique

BOX = " The box is the unit's receptive field: all that it can see."


class Examples(Technique):
    """Search the test images for those that activate a unit most."""

    name = "examples"
    summary = "The test images that activate each unit most, and where."
    examples = ("cnn", "cnn --layer dense_1 --unit 3")
    description = (
        "Each image has a box around the receptive field and the activation above it. A few images show what "
        "they have in common, not what the unit ignores."
    )
    papers = ("Zeiler & Fergus 2013",)

    layer: LayerOfUnits = None
    unit: Indices = Field((), description="A unit by its number; by default the first 12.")
    count: WholeNumber = Field(9, ge=1, le=50, description="Images for each unit.")

    def explain(self, subject: Subject) -> Explanation:
        from cnnlab.pictures.drawings.units import strongest_examples as draw

        found = strongest(subject, self.layer, self.unit, self.count)
        total = len(subject.data.test)
        layer, count = found.layer, found.indices.shape[1]
        return Explanation(
            self, subject.explained,
            sentence=f"{found.counted} of {layer} of {subject.name}, {count} strongest of {total:,} test "
            "images",
            figures={
                "examples": lambda: draw(
                    found.pictures(subject), found.boxes, found.captions, found.names,
                    appearance=subject.appearance, moves=found.moves(subject),
                    title=f"What activates the units of {layer} most: {subject.name}",
                    subtitle=f"Of {total:,} test images the {count} with the largest {found.value}, which is "
                    f"written above each.{'' if found.boxes is None else BOX}{found.silence}",
                )
            },
            arrays=found.arrays,
            facts=found.facts,
            taken={"layer": layer},
        )  # fmt: skip
