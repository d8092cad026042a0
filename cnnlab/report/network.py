"""An architecture → blocks side by side: as tall as the image, as wide as it has channels."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cnnlab.accounting.architecture import Architecture
from cnnlab.layers.base import times

HEIGHT = 190
_PITCH = 142  # from one block to the next
_TALLEST = 110


@dataclass(frozen=True)
class Block:
    """One layer's output in pixels of the drawing, and what stands below it."""

    x: float
    y: float
    width: float
    height: float
    kind: str  # CSS class: input, convolution, pooling, dense, other
    title: str
    shape: str
    params: str


@dataclass(frozen=True)
class Drawing:
    """The blocks of a network from left to right."""

    blocks: tuple[Block, ...]
    width: int
    alternative: str  # what a screen reader says


def drawing(architecture: Architecture) -> Drawing:
    """Draw a network; layers that change neither shape nor weights, such as Dropout, are drawn small."""
    shapes = [("input", architecture.input_shape, 0)]
    shapes += [(row.type, row.output_shape, row.params) for row in architecture.rows]
    tallest = max((_side(shape) for _, shape, _ in shapes), default=1)
    blocks = []
    for place, (title, shape, params) in enumerate(shapes):
        height = _height(shape, tallest)
        width = min(64.0, 8 + 8 * math.log2(1 + _channels(shape)))
        middle = 8 + _PITCH * place + _PITCH / 2
        blocks.append(
            Block(
                round(middle - width / 2, 1),
                round(8 + (_TALLEST - height) / 2, 1),
                round(width, 1),
                round(height, 1),
                _kind(title),
                title,
                times(shape),
                f"{params:,} parameters" if params else "",
            )
        )
    steps = ", ".join(
        f"{title} {times(shape)}" + (f" with {params:,} parameters" if params else "")
        for title, shape, params in shapes
    )
    return Drawing(tuple(blocks), 16 + _PITCH * len(shapes), f"{len(shapes) - 1} layers: {steps}")


def _side(shape: tuple[int, ...]) -> int:
    """The longer side of an image, whichever axis its channels are on; 0 for a row of numbers."""
    return sorted(shape)[-2] if len(shape) == 3 else 0


def _channels(shape: tuple[int, ...]) -> float:
    if len(shape) != 3:
        return 1.0
    side = _side(shape)
    return max(1.0, math.prod(shape) / max(side * side, 1))


def _height(shape: tuple[int, ...], tallest: int) -> float:
    if len(shape) == 3:
        return 14 + (_TALLEST - 14) * _side(shape) / max(tallest, 1)
    return min(_TALLEST, 16 + 9 * math.log2(1 + math.prod(shape)))


def _kind(title: str) -> str:
    if "Conv" in title:
        return "convolution"
    if "Pooling" in title:
        return "pooling"
    return {"input": "input", "Dense": "dense"}.get(title, "other")
