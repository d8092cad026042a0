"""A convolution's matrix: mostly zeros, the rest the same few numbers again and again."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from cnnlab.pictures.kit.palette import INK, PAPER
from cnnlab.pictures.kit.sheet import ColorScale, Sheet


def dense_matrix(
    weights: np.ndarray, zoom: np.ndarray, names: np.ndarray, *, title: str, subtitle: str, zoomed: str
) -> Figure:
    """The whole matrix of one filter, and its beginning with the number of each shared weight.

    Args:
        weights: (outputs, inputs) of one filter and one input channel, signed; 0 where nothing is connected.
        zoom: (outputs, inputs), a part of it. names: the same, which weight stands there, 0: none.
    """
    sheet = Sheet(1, 2, title=title, subtitle=subtitle, cell=(5.6, 4.8), gap=(0.4, 0.1), caption=0.26, bars=1)
    scale = ColorScale.signed(weights, "weight (white: no connection)")
    outputs, inputs = weights.shape
    caption = f"one filter, one channel: {outputs:,} outputs (rows) × {inputs:,} inputs (columns)"
    sheet.values(0, 0, weights, scale, caption=caption)
    x, y, wide, tall = sheet.values(0, 1, zoom, scale, caption=zoomed)
    rows, columns = zoom.shape
    size = min(7.5, 300 / max(rows, columns))
    for (row, column), name in np.ndenumerate(names):
        if name:
            strong = abs(zoom[row, column]) > 0.6 * scale.high
            sheet.text(
                x + (column + 0.5) * wide / columns, y + (row + 0.5) * tall / rows, str(name),
                across="center", size=size, color=PAPER if strong else INK,
            )  # fmt: skip
    sheet.colorbar(scale, columns=2)
    return sheet.figure
