"""What a drawing is made of, placed in inches: x to the right, y upwards. No drawing library yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from cnnlab.pictures.kit.palette import INK

Point = tuple[float, float]

CHARACTER = 0.60  # width of a letter, DejaVu Sans on average, in parts of its size
POINTS = 72.0  # to the inch
SIZE = 8.5  # points, of all text but titles


@dataclass(frozen=True)
class Polygon:
    """An area; open paths are lines."""

    points: tuple[Point, ...]
    fill: str
    edge: str = "none"
    width: float = 0.8  # points
    dashed: bool = False
    level: int = 1

    def moved(self, right: float, up: float) -> Polygon:
        return replace(self, points=_moved(self.points, right, up))


@dataclass(frozen=True)
class Line:
    """A path of straight pieces, with an arrow head at its end or not."""

    points: tuple[Point, ...]
    color: str
    width: float = 1.0  # points
    arrow: bool = False
    alpha: float = 1.0
    level: int = 2

    def moved(self, right: float, up: float) -> Line:
        return replace(self, points=_moved(self.points, right, up))


@dataclass(frozen=True)
class Circle:
    """A neuron, or the place where branches are added."""

    center: Point
    radius: float
    fill: str
    edge: str
    level: int = 3

    @property
    def points(self) -> tuple[Point, ...]:
        (x, y), radius = self.center, self.radius
        return ((x - radius, y - radius), (x + radius, y + radius))

    def moved(self, right: float, up: float) -> Circle:
        (center,) = _moved((self.center,), right, up)
        return replace(self, center=center)


@dataclass(frozen=True)
class Text:
    """One line of letters; `at` is the middle of its top edge, or its left or right end."""

    at: Point
    text: str
    size: float = SIZE  # points
    color: str = INK
    bold: bool = False
    align: Literal["center", "left", "right"] = "center"
    level: int = 5

    @property
    def points(self) -> tuple[Point, ...]:
        """Lower left and upper right corner, as far as letters can be measured without drawing them."""
        (x, y), width = self.at, text_width(self.text, self.size, bold=self.bold)
        left = x - {"center": width / 2, "left": 0.0, "right": width}[self.align]
        return ((left, y - self.size * 1.2 / POINTS), (left + width, y))

    def moved(self, right: float, up: float) -> Text:
        (at,) = _moved((self.at,), right, up)
        return replace(self, at=at)


Shape = Polygon | Line | Circle | Text


@dataclass(frozen=True)
class Piece:
    """Shapes that belong together, around the height 0, where arrows come in and go out.

    They take the room from x = 0 to `width`, `above` and `below` of the middle. Arrows touch it at `enter`
    and `leave`.
    """

    shapes: tuple[Shape, ...]
    width: float
    above: float
    below: float
    enter: float
    leave: float

    def moved(self, right: float, up: float = 0.0) -> tuple[Shape, ...]:
        return tuple(shape.moved(right, up) for shape in self.shapes)


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Inches that a line of text takes, about."""
    return len(text) * size * CHARACTER * (1.12 if bold else 1.0) / POINTS


def bounds(shapes: Sequence[Shape]) -> tuple[float, float, float, float]:
    """Left, bottom, right, top of everything."""
    xs = [x for shape in shapes for x, _ in shape.points]
    ys = [y for shape in shapes for _, y in shape.points]
    return min(xs), min(ys), max(xs), max(ys)


def _moved(points: Sequence[Point], right: float, up: float) -> tuple[Point, ...]:
    return tuple((x + right, y + up) for x, y in points)
