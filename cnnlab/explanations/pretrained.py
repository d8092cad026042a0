"""The network and the pictures of dream and style: a run's own, or VGG with weights from ImageNet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from cnnlab.datasets.appearance import PLAIN, Appearance
from cnnlab.errors import UserError
from cnnlab.explanations.options import File
from cnnlab.explanations.picture_files import read_picture
from cnnlab.explanations.subject import Subject
from cnnlab.explanations.technique import Technique
from cnnlab.language.fields import problem, problems

if TYPE_CHECKING:
    import keras
    import numpy as np


class PretrainedTechnique(Technique):
    """A technique that looks with the run's own network, or with one that ImageNet has trained."""

    network: Literal["own", "vgg16", "vgg19"] = Field(
        "own", description="The run's own network, or VGG trained on ImageNet."
    )
    weights: File | None = Field(
        None,
        description="File of VGG's weights without its dense layers (…notop.h5); by default it is looked for "
        "and downloaded.",
    )

    @model_validator(mode="after")
    def _weights_are_vggs(self) -> PretrainedTechnique:
        if self.network == "own" and self.weights is not None:
            raise problems(problem("expected network vgg16 or vgg19 with it, found own", ("weights",)))
        return self

    def open_network(self, subject: Subject) -> PretrainedNetwork:
        """The network asked for.

        Raises:
            UserError: the file of the weights does not fit, or the own network sees permuted pixels.
            CnnlabError: the weights cannot be downloaded.
        """
        if self.network == "own":
            if subject.permutes_pixels:
                raise UserError(
                    f"{subject.name}: its network was trained on permuted pixels, and larger pictures have "
                    "no such order; choose a run on plain images, or network vgg16"
                )
            return PretrainedNetwork(subject.name, subject.model, subject, own=True)
        from cnnlab.analyses.imagenet import find_weights, imagenet_network

        file = find_weights(
            self.network, self.weights, subject.data_paths, progress=subject.reporter.downloading
        )
        return PretrainedNetwork(self.network, imagenet_network(self.network, file), subject, own=False)


@dataclass(frozen=True, eq=False)
class PretrainedNetwork:
    """A network, how pictures get to it and come back, and what black and white are for it."""

    name: str
    model: keras.Model
    subject: Subject
    own: bool

    @property
    def low(self) -> float:
        return float(self.subject.gray(0).min()) if self.own else 0.0

    @property
    def high(self) -> float:
        return float(self.subject.gray(1).max()) if self.own else 1.0

    def open(self, path: Path, *, side: int) -> np.ndarray:
        """A picture file as this network takes it, no side longer than `side`."""
        import numpy as np
        from PIL import Image

        picture = read_picture(path, longest=side).pixels
        channels = self.subject.image_shape[2] if self.own else 3
        if channels == 1:
            picture = np.asarray(Image.fromarray(picture).convert("L"))[..., None]
        if not self.own:
            return picture[None].astype(np.float32) / 255
        return self.subject.display_to_inputs(picture[None] / np.float32(255))

    def enlarged(self, index: int, *, side: int, instead: str = "--picture") -> np.ndarray:
        """A test image, smoothly enlarged, as this network takes it.

        Args:
            instead: how a picture is given where there are no test images.
        """
        import numpy as np
        from PIL import Image

        from cnnlab.pictures.rendering import drawn

        image = self.subject.choose([index], [], instead=instead).display[0]
        if not self.own:  # a network that knows pictures gets the picture
            image = drawn(image, self.subject.appearance)
        picture = Image.fromarray(
            np.round(255 * (image if image.shape[-1] == 3 else image[..., 0])).astype(np.uint8)
        )
        large = np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC)).reshape(side, side, -1)
        if not self.own:
            return (np.repeat(large, 3 // large.shape[-1], axis=-1)[None] / 255).astype(np.float32)
        return self.subject.display_to_inputs(large[None] / np.float32(255))

    @property
    def appearance(self) -> Appearance:
        """How what it takes is drawn."""
        return self.subject.appearance if self.own else PLAIN

    def to_display(self, images: np.ndarray) -> np.ndarray:
        """What the network takes, as it is drawn: (N, H, W, C) in [0, 1]."""
        return self.subject.inputs_to_display(images) if self.own else images
