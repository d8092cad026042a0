"""Numbers on a sheet's picture of them, each written on its colour."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cnnlab.pictures.kit.formats import short
from cnnlab.pictures.kit.lettering import width as text_width
from cnnlab.pictures.kit.page import SMALLEST_TEXT
from cnnlab.pictures.kit.palette import INK, PAPER
from cnnlab.pictures.kit.scales import GREYS, ColorScale
from cnnlab.pictures.kit.sheet import Sheet

Box = tuple[float, float, float, float]
"""Left, top, width, height, in inches."""


def write_numbers(
    sheet: Sheet,
    box: Box,
    values: np.ndarray,
    scale: ColorScale,
    *,
    written: Callable[[float], str] = short,
    size: float = SMALLEST_TEXT,
) -> None:
    """Write (H, W) numbers on the cells of a picture that shows them; light on dark.

    Where they have no room, the colours alone say them.

    Args:
        size: of the letters, in points.
    """
    x, y, wide, tall = box
    height, width = values.shape
    longest = max((text_width(written(float(value)), size) for value in np.unique(values)), default=0.0)
    if longest + 0.02 > wide / width or size / 72 > tall / height:
        # No room for every number; one that all cells share is said once.
        if np.ptp(values) == 0:
            text = f"{values.size} × {written(float(values.flat[0]))}"
            middle = x + wide / 2, y + tall / 2
            color = PAPER if _is_dark(float(values.flat[0]), scale) else INK
            sheet.text(*middle, text, across="center", size=size, color=color)
        return
    for (row, column), value in np.ndenumerate(values):
        sheet.text(
            x + (column + 0.5) * wide / width, y + (row + 0.5) * tall / height, written(float(value)),
            across="center", size=size, color=PAPER if _is_dark(float(value), scale) else INK,
        )  # fmt: skip


def _is_dark(value: float, scale: ColorScale) -> bool:
    if scale.colormap == GREYS:
        return value < scale.low + 0.55 * (scale.high - scale.low)
    return abs(value) > 0.6 * scale.high
