"""Amplify in an image what a layer responds to."""

from __future__ import annotations

from pydantic import Field, model_validator

from cnnlab.explanations.explanation import Explanation
from cnnlab.explanations.options import Count, File, Index, Names, Seed, WholeNumber
from cnnlab.explanations.pretrained import PretrainedTechnique
from cnnlab.explanations.subject import Subject
from cnnlab.language.fields import NonNegative, problem, problems
from cnnlab.wording import counted


class Dream(PretrainedTechnique):
    """Change a picture so that a layer responds to it more strongly."""

    name = "dream"
    summary = "Amplify in an image what a layer responds to."
    examples = ("cnn", "cnn --picture cat.jpg --network vgg16 --layer block5_conv1")
    description = (
        "Gradient ascent on the mean squared activation of the layer, from coarse to fine. A network of a "
        "few small filters finds little to strengthen; VGG knows the objects of ImageNet."
    )
    papers = ("Mordvintsev, Olah & Tyka 2015",)

    picture: File | None = Field(None, description="A picture file to start from.")
    image: Index | None = Field(None, description="A test image to start from; by default the first.")
    layer: Names = Field(
        (), description="A layer to strengthen; by default the last convolution, of VGG block4_conv3."
    )
    side: WholeNumber = Field(140, ge=8, le=2000, description="Longest side of the picture, in pixels.")
    octaves: WholeNumber = Field(
        3, ge=1, le=10, description="Number of sizes at which the picture is changed."
    )
    octave_scale: float = Field(1.4, gt=1, description="Ratio of one size to the next smaller one.")
    steps: Count = Field(10, description="Steps at each size.")
    step_size: float = Field(0.01, gt=0, description="Size of a step, 1 being from black to white.")
    jitter: NonNegative = Field(
        4, description="Largest random shift of the picture before a step, in pixels."
    )
    seed: Seed = 0

    @model_validator(mode="after")
    def _starts_from_one(self) -> Dream:
        if self.picture is not None and self.image is not None:
            raise problems(problem("image and picture exclude each other"))
        return self

    def explain(self, subject: Subject) -> Explanation:
        network = self.open_network(subject)
        import numpy as np

        from cnnlab.analyses.dream import DreamSettings, dream
        from cnnlab.analyses.network import last_convolution, summary_name
        from cnnlab.pictures.drawings.pictures import side_by_side

        by_default = summary_name(last_convolution(network.model)) if network.own else "block4_conv3"
        layers = self.layer or (by_default,)
        if self.picture:
            name, start = self.picture.name, network.open(self.picture, side=self.side)
        else:
            index = self.image or 0
            name, start = f"test image {index}", network.enlarged(index, side=self.side)
        settings = DreamSettings(
            octaves=self.octaves, octave_scale=self.octave_scale, steps=self.steps,
            step_size=self.step_size * (network.high - network.low), jitter=self.jitter, low=network.low,
            high=network.high,
        )  # fmt: skip
        rng = np.random.default_rng(self.seed)
        found = dream(network.model, start, layers=layers, settings=settings, rng=rng)
        before, after = network.to_display(start), network.to_display(found)
        strengthened, sizes = (
            ", ".join(layers),
            f"{counted(self.octaves, 'size')}, {counted(self.steps, 'step')} each",
        )
        return Explanation(
            self, subject.explained,
            sentence=f"Deep Dream on {name} by {network.name}: {strengthened}, {sizes}",
            figures={
                "dream": lambda: side_by_side(
                    [[(name, before[0]), ("after gradient ascent", after[0])]],
                    title=f"Deep Dream: {network.name}", side=3.4, appearance=network.appearance,
                    subtitle=f"Gradient ascent on the mean squared activation of {strengthened}: {sizes}.",
                )
            },
            arrays={"picture": before, "dream": after},
            facts={"network": network.name, "layers": list(layers), "image": name},
            taken={"layer": list(layers)},
        )  # fmt: skip
