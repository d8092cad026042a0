"""X or O? Two classes of ±1 images, shifted, scaled, rotated and thickened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from cnnlab.datasets.base import ImageKind
from cnnlab.datasets.sources.generated import SIDE, DrawnCount, Generated
from cnnlab.language.fields import AsRange, Shape, Share

if TYPE_CHECKING:
    import numpy as np

    from cnnlab.datasets.drawn.random_stream import RandomStream


class XO(Generated):
    """Only operations that IEEE 754 rounds one way: the same images on every machine, with every NumPy."""

    about: ClassVar[str] = (
        "An X or an O; networks see 1 on its strokes and -1 elsewhere.\n\n"
        "At difficulty 0 every letter is thin, centered and upright; up to 1, letters are shifted to the "
        "edge, scaled down to half, rotated by up to 45° and thickened. noise is the share of inverted "
        "pixels; at 0.5 nothing is left. The same images on every machine."
    )

    name: Literal["xo"] = "xo"
    scale: Annotated[tuple[float, float], AsRange] = (-1.0, 1.0)
    size: Annotated[int, Field(ge=9, le=28, description=SIDE)] = 16
    train_count: DrawnCount = 2_000
    noise: Share = 0.02

    title: ClassVar[str] = "X or O"
    all_classes: ClassVar[tuple[str, ...]] = ("X", "O")
    image_kind: ClassVar[ImageKind] = "figure"

    @property
    def image_shape(self) -> Shape:
        return (self.size, self.size, 1)

    def draw(self, count: int, stream: RandomStream) -> tuple[np.ndarray, np.ndarray]:
        from cnnlab.datasets.drawn.letters import letters

        labels = stream.balanced(count, len(self.all_classes))
        amount = self.difficulty
        images = letters(
            labels, stream, size=self.size, noise=self.noise,
            scale=amount, shift=amount, thickness=amount, rotation=amount,
        )  # fmt: skip
        return images, labels
