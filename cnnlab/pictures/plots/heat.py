"""A table of numbers as colours, each cell with its number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize
from matplotlib.image import AxesImage

from cnnlab.pictures.kit.palette import INK, PAPER
from cnnlab.pictures.kit.style import SMALL


def heat_map(
    axes: Axes,
    values: np.ndarray,
    colors: str | Colormap,
    scale: Normalize,
    text: Callable[[int, int], str],
) -> AxesImage:
    """Color the cells, and write what `text` says of a row and a column on each that is a number.

    Args:
        values: (rows, columns), not a number where nothing is known.
    """
    axes.grid(visible=False)
    image = axes.imshow(values, cmap=colors, norm=scale, aspect="auto")
    for row, column in np.argwhere(np.isfinite(values)):
        red, green, blue, _ = image.cmap(image.norm(values[row, column]))
        is_dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.55
        axes.text(column, row, text(int(row), int(column)), ha="center", va="center", fontsize=SMALL,
                  color=PAPER if is_dark else INK)  # fmt: skip
    return image
