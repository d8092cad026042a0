"""Which pixels a class's score depends on, by five methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from cnnlab.explanations.captions import prediction_labels, targets
from cnnlab.explanations.explanation import Explanation
from cnnlab.explanations.options import ClassName, Count, EachOnce, Images, Pictures, Seed, Several
from cnnlab.explanations.subject import Subject
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
        "change, not what it rests on; the methods disagree, and none is the truth."
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
            scales += f"; Grad-CAM, of {layer}, one per image"
        ordered = [method for method in METHODS if method in methods]
        columns = [self._column(method, subject, chosen.inputs, classes, layer) for method in ordered]
        arrays: dict[str, np.ndarray] = {
            method: values for method, (values, _) in zip(ordered, columns, strict=True)
        }
        maps = [column for _, column in columns]
        labels, wrong = prediction_labels(subject, chosen, probabilities, classes)
        names = [subject.class_names[each] for each in classes]
        titles = ", ".join(each.title for each in maps)
        whose = f"class {names[0]}" if self.class_name else "the predicted class"
        return Explanation(
            self, subject.explained,
            sentence=f"{counted(len(chosen), 'image')} of {subject.name}: {titles}",
            figures={
                "saliency": lambda: pixel_maps(
                    chosen.display, labels, maps, wrong=wrong, title=f"Which pixels matter: {subject.name}",
                    subtitle=f"Effect of each pixel on the score of {whose} before the softmax. Red raises "
                    "the score, blue lowers it. Maps without a sign: the brighter, the stronger the effect, "
                    f"in either direction. {scales}.",
                )
            },
            arrays={**arrays, "classes": classes, "images": chosen.inputs},
            facts={
                "images": chosen.names, "notes": chosen.notes, "classes": names, "methods": list(methods),
                "layer": layer,
            },
            taken={"method": list(methods), "layer": layer},
        )  # fmt: skip

    def _column(
        self, method: Method, subject: Subject, inputs: np.ndarray, classes: np.ndarray, layer: str | None
    ) -> tuple[np.ndarray, MapColumn]:
        """What a method finds, an array in the shape of the images or of their pixels, and as it is drawn."""
        import numpy as np

        from cnnlab.analyses.grad_cam import grad_cam
        from cnnlab.analyses.integrated_gradients import integrated_gradients
        from cnnlab.analyses.network import image_channel_axis
        from cnnlab.analyses.saliency import gradient_times_input, saliency, smooth_gradient
        from cnnlab.pictures.drawings.maps import MapColumn

        model, axis = subject.model, image_channel_axis(subject.model)
        per_pixel, score = "score per unit of pixel", "score"

        def column(title: str, values: np.ndarray, unit: str, **how: Any) -> tuple[np.ndarray, MapColumn]:
            drawn = values.sum(axis=axis) if values.ndim == 4 else values
            return values, MapColumn(title, drawn, unit, **how)

        if method == "gradient":
            return column("gradient", saliency(model, inputs, classes), per_pixel)
        if method == "smoothgrad":
            rng = np.random.default_rng(self.seed)
            smooth = smooth_gradient(model, inputs, classes, samples=self.samples, noise=self.noise, rng=rng)
            return column("SmoothGrad", smooth, per_pixel)
        if method == "gradient_times_input":
            product = gradient_times_input(model, inputs, classes)
            return column("grad × input", product, score, signed=True)
        if method == "integrated_gradients":
            black = np.broadcast_to(subject.gray(0), inputs.shape[1:])
            integrated = integrated_gradients(model, inputs, classes, baseline=black, steps=self.steps)
            return column("integrated", integrated, score, signed=True)
        return column("Grad-CAM", grad_cam(model, inputs, classes, layer=str(layer)), score, each=True)
