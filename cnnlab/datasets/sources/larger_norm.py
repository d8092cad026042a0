"""Noise in three channels: is the first larger, or the second?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from cnnlab.datasets.base import ImageKind
from cnnlab.datasets.sources.generated import SIDE, Generated
from cnnlab.language.fields import AsRange, Shape, Share

if TYPE_CHECKING:
    import numpy as np

    from cnnlab.datasets.drawn.random_stream import RandomStream


class LargerNorm(Generated):
    """The set on which Li, Zhang & Arora prove that Dense networks need more images than convolutions."""

    about: ClassVar[str] = (
        "Independent, nearly normal pixels in three channels; the class says whether the first or the second "
        "channel has the larger norm (Li, Zhang & Arora, ICLR 2021, arXiv 2010.08515).\n\n"
        "A convolutional network with global pooling looks at every pixel in the same way, and needs few "
        "images. A network of Dense layers must learn each pixel alone: its need grows with the square of "
        "the number of pixels.\n\n"
        "difficulty 1 is the set of the paper; below, the pixels of the larger channel are larger, by half "
        "at 0. noise is the share of pixels that are drawn anew once the class is fixed. "
        "Networks see values with a standard deviation near 1. The same images on every machine."
    )

    name: Literal["larger_norm"] = "larger_norm"
    scale: Annotated[tuple[float, float], AsRange] = (-4.0, 4.0)
    size: Annotated[int, Field(ge=2, le=128, description=SIDE)] = 16
    difficulty: Share = Field(1.0, description="1: as in the paper; 0: one channel is larger by half.")

    title: ClassVar[str] = "Larger norm"
    all_classes: ClassVar[tuple[str, ...]] = ("first", "second")
    image_kind: ClassVar[ImageKind] = "other"

    @property
    def image_shape(self) -> Shape:
        return (self.size, self.size, 3)

    def draw(self, count: int, stream: RandomStream) -> tuple[np.ndarray, np.ndarray]:
        from cnnlab.datasets.drawn.channel_norms import channel_norms

        labels = stream.balanced(count, len(self.all_classes))
        images = channel_norms(labels, stream, size=self.size, noise=self.noise, difficulty=self.difficulty)
        return images, labels
