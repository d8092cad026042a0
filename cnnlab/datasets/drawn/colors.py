"""Pictures of coloured shapes, drawn with Pillow from a seed.

All parameters are integers from NumPy's PCG64, and colours are put in with integers, so the same seed
gives the same places, sizes and colours on every machine and operating system with the same NumPy
stream (NumPy has kept it since 1.17, without promising to). Which pixels an edge covers is up to
Pillow's rasteriser: it has changed between Pillow releases, so pictures are bit-identical for one
Pillow version only. The digest in a run's provenance tells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import ImageDraw

SIDE = 28

# One row per class of `Colors`: which of red, green and blue shine.
SHINING = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1]], dtype=bool)

# Half-open ranges of integers. The jitter is small enough to leave a person no doubt about a colour, and
# large enough that a dense network that sees only brightness is right in about four cases of five.
BRIGHT = (220, 256)
DARK = (0, 36)
BACKGROUND = (0, 50)
NOISE = (-8, 9)

BOX_SIDE = (10, 25)
LINE_REACH = (6, 11)
LINE_WIDTH = (1, 3)


def colored_shapes(count: int, *, seed: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Draw shapes in six colours on noisy grey, as many of each colour as `count` allows.

    Returns:
        images (count, 28, 28, 3) uint8 and labels (count,) int64, in the order of `SHINING`.
    """
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count, dtype=np.int64) % len(SHINING))
    bright, dark = rng.integers(*BRIGHT, size=(count, 3)), rng.integers(*DARK, size=(count, 3))
    colors = np.where(SHINING[labels], bright, dark).astype(np.int16)[:, None, None, :]
    backgrounds = rng.integers(*BACKGROUND, size=(count, 1, 1, 1), dtype=np.int16)
    noise = rng.integers(*NOISE, size=(count, SIDE, SIDE, 1), dtype=np.int16)
    inside = np.stack([_shape(rng) for _ in range(count)])[..., None]
    images = np.where(inside, colors, backgrounds) + noise
    return images.clip(0, 255).astype(np.uint8), labels


def _shape(rng: np.random.Generator) -> np.ndarray:
    """One shape of a random kind, size and place. (28, 28) bool, True inside."""
    from PIL import Image, ImageDraw

    canvas = Image.new("L", (SIDE, SIDE))
    draw_shape = SHAPES[rng.integers(len(SHAPES))]
    draw_shape(ImageDraw.Draw(canvas), rng)
    return np.asarray(canvas) > 0


def _box(rng: np.random.Generator, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of a box that lies inside the picture, nearer to its middle than its rim."""

    def start(size: int) -> int:
        room = SIDE - size
        return int(room // 4 + rng.integers(room // 2 + 1))

    left, top = start(width), start(height)
    return left, top, left + width - 1, top + height - 1


def _sides(rng: np.random.Generator) -> tuple[int, int]:
    width, height = rng.integers(*BOX_SIDE, size=2)
    return int(width), int(height)


def _circle(canvas: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    diameter = int(rng.integers(*BOX_SIDE))
    canvas.ellipse(_box(rng, diameter, diameter), fill=255)


def _rectangle(canvas: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    canvas.rectangle(_box(rng, *_sides(rng)), fill=255)


def _triangle(canvas: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    left, top, right, bottom = _box(rng, *_sides(rng))
    apex = int(rng.integers(left, right + 1))
    canvas.polygon([(apex, top), (left, bottom), (right, bottom)], fill=255)


def _diamond(canvas: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    left, top, right, bottom = _box(rng, *_sides(rng))
    x, y = (left + right) // 2, (top + bottom) // 2
    canvas.polygon([(x, top), (right, y), (x, bottom), (left, y)], fill=255)


def _line(canvas: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    """A line of any angle: it reaches `far` along one axis and less along the other, both ways."""
    far = int(rng.integers(*LINE_REACH))
    near = int(rng.integers(-far, far + 1))
    dx, dy = (far, near) if rng.integers(2) else (near, far)
    x, y = (int(each) for each in rng.integers(SIDE // 2 - 3, SIDE // 2 + 4, size=2))
    canvas.line([(x - dx, y - dy), (x + dx, y + dy)], fill=255, width=int(rng.integers(*LINE_WIDTH)))


SHAPES: tuple[Callable[[ImageDraw.ImageDraw, np.random.Generator], None], ...] = (
    _circle,
    _rectangle,
    _triangle,
    _diamond,
    _line,
)
