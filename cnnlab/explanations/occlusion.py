"""Cover a part of the image and watch the class's probability."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from cnnlab.explanations.captions import moves_of, prediction_labels, targets
from cnnlab.explanations.explanation import Explanation
from cnnlab.explanations.map_notes import empty_maps
from cnnlab.explanations.options import ClassName, Count, Images, Pictures
from cnnlab.explanations.subject import Subject
from cnnlab.explanations.technique import Technique
from cnnlab.pictures.kit.formats import percent
from cnnlab.wording import counted

ROUNDING = 1e-6
"""By less than that, a float32 probability can differ with what else is in the batch."""

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Occlusion(Technique):
    """Cover each part of an image in turn with a grey patch."""

    name = "occlusion"
    summary = "Cover a part of the image, watch the class's probability."
    examples = ("cnn", "cnn --image 18 --patch 7 --fill 0")
    description = (
        "A large drop marks a region that the prediction depends on. The patch can itself change the "
        "prediction: compare fills of 0, 0.5 and 1."
    )
    papers = ("Zeiler & Fergus 2013",)

    image: Images = ()
    picture: Pictures = ()
    class_name: ClassName | None = Field(
        None, alias="class", description="Class whose probability is shown; by default the predicted one."
    )
    patch: Count = Field(5, description="Side of the patch, in pixels.")
    stride: Count = Field(1, description="Pixels between two positions.")
    fill: float = Field(0.5, ge=0, le=1, description="Brightness of the patch.")

    def explain(self, subject: Subject) -> Explanation:
        model = subject.model
        import numpy as np

        from cnnlab.analyses.occlusion import occlusion, under_the_patch, worst_boxes, worst_covered
        from cnnlab.pictures.drawings.maps import MapColumn, pixel_maps
        from cnnlab.pictures.kit.scales import ColorScale

        patch, fill = self.patch, self.fill
        chosen = subject.choose(self.image, self.picture)
        classes, probabilities = targets(subject, chosen, self.class_name)
        found = occlusion(
            model, chosen.inputs, classes, patch=patch, stride=self.stride, fill=subject.gray(fill)
        )
        labels, wrong = prediction_labels(subject, chosen, probabilities, classes)
        lows = found.probabilities.min(axis=(1, 2))
        changes = found.probabilities - found.uncovered[:, None, None]
        reason = "the patch changes the probability nowhere"
        changed = np.where(np.abs(changes) > ROUNDING, changes, 0)
        empty = empty_maps("the change", changed, chosen.names, reason)

        def maps() -> Figure:
            at_pixels = under_the_patch(found, patch, chosen.display.shape[1:3])
            scale = ColorScale(0, 1, "probability of the class", "OrRd_r")
            worst = worst_covered(found, chosen.display, patch=patch, brightness=fill)
            return pixel_maps(
                chosen.display, labels, [MapColumn("probability", at_pixels, "", scale=scale)], wrong=wrong,
                appearance=subject.appearance,
                moves=moves_of(subject, chosen.labels.tolist(), probabilities.argmax(axis=1).tolist()),
                title=f"Which parts must stay visible: {subject.name}",
                subtitle=f"Probability of the class with a {patch}×{patch} patch of brightness {fill:g} "
                "centered on each pixel, where it fits into the image. Right: the position that lowers the "
                "probability most, and the probability there.",
                last=("worst position", worst, [percent(each) for each in lows]),
                last_boxes=worst_boxes(found, patch),
            )  # fmt: skip

        return Explanation(
            self, subject.explained,
            sentence=f"{counted(len(chosen), 'image')} of {subject.name}, "
            f"{counted(found.probabilities[0].size, 'position')} each: at the worst position the probability "
            f"falls from {percent(float(found.uncovered.mean()))} to {percent(float(lows.mean()))} "
            "on average" + "".join(f"\n{each.sentence}" for each in empty),
            figures={"occlusion": maps},
            arrays={
                "probabilities": found.probabilities, "uncovered": found.uncovered, "tops": found.tops,
                "lefts": found.lefts, "classes": classes,
            },
            facts={
                "images": chosen.names, "notes": chosen.notes,
                "classes": [subject.class_names[each] for each in classes], "patch": patch,
                "stride": self.stride, "fill": fill, "empty_maps": [each.as_dict() for each in empty],
            },
        )  # fmt: skip
