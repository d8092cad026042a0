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
    """Integers only: the same images on every machine, with every NumPy."""

    about: ClassVar[str] = (
        "Bright shapes of any size and position on dark gray; the class is the shape.\n\n"
        "noise is the standard deviation of what is added to each pixel, as a share of full brightness. "
        "difficulty makes shapes smaller, flatter, fainter and less centered. The same images on every "
        "machine."
    )

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
    """`Shapes` in the colors of `Colors`."""

    about: ClassVar[str] = (
        'The shapes of shapes in the colors of colors; the class is both, such as "red circle".\n\n'
        "noise and difficulty as for shapes; difficulty also makes the colors grayer."
    )

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
