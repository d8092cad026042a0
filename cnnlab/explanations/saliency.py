"""Which pixels a class's score depends on, by five methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from cnnlab.explanations.captions import moves_of, prediction_labels, targets
from cnnlab.explanations.explanation import Explanation
from cnnlab.explanations.map_notes import EmptyMaps, empty_maps, placed
from cnnlab.explanations.options import ClassName, Count, EachOnce, Images, Pictures, Seed, Several
from cnnlab.explanations.subject import Chosen, Subject
from cnnlab.explanations.technique import Technique
from cnnlab.wording import counted

if TYPE_CHECKING:
    import numpy as np

    from cnnlab.pictures.drawings.maps import MapColumn

Method = Literal["gradient", "smoothgrad", "gradient_times_input", "integrated_gradients", "grad_cam"]

METHODS: tuple[Method, ...] = (
    "gradient", "smoothgrad", "gradient_times_input", "integrated_gradients", "grad_cam",
)  # fmt: skip
METHOD_OF: dict[str, Method] = {
    "samples": "smoothgrad",
    "noise": "smoothgrad",
    "seed": "smoothgrad",
    "steps": "integrated_gradients",
    "layer": "grad_cam",
}
"""The options that only one method looks at."""

NO_GRADIENT = "the gradient is 0: no small change of the image changes the score"


@dataclass(frozen=True, eq=False)
class Found:
    """What a method found: arrays by name, as it is drawn, and what is to be said of it."""

    arrays: dict[str, np.ndarray]
    column: MapColumn
    empty: list[EmptyMaps]
    note: str = ""


class Saliency(Technique):
    """Differentiate the score of a class with respect to the pixels."""

    name = "saliency"
    summary = "Which pixels a class's score depends on, by five methods."
    examples = (
        "cnn",
        "cnn --image 18 --class 5 --method gradient --method grad_cam",
        "cnn --picture five.png",
    )
    description = (
        "All methods differentiate the score before the softmax. A gradient shows where the score would "
        "change, not what it rests on; the methods disagree, and none is the truth. Grad-CAM's values stand "
        "in the middle of their receptive fields and are interpolated in between; beyond the outermost they "
        "stay the same as far as its field reaches."
    )
    papers = (
        "Simonyan, Vedaldi & Zisserman 2013 (gradient)",
        "Smilkov et al. 2017 (SmoothGrad)",
        "Shrikumar et al. 2016 (gradient times input)",
        "Sundararajan, Taly & Yan 2017 (integrated gradients)",
        "Selvaraju et al. 2017 (Grad-CAM)",
    )

    image: Images = ()
    picture: Pictures = ()
    method: Annotated[tuple[Method, ...], Several, EachOnce] = Field(
        (), description="A method; by default all."
    )
    class_name: ClassName | None = Field(
        None, alias="class", description="Class whose score is explained; by default the predicted one."
    )
    samples: Count = Field(25, description="Number of noisy copies, for SmoothGrad.")
    noise: float = Field(
        0.15,
        ge=0,
        description="Standard deviation of the noise, as a share of the image's range, for SmoothGrad.",
    )
    steps: Count = Field(50, description="Steps from black to the image, for integrated gradients.")
    layer: str | None = Field(None, description="Layer of Grad-CAM; by default the last convolution.")
    seed: Seed = Field(0, description="Seed of the noise, for SmoothGrad.")

    @model_validator(mode="after")
    def _options_of_methods(self) -> Saliency:
        for option, method in METHOD_OF.items():
            if self.method and method not in self.method:
                self.reject_unused(option, reason=f"without method {method}")
        return self

    def explain(self, subject: Subject) -> Explanation:
        model = subject.model
        from cnnlab.analyses.network import convolutions, find_layer, last_convolution, summary_name
        from cnnlab.pictures.drawings.maps import pixel_maps

        chosen = subject.choose(self.image, self.picture)
        classes, probabilities = targets(subject, chosen, self.class_name)
        has_maps = convolutions(model) or self.layer is not None
        methods = self.method or tuple(each for each in METHODS if has_maps or each != "grad_cam")
        layer, scales = None, "One scale per column"
        if "grad_cam" in methods:
            layer = summary_name(find_layer(model, self.layer) if self.layer else last_convolution(model))
            scales += f"; Grad-CAM, of {layer}, laid over the image, one per image"
        found = [
            self._found(method, subject, chosen, classes, layer) for method in METHODS if method in methods
        ]
        maps = [each.column for each in found]
        empty = [each for method in found for each in method.empty]
        notes = [each.note for each in found if each.note]
        labels, wrong = prediction_labels(subject, chosen, probabilities, classes)
        names = [subject.class_names[each] for each in classes]
        titles = ", ".join(each.title for each in maps)
        whose = f"class {names[0]}" if self.class_name else "the predicted class"
        sentence = f"{counted(len(chosen), 'image')} of {subject.name}: {titles}"
        return Explanation(
            self, subject.explained,
            sentence="\n".join([sentence, *notes, *(each.sentence for each in empty)]),
            figures={
                "saliency": lambda: pixel_maps(
                    chosen.display, labels, maps, wrong=wrong, appearance=subject.appearance,
                    moves=moves_of(subject, chosen.labels.tolist(), probabilities.argmax(axis=1).tolist()),
                    title=f"Which pixels matter: {subject.name}",
                    subtitle=f"Effect of each pixel on the score of {whose} before the softmax. Red raises "
                    "the score, blue lowers it. Maps without a sign: the brighter, the stronger the effect, "
                    f"in either direction. {scales}.{''.join(f' Note: {note}.' for note in notes)}",
                )
            },
            arrays={
                **{name: array for each in found for name, array in each.arrays.items()},
                "classes": classes, "images": chosen.inputs,
            },
            facts={
                "images": chosen.names, "notes": chosen.notes, "classes": names, "methods": list(methods),
                "layer": layer, "empty_maps": [each.as_dict() for each in empty],
            },
            taken={"method": list(methods), "layer": layer},
        )  # fmt: skip

    def _found(
        self, method: Method, subject: Subject, chosen: Chosen, classes: np.ndarray, layer: str | None
    ) -> Found:
        """What a method finds on the images, and how it is drawn."""
        import numpy as np

        from cnnlab.analyses.grad_cam import grad_cam
        from cnnlab.analyses.integrated_gradients import integrated_gradients
        from cnnlab.analyses.network import image_channel_axis
        from cnnlab.analyses.saliency import gradient_times_input, saliency, smooth_gradient
        from cnnlab.pictures.drawings.maps import MapColumn

        model, axis, inputs = subject.model, image_channel_axis(subject.model), chosen.inputs
        per_pixel, score = "score per unit of pixel", "score"

        def found(title: str, values: np.ndarray, unit: str, **how: Any) -> Found:
            drawn = values.sum(axis=axis) if values.ndim == 4 else values
            column = MapColumn(title, drawn, unit, empty="the gradient\nis 0", **how)
            return Found({method: values}, column, empty_maps(title, values, chosen.names, NO_GRADIENT))

        if method == "gradient":
            return found("gradient", saliency(model, inputs, classes), per_pixel)
        if method == "smoothgrad":
            rng = np.random.default_rng(self.seed)
            smooth = smooth_gradient(model, inputs, classes, samples=self.samples, noise=self.noise, rng=rng)
            return found("SmoothGrad", smooth, per_pixel)
        if method == "gradient_times_input":
            product = gradient_times_input(model, inputs, classes)
            return found("grad × input", product, score, signed=True)
        if method == "integrated_gradients":
            black = np.broadcast_to(subject.gray(0), inputs.shape[1:])
            integrated = integrated_gradients(model, inputs, classes, baseline=black, steps=self.steps)
            return found("integrated", integrated, score, signed=True)
        cams = grad_cam(model, inputs, classes, layer=str(layer))
        on_image = placed(subject, cams, str(layer))
        reason = f"no evidence for the class in {layer}: the weighted sum of its maps is nowhere positive"
        return Found(
            {
                "grad_cam": on_image.pixels, "grad_cam_units": cams,
                **{f"grad_cam_{name}": centers for name, centers in on_image.centers.items()},
            },
            MapColumn(
                "Grad-CAM", on_image.pixels, score, each=True, over=True, empty="no evidence\nfor the class"
            ),
            empty_maps("Grad-CAM", cams, chosen.names, reason), on_image.note,
        )  # fmt: skip
