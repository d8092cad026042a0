"""A convolution's matrix: mostly zeros, the rest the same few numbers again and again."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from cnnlab.pictures.kit.lettering import width as text_width
from cnnlab.pictures.kit.lettering import wrapped
from cnnlab.pictures.kit.page import SMALLEST_TEXT, current_page
from cnnlab.pictures.kit.palette import INK, PAPER
from cnnlab.pictures.kit.scales import ColorScale
from cnnlab.pictures.kit.sheet import Sheet


def dense_matrix(
    weights: np.ndarray, zoom: np.ndarray, names: np.ndarray, *, title: str, subtitle: str, zoomed: str
) -> Figure:
    """The whole matrix of one filter, and its beginning with the number of each shared weight.

    Args:
        weights: (outputs, inputs) of one filter and one input channel, signed; 0 where nothing is connected.
        zoom: (outputs, inputs), a part of it. names: the same, which weight stands there, 0: none.
    """
    wide = current_page().widest - 2 * 0.35
    whole, part = 0.3 * wide, 0.66 * wide
    outputs, inputs = weights.shape
    rows, columns = zoom.shape
    tall = min(2.9, part * rows / columns)
    sheet = Sheet(
        1, 1, title=title, subtitle=subtitle, cell=(wide, max(tall, 2.4) + 0.45), bars=1, rigid=True
    )  # fmt: skip
    scale = ColorScale.signed(weights, "weight (white in the middle: no connection)")
    x, y = sheet.place(0, 0)
    shape = f"one filter, one channel: {outputs:,} outputs (rows) × {inputs:,} inputs (columns)"
    said = wrapped(shape, whole, SMALLEST_TEXT)
    beside = wrapped(zoomed, part, SMALLEST_TEXT)
    left = x + wide - part
    for start, lines in ((x, said), (left, beside)):
        sheet.text(start, y + 0.38, "\n".join(lines), size=SMALLEST_TEXT, up="bottom")
    y += 0.45
    sheet.pixels(x, y, whole, max(tall, 2.4), weights, scale)
    sheet.pixels(left, y, part, tall, zoom, scale)
    longest = max(text_width(str(int(name)), SMALLEST_TEXT) for name in np.unique(names))
    if longest + 0.03 < part / columns and tall / rows > SMALLEST_TEXT / 72:
        for (row, column), name in np.ndenumerate(names):
            if name:
                strong = abs(zoom[row, column]) > 0.6 * scale.high
                sheet.text(
                    left + (column + 0.5) * part / columns, y + (row + 0.5) * tall / rows, str(name),
                    across="center", size=SMALLEST_TEXT, color=PAPER if strong else INK,
                )  # fmt: skip
    sheet.colorbar(scale)
    return sheet.figure
