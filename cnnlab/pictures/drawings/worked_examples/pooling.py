"""Where the gradient goes through a pooling layer, drawn block by block."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from cnnlab.pictures.drawings.worked_examples.windows import WEIGHTS
from cnnlab.pictures.kit.canvas import Canvas
from cnnlab.pictures.kit.collisions import texts_apart
from cnnlab.pictures.kit.palette import GREY
from cnnlab.pictures.kit.scales import ColorScale
from cnnlab.scratch.worked_examples.pooling import Pooled


@texts_apart
def pooling_gradients(pools: Sequence[tuple[str, Pooled]], *, title: str, subtitle: str) -> Figure:
    """A row for each pooling of 2×2 windows, side by side: forwards on the left, backwards on the right.

    Args:
        pools: heading, and what it does to a map with even sides.
    """
    cell, height = 0.4, 2.15
    canvas = Canvas(len(pools) * height, title=title, subtitle=subtitle, width=8.0)
    for index, (name, (inputs, output, gradient, back)) in enumerate(pools):
        top = index * height + 0.42
        canvas.text(0, top - 0.34, name, bold=True)
        scale = ColorScale.signed(inputs)
        pixels = canvas.grid(0, top, inputs, cell=cell, scale=scale)
        y = pixels.middle - output.shape[0] / 2 * cell
        pooled = canvas.grid(pixels.right + 0.5, y, output, cell=cell, scale=scale, heading="output")
        arrives = canvas.grid(
            4.1, y, gradient, cell=cell, heading="its gradient", colors=_of_windows(output, 1)
        )
        returns = canvas.grid(
            canvas.width - back.shape[1] * cell, top, back, cell=cell, size=9.5,
            heading="gradient of the input", colors=np.where(back != 0, _of_windows(output, 2), ""),
        )  # fmt: skip
        canvas.arrow((pixels.right + 0.08, pixels.middle), (pooled.x - 0.08, pixels.middle))
        canvas.arrow((arrives.right + 0.08, pixels.middle), (returns.x - 0.08, pixels.middle))
        for row, column in np.ndindex(*output.shape):
            for grid in (pixels, returns):
                window = range(2 * row, 2 * row + 2), range(2 * column, 2 * column + 2)
                canvas.mark(grid, *window, color=GREY, width=1.4)
        if np.count_nonzero(back) == output.size:
            for row, column in np.argwhere(back != 0):
                canvas.mark(pixels, [row], [column])
    return canvas.figure


def _of_windows(output: np.ndarray, side: int) -> np.ndarray:
    """A colour for each output, on as many cells as its window has."""
    colors = np.array(WEIGHTS)[np.arange(output.size) % len(WEIGHTS)].reshape(output.shape)
    return np.repeat(np.repeat(colors, side, axis=0), side, axis=1)
