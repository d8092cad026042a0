"""Raw pixels → the picture of them. How a dataset's images look is its own affair: `datasets.appearance`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from cnnlab.datasets.appearance import Appearance
from cnnlab.pictures.kit.palette import COLORS, MARK

POINT = 13
"""Pixels that a point of a board takes on its picture: odd, for its lines run through the middle."""

_WOOD, _LINES, _EDGE = (0.87, 0.72, 0.47), (0.45, 0.34, 0.18), (0.25, 0.22, 0.18)


class Move(NamedTuple):
    """What is marked on a board, by the names of the classes: the right move, and what it was taken for."""

    played: str | None = None
    predicted: str | None = None


UNMARKED = Move()


def drawn(pixels: np.ndarray, appearance: Appearance, move: Move = UNMARKED) -> np.ndarray:
    """One image as it is drawn.

    Args:
        pixels: (H, W, C), raw as uint8, or float in [0, 1].

    Returns:
        (H', W', C') of the same kind of numbers, up to 255 or 1.
    """
    if appearance.points is not None:
        return _board(pixels, appearance.points, appearance.brightest, move)
    if pixels.dtype == np.uint8:
        pixels = to_white(pixels, appearance.brightest)
    return turned(pixels, appearance)


def shades(pixels: np.ndarray, appearance: Appearance) -> np.ndarray:
    """One image, (H, W, C) in [0, 1], pixel by pixel; stones on a board are shades of gray."""
    return turned(pixels if appearance.points is None else 1 - pixels, appearance)


def legend(subtitle: str, appearance: Appearance) -> str:
    """A sheet's subtitle, with what has to be said of how its images are drawn."""
    return f"{subtitle} {appearance.key}".strip()


def turned(values: np.ndarray, appearance: Appearance) -> np.ndarray:
    """Numbers on an image's grid, (H, W) or (H, W, C), as they lie on its picture."""
    if appearance.axes is None:
        return values
    upright = values.swapaxes(0, 1) if appearance.axes.rows_across else values
    return upright[::-1]


def turned_map(values: np.ndarray, along: tuple[int, int] | None, appearance: Appearance) -> np.ndarray:
    """A map, (h, w), as it lies on the image's picture.

    Args:
        along: the axes of the image that its rows and columns run along, (1, 0): exchanged. None: others;
            its rows then go down and its columns to the right.
    """
    if along is None:
        return values
    return turned(values.T if along == (1, 0) else values, appearance)


def turned_box(box: np.ndarray, size: tuple[int, int], appearance: Appearance) -> np.ndarray:
    """(4,) top, left, bottom, right on an image of this height and width → the same on its picture."""
    if appearance.axes is None:
        return box
    top, left, bottom, right = box
    height, _ = size
    if appearance.axes.rows_across:
        top, left, bottom, right, height = left, top, right, bottom, size[1]
    return np.array([height - bottom, left, height - top, right])


def to_white(pixels: np.ndarray, brightest: int) -> np.ndarray:
    """Brighten pixels so that `brightest` becomes 255, as a picture has it.

    Args:
        pixels: uint8, of any shape, 0 to `brightest`.

    Returns:
        uint8, of the same shape.
    """
    if brightest == 255:
        return pixels
    return (pixels.astype(np.uint16) * 255 // brightest).astype(np.uint8)


def _board(
    pixels: np.ndarray, points: Mapping[str, tuple[int, int]], brightest: int, move: Move
) -> np.ndarray:
    """Stones on a board; values between black, nothing and white are stones that one can see through."""
    raw = pixels.dtype == np.uint8
    shares = np.clip(pixels[..., 0] / (brightest if raw else 1), 0, 1)  # 1: black, ½: nothing, 0: white
    if shares.shape != tuple(1 + max(along) for along in zip(*points.values(), strict=True)):
        picture = np.repeat(1 - shares[..., None], 3, axis=-1)  # enlarged: it has no points any more
    else:
        picture = _stones(2 * shares - 1)
        for name, shape, color in ((move.played, _RING, COLORS[0]), (move.predicted, _CROSS, MARK)):
            if name is not None and not (shape is _CROSS and name == move.played):
                top, left = (POINT * place for place in points[name])
                part = picture[top : top + POINT, left : left + POINT]
                part[:] = _mixed(part, _rgb(color), shape)
    return np.round(255 * picture).astype(np.uint8) if raw else picture.astype(pixels.dtype)


def _stones(values: np.ndarray) -> np.ndarray:
    """(H, W) in [−1, 1], black stones 1 and white ones −1 → (H · POINT, W · POINT, 3) in [0, 1]."""
    rows, columns = (POINT * count for count in values.shape)
    picture = np.full((rows, columns, 3), _WOOD)
    half = POINT // 2
    picture[half::POINT, half : columns - half] = _LINES
    picture[half : rows - half, half::POINT] = _LINES
    strength = np.abs(values)
    colors = np.repeat(np.repeat(np.where(values > 0, 0.08, 0.98), POINT, axis=0), POINT, axis=1)
    picture = _mixed(picture, colors[..., None], np.kron(strength, _STONE))
    return _mixed(picture, np.array(_EDGE), np.kron(strength, _RIM))


def _rgb(color: str) -> tuple[float, ...]:
    """#0072B2 → three numbers in [0, 1]."""
    return tuple(int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))


def _mixed(below: np.ndarray, color: Any, cover: np.ndarray) -> np.ndarray:
    return np.asarray(below * (1 - cover[..., None]) + np.asarray(color) * cover[..., None])


_DOWN, _ACROSS = np.mgrid[:POINT, :POINT] - POINT // 2
_FROM_MIDDLE = np.hypot(_DOWN, _ACROSS)


def _disc(radius: float) -> np.ndarray:
    """(POINT, POINT): how much of each pixel a disc covers."""
    return np.asarray(np.clip(radius * POINT - _FROM_MIDDLE + 0.5, 0, 1))


_STONE, _RIM = _disc(0.46), _disc(0.46) - _disc(0.4)
_RING = _disc(0.44) - _disc(0.2)
_CROSS = np.clip(2 - np.minimum(np.abs(_DOWN - _ACROSS), np.abs(_DOWN + _ACROSS)) / 1.2, 0, 1) * _disc(0.42)
"""What is laid over a point of the board: each pixel's share."""
