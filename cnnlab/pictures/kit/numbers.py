"""Numbers on a sheet's picture of them, each written on its colour."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cnnlab.pictures.kit.formats import short
from cnnlab.pictures.kit.palette import INK, PAPER
from cnnlab.pictures.kit.sheet import GREYS, ColorScale, Sheet

Box = tuple[float, float, float, float]
"""Left, top, width, height, in inches."""


def write_numbers(
    sheet: Sheet,
    box: Box,
    values: np.ndarray,
    scale: ColorScale,
    *,
    written: Callable[[float], str] = short,
    size: float = 8.5,
    least: float = 0.0,
) -> None:
    """Write (H, W) numbers on the cells of a picture that shows them; light on dark.

    Args:
        size: of the letters, in points.
        least: smaller numbers are left to their colours.
    """
    x, y, wide, tall = box
    height, width = values.shape
    for (row, column), value in np.ndenumerate(values):
        if abs(value) < least:
            continue
        if scale.colormap == GREYS:
            dark = value < scale.low + 0.55 * (scale.high - scale.low)
        else:
            dark = abs(value) > 0.6 * scale.high
        sheet.text(
            x + (column + 0.5) * wide / width, y + (row + 0.5) * tall / height, written(float(value)),
            across="center", size=size, color=PAPER if dark else INK,
        )  # fmt: skip
