"""Shapes as inequalities between whole numbers: no rasteriser, no rounding, the same pixels everywhere.

Lengths are in half pixels, so that pixel centres (2x + 1, 2y + 1) and the middle of an even picture are
whole numbers too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnnlab.datasets.drawn.colors import SHINING
from cnnlab.datasets.drawn.random_stream import RandomStream

AT_ONCE = 1000
"""Pictures drawn together: enough to be fast, few enough for the memory."""

BACKGROUND = (0, 50)


@dataclass(frozen=True)
class Outline:
    """One shape per picture: half its width and height, and what only some use. Arrays (N, 1, 1) int64."""

    width: np.ndarray
    height: np.ndarray
    apex: np.ndarray
    """Where a triangle's top is, left or right of the middle."""

    leaning: np.ndarray
    """A line falls from left to right (1), or rises (-1)."""

    thickness: np.ndarray
    """Of a line."""


def grey_shapes(
    labels: np.ndarray, stream: RandomStream, *, size: int, noise: float, difficulty: float
) -> np.ndarray:
    """Draw bright shapes on dark grey: (N, size, size, 1) uint8; labels (N,) in the order of `OUTLINES`."""
    inside = _inside(labels, stream, size=size, difficulty=difficulty)[..., None]
    count = len(labels)
    bright = stream.integers(220 - round(120 * difficulty), 256, (count, 1, 1, 1))
    images = np.where(inside, bright, stream.integers(*BACKGROUND, (count, 1, 1, 1)))
    return _with_noise(images, stream, noise)


def colored_shapes(
    labels: np.ndarray, stream: RandomStream, *, size: int, noise: float, difficulty: float
) -> np.ndarray:
    """Draw coloured shapes on dark grey: (N, size, size, 3) uint8; label = shape · 6 + colour."""
    shapes, colors = np.divmod(labels, len(SHINING))
    inside = _inside(shapes, stream, size=size, difficulty=difficulty)[..., None]
    count = len(labels)
    bright = stream.integers(220 - round(60 * difficulty), 256, (count, 1, 1, 3))
    dark = stream.integers(0, 20 + round(60 * difficulty), (count, 1, 1, 3))
    shining = np.where(SHINING[colors][:, None, None, :], bright, dark)
    images = np.where(inside, shining, stream.integers(*BACKGROUND, (count, 1, 1, 1)))
    return _with_noise(images, stream, noise)


def _inside(labels: np.ndarray, stream: RandomStream, *, size: int, difficulty: float) -> np.ndarray:
    """Which pixels each shape covers: (N, size, size) bool."""
    count = len(labels)
    smallest, largest = round(size * (0.55 - 0.25 * difficulty)), round(size * 0.8)
    width, height = (stream.integers(smallest, largest + 1, (count, 1, 1)) for _ in range(2))
    # A circle has one size, the smaller one; a line's box may be flat, down to no height at all.
    is_line = (labels == OUTLINES.index(line))[:, None, None]
    is_circle = (labels == OUTLINES.index(circle))[:, None, None]
    width = np.where(is_circle, np.minimum(width, height), width)
    flat = stream.integers(0, height + 1, (count, 1, 1))
    upright = stream.integers(0, 2, (count, 1, 1)) == 1
    width, height = (
        np.where(is_line & upright, flat, width),
        np.where(is_line & ~upright, flat, np.where(is_circle, width, height)),
    )
    outline = Outline(
        width,
        height,
        apex=stream.integers(-width, width + 1, (count, 1, 1)),
        leaning=2 * stream.integers(0, 2, (count, 1, 1)) - 1,
        thickness=stream.integers(1, 3, (count, 1, 1)),
    )
    reach = [np.round((size - half) * difficulty).astype(np.int64) for half in (width, height)]
    middle = [size + stream.integers(-each, each + 1, (count, 1, 1)) for each in reach]
    centers = 2 * np.arange(size) + 1
    inside = np.empty((count, size, size), dtype=bool)
    for start in range(0, count, AT_ONCE):
        part = slice(start, start + AT_ONCE)
        x = centers[None, None, :] - middle[0][part]
        y = centers[None, :, None] - middle[1][part]
        pieces = Outline(*(getattr(outline, name)[part] for name in Outline.__dataclass_fields__))
        for label, covers in enumerate(OUTLINES):
            chosen = labels[part] == label
            own = Outline(*(getattr(pieces, name)[chosen] for name in Outline.__dataclass_fields__))
            inside[part][chosen] = covers(x[chosen], y[chosen], own)
    return inside


def _with_noise(images: np.ndarray, stream: RandomStream, noise: float) -> np.ndarray:
    """Images plus the same noise in all channels of a pixel, as uint8."""
    if noise > 0:
        images = images + np.rint(stream.bell((*images.shape[:3], 1)) * (255 * noise)).astype(np.int64)
    return np.asarray(np.clip(images, 0, 255), dtype=np.uint8)


def circle(x: np.ndarray, y: np.ndarray, outline: Outline) -> np.ndarray:
    """Which pixels it covers, (N, size, size): x (N, 1, size) and y (N, size, 1) are seen from its middle."""
    return np.asarray(x**2 + y**2 <= outline.width**2)


def rectangle(x: np.ndarray, y: np.ndarray, outline: Outline) -> np.ndarray:
    """Covers its whole box."""
    return np.asarray((abs(x) <= outline.width) & (abs(y) <= outline.height))


def triangle(x: np.ndarray, y: np.ndarray, outline: Outline) -> np.ndarray:
    """Between the lines from its apex to the ends of its base."""
    below = y + outline.height  # how far below the apex; the base is 2 · height below
    across = (x - outline.apex) * 2 * outline.height
    left, right = (-outline.width - outline.apex) * below, (outline.width - outline.apex) * below
    return np.asarray((y <= outline.height) & (left <= across) & (across <= right))


def diamond(x: np.ndarray, y: np.ndarray, outline: Outline) -> np.ndarray:
    """Between the middles of its box's sides."""
    return np.asarray(abs(x) * outline.height + abs(y) * outline.width <= outline.width * outline.height)


def line(x: np.ndarray, y: np.ndarray, outline: Outline) -> np.ndarray:
    """From corner to corner of the box: near enough to the diagonal, and no further along than its ends."""
    dx, dy = outline.width, outline.height * outline.leaning
    length = dx**2 + dy**2
    aside, along = x * dy - y * dx, x * dx + y * dy
    return np.asarray((aside**2 <= outline.thickness**2 * length) & (abs(along) <= length))


OUTLINES = (circle, rectangle, triangle, diamond, line)
"""In the order of the classes."""
