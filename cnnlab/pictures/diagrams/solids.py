"""One volume as a solid: how large it is drawn, its faces, the kernel inside it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from cnnlab.pictures.diagrams.elements import Chain, Fork, Repetition, Volume
from cnnlab.pictures.diagrams.shapes import Circle, Line, Point, Polygon, Shape
from cnnlab.pictures.kit.page import current_page
from cnnlab.pictures.kit.palette import LAYER_EDGES, LAYER_FILLS, MARK

SLANT = (0.42, 0.34)
"""Where a step into the picture goes on paper: to the right and up."""

FILLS, EDGES = LAYER_FILLS, LAYER_EDGES
KERNEL = MARK
KERNEL_FACES = ("#F9B384", "#FDDCC4", "#F08B4B")
"""Front, top and right."""

FEW = 12
"""So many neurons and fewer are drawn one by one."""

NEURON = 0.105  # inches from one to the next
SHORTEST = 0.3  # inches, of a row of numbers
THINNEST_VOLUME = 0.05  # inches
THINNEST = 0.02  # inches, of a window that sees one channel


@dataclass(frozen=True)
class DrawingScale:
    """Pixels, channels and neurons → inches.

    Heights and widths are in proportion where the smallest image can still be seen, else their square
    roots are; of channels, and of numbers in a row, the square roots always. What would be too thin or too
    short to be seen is drawn as thin or short as can be seen.
    """

    largest: float  # inches
    pixels: int
    channels: int
    numbers: int
    power: float

    @classmethod
    def of(cls, chain: Chain) -> DrawingScale:
        shapes = [volume.shape for volume in volumes(chain)]
        images = [shape for shape in shapes if len(shape) == 3]
        sides = [side for height, width, _ in images for side in (height, width) if side > 1] or [1]
        return cls(
            largest=(0.85 if any(isinstance(each, Fork) for each in _elements(chain)) else 1.35)
            / current_page().font_scale,
            pixels=max(sides),
            channels=max((shape[2] for shape in images), default=1),
            numbers=max((shape[0] for shape in shapes if len(shape) == 1), default=1),
            power=1.0 if max(sides) <= 12 * min(sides) else 0.5,
        )

    def side(self, pixels: float) -> float:
        return self.largest * math.pow(pixels / self.pixels, self.power)

    def thickness(self, channels: int) -> float:
        return max(THINNEST_VOLUME, 0.85 * self.largest * math.sqrt(channels / max(self.channels, 48)))

    def length(self, numbers: int) -> float:
        longest = max(1.3 * self.largest, FEW * NEURON + 0.3)
        return max(SHORTEST, longest * math.sqrt(numbers / self.numbers))


@dataclass(frozen=True)
class Solid:
    """The faces of a volume, its left edge at x = 0 and its middle at y = 0."""

    volume: Volume
    scale: DrawingScale

    @property
    def is_image(self) -> bool:
        return len(self.volume.shape) == 3

    @property
    def front(self) -> tuple[float, float]:
        """Width and height of the face to the front."""
        if self.is_image:
            height, _, channels = self.volume.shape
            return self.scale.thickness(channels), self.scale.side(height)
        return 0.13, self._length

    @property
    def slant(self) -> Point:
        """How far the back is moved against the front."""
        depth = self.scale.side(self.volume.shape[1]) if self.is_image else 0.0
        return depth * SLANT[0], depth * SLANT[1]

    @property
    def width(self) -> float:
        return self.front[0] + self.slant[0]

    @property
    def height(self) -> float:
        return self.front[1] + self.slant[1]

    @property
    def _length(self) -> float:
        numbers = math.prod(self.volume.shape)
        return numbers * NEURON if numbers <= FEW else self.scale.length(numbers)

    def at(self, across: float, up: float, into: float) -> Point:
        """A point of the solid: each from 0 to 1, from left to right, bottom to top, front to back."""
        width, height = self.front
        right, rise = self.slant
        return across * width + into * right, up * height + into * rise - self.height / 2

    def shapes(self) -> tuple[Shape, ...]:
        fill, edge = FILLS[self.volume.kind], EDGES[self.volume.kind]
        numbers = math.prod(self.volume.shape)
        if not self.is_image and numbers <= FEW:
            middle = self.front[0] / 2
            return tuple(
                Circle((middle, (index + 0.5) * NEURON - self.height / 2), 0.4 * NEURON, fill, edge)
                for index in range(numbers)
            )
        if not self.is_image:
            return (self._face(((0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)), fill, edge),)
        faces = (
            (((0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)), fill),
            (((0, 1, 0), (1, 1, 0), (1, 1, 1), (0, 1, 1)), _mixed(fill, "#FFFFFF", 0.45)),
            (((1, 0, 0), (1, 0, 1), (1, 1, 1), (1, 1, 0)), _mixed(fill, edge, 0.12)),
        )
        return tuple(self._face(corners, color, edge) for corners, color in faces)

    def _face(self, corners: tuple[tuple[float, float, float], ...], fill: str, edge: str) -> Polygon:
        return Polygon(tuple(self.at(*corner) for corner in corners), fill, edge)

    def kernel(self, size: tuple[int, int, int]) -> tuple[tuple[Shape, ...], tuple[Point, ...]]:
        """A window of this height and width inside the solid, and its corners on the right.

        It goes through as many channels as one output sees, the last ones; of many at least as deep as can be
        seen.
        """
        height, width, channels = self.volume.shape
        left = 1 - min(1.0, max(size[2] / channels, THINNEST / self.front[0]))
        tall, wide = min(1.0, size[0] / height), min(1.0, size[1] / width)
        bottom, front = (1 - tall) * 0.62, (1 - wide) * 0.45
        top, back = bottom + tall, front + wide
        right = ((1, bottom, front), (1, bottom, back), (1, top, back), (1, top, front))
        faces: tuple[tuple[tuple[float, float, float], ...], ...] = (
            ((left, bottom, front), (1, bottom, front), (1, top, front), (left, top, front)),
            ((left, top, front), (1, top, front), (1, top, back), (left, top, back)),
            right,
        )
        shapes = tuple(
            Polygon(tuple(self.at(*corner) for corner in corners), fill, KERNEL, 0.8, level=3)
            for corners, fill in zip(faces, KERNEL_FACES, strict=True)
        )
        return shapes, tuple(self.at(*corner) for corner in right)


def cone(corners: Iterable[Point], tip: Point) -> tuple[Shape, ...]:
    """From the window's corners to the one output that it gives."""
    return tuple(Line((corner, tip), KERNEL, 0.6, alpha=0.75, level=4) for corner in corners)


def volumes(chain: Chain) -> list[Volume]:
    """All volumes, those in branches included."""
    return [each for each in _elements(chain) if isinstance(each, Volume)]


def _elements(chain: Chain) -> list[object]:
    found: list[object] = []
    for element in chain.elements:
        found.append(element)
        if isinstance(element, Fork):
            found += [each for branch in element.branches for each in _elements(branch)]
            found.append(element.end)
        elif isinstance(element, Repetition):
            found += _elements(element.chain)
    return found


def _mixed(color: str, other: str, part: float) -> str:
    """#RRGGBB between two colours."""
    pairs = [(int(color[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * part):02X}" for a, b in pairs)
