"""The content of one picture in the style of another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from cnnlab.errors import UserError
from cnnlab.explanations.explanation import Explanation
from cnnlab.explanations.options import Count, File, Names, TwoIndices, WholeNumber
from cnnlab.explanations.pretrained import PretrainedTechnique
from cnnlab.explanations.subject import Subject
from cnnlab.language.fields import problem, problems


class Style(PretrainedTechnique):
    """Paint the content of one picture in the style of another."""

    name = "style"
    summary = "The content of one picture in the style of another."
    examples = (
        "cnn --content me.jpg --style wave.jpg --network vgg19 --side 400",
        "cnn --image 0 61",
    )
    description = (
        "Content is the activation of a late layer, style the correlation of the maps of several layers. "
        "Filters trained on digits know no brush strokes: use VGG for beautiful pictures, and the run's own "
        "network to understand it."
    )
    papers = ("Gatys, Ecker & Bethge 2015",)

    content: File | None = Field(None, description="A picture file.")
    style: File | None = Field(None, description="A picture file.")
    image: TwoIndices | None = Field(
        None, description="Two test images: content and style; by default the first two."
    )
    content_layer: Names = Field((), description="A layer; by default the last convolution.")
    style_layer: Names = Field((), description="A layer; by default all convolutions.")
    style_weight: float = Field(
        1000.0, ge=0, description="Weight of the style in the loss; of the content 1."
    )
    variation_weight: float = Field(0.0, ge=0, description="Weight of the differences of neighboring pixels.")
    steps: Count = Field(60, description="Steps of L-BFGS.")
    side: WholeNumber = Field(84, ge=8, le=2000, description="Longest side of the picture, in pixels.")

    @model_validator(mode="after")
    def _two_pictures(self) -> Style:
        if None not in (self.content, self.style, self.image):
            raise problems(problem("has no effect beside content and style; leave it out", ("image",)))
        return self

    @classmethod
    def of_pictures(cls, pictures: Sequence[Path], subject: Subject) -> Self:
        if subject.dataset is None and len(pictures) < 2:
            raise UserError(f"{subject.file}: style takes two pictures; name both with --picture")
        options: dict[str, Any] = dict(zip(("content", "style"), pictures, strict=False))
        return cls(**options)

    def explain(self, subject: Subject) -> Explanation:
        network = self.open_network(subject)
        from cnnlab.analyses.imagenet import CONTENT_LAYERS, STYLE_LAYERS
        from cnnlab.analyses.network import convolutions, last_convolution, summary_name
        from cnnlab.analyses.style import transfer_style
        from cnnlab.pictures.drawings.pictures import side_by_side

        content_layers, style_layers = self.content_layer, self.style_layer
        if network.own:
            content_layers = content_layers or (summary_name(last_convolution(network.model)),)
            style_layers = style_layers or tuple(map(summary_name, convolutions(network.model)))
        else:
            content_layers, style_layers = content_layers or CONTENT_LAYERS, style_layers or STYLE_LAYERS
        sources = list(zip((self.content, self.style), self.image or (0, 1), strict=True))
        content, style = (
            network.open(path, side=self.side)
            if path
            else network.enlarged(index, side=self.side, instead="--content and --style")
            for path, index in sources
        )
        found = transfer_style(
            network.model, content, style, content_layers=content_layers, style_layers=style_layers,
            style_weight=self.style_weight, variation_weight=self.variation_weight, steps=self.steps,
            low=network.low, high=network.high,
        )  # fmt: skip
        names = [path.name if path else f"test image {index}" for path, index in sources]
        pictures = [network.to_display(each) for each in (content, style, found.image)]
        steps = len(found.losses) - 1
        left = f"{found.losses[-1] / found.losses[0] if found.losses[0] else 0.0:.1%}"
        layers = {"content_layer": list(content_layers), "style_layer": list(style_layers)}
        return Explanation(
            self, subject.explained,
            sentence=f"{names[0]} in the style of {names[1]}, by {network.name}: loss at {left} of its "
            f"initial value after {steps} steps",
            figures={
                "style": lambda: side_by_side(
                    [
                        [
                            (heading, picture[0])
                            for heading, picture in zip(
                                (f"content: {names[0]}", f"style: {names[1]}", "result"),
                                pictures,
                                strict=True,
                            )
                        ]
                    ],
                    title=f"Style transfer: {network.name}", appearance=network.appearance,
                    subtitle=f"Content layers {', '.join(content_layers)}; style layers "
                    f"{', '.join(style_layers)}, weight {self.style_weight:g}. After {steps} steps the loss "
                    f"is {left} of its initial value.",
                )
            },
            arrays={
                **dict(zip(("content", "style", "picture"), pictures, strict=True)), "losses": found.losses,
            },
            facts={
                "network": network.name, "content": names[0], "style": names[1],
                "content_layers": layers["content_layer"], "style_layers": layers["style_layer"],
                "losses": found.losses.tolist(),
            },
            taken={"content": names[0], "style": names[1], **layers},
        )  # fmt: skip
