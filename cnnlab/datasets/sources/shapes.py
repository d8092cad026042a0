"""Circle, rectangle, triangle, diamond or line? And in which colour?"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from cnnlab.datasets.base import ImageKind
from cnnlab.datasets.sources.colors import Colors
from cnnlab.datasets.sources.generated import Generated, Side
from cnnlab.language.fields import Shape, Share

if TYPE_CHECKING:
    import numpy as np

    from cnnlab.datasets.drawn.random_stream import RandomStream

SHAPE_NAMES = ("circle", "rectangle", "triangle", "diamond", "line")


class Shapes(Generated):
    """Bright shapes on dark grey, of any size and place; the class is the shape.

    `noise` is the standard deviation of what is added to each pixel, as a share of full brightness.
    `difficulty` makes shapes smaller, flatter, fainter and less centred: a flat triangle is easily taken
    for a diamond. Integers only: the same pictures on every machine, with every NumPy.
    """

    name: Literal["shapes"] = "shapes"
    size: Side = 28
    noise: Share = 0.03

    title: ClassVar[str] = "Shapes"
    all_classes: ClassVar[tuple[str, ...]] = SHAPE_NAMES
    image_kind: ClassVar[ImageKind] = "figure"

    @property
    def image_shape(self) -> Shape:
        return (self.size, self.size, 1)

    def draw(self, count: int, stream: RandomStream) -> tuple[np.ndarray, np.ndarray]:
        from cnnlab.datasets.drawn.shapes import grey_shapes

        labels = stream.balanced(count, len(SHAPE_NAMES))
        return grey_shapes(
            labels, stream, size=self.size, noise=self.noise, difficulty=self.difficulty
        ), labels


class ColoredShapes(Generated):
    """The shapes of `Shapes` in the colours of `Colors`; the class is both, such as "red circle".

    `noise` and `difficulty` as for `Shapes`; difficulty also moves the colours towards grey.
    """

    name: Literal["colored_shapes"] = "colored_shapes"
    size: Side = 28
    noise: Share = 0.03

    title: ClassVar[str] = "Colored shapes"
    all_classes: ClassVar[tuple[str, ...]] = tuple(
        f"{color} {shape}" for shape in SHAPE_NAMES for color in Colors.all_classes
    )

    @property
    def image_shape(self) -> Shape:
        return (self.size, self.size, 3)

    def draw(self, count: int, stream: RandomStream) -> tuple[np.ndarray, np.ndarray]:
        from cnnlab.datasets.drawn.shapes import colored_shapes

        labels = stream.balanced(count, len(self.all_classes))
        images = colored_shapes(labels, stream, size=self.size, noise=self.noise, difficulty=self.difficulty)
        return images, labels
