"""How large the pictures of a sheet can be, and in how many columns: what fits the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from cnnlab.pictures.kit.lettering import legible
from cnnlab.pictures.kit.lettering import width as text_width
from cnnlab.pictures.kit.page import SMALLEST_TEXT, current_page

MARGIN = 0.35
"""Inches, around everything on a sheet."""

CAPTION = 9.0
"""Points, of the text at a picture."""

_WIDEST_LABEL = 2.4
_SMALLEST = 0.12  # the part of its size that is left of a cell at least
_LANDSCAPE = 1.7


def largest_that(fits: Callable[[float], bool]) -> float:
    """The largest factor up to 1 that fits; of a sheet that never does, the smallest."""
    if fits(1.0):
        return 1.0
    least, most = _SMALLEST, 1.0
    for _ in range(8):
        middle = (least + most) / 2
        least, most = (middle, most) if fits(middle) else (least, middle)
    return least


def fitting_columns(
    count: int, cell: tuple[float, float], *, around: tuple[float, float] = (0.12, 0.12), rest: float = 1.9,
    labels: float = 0.0, text: float = 0.0, at_most: int = 40,
) -> int:  # fmt: skip
    """In how many columns so many pictures are the largest on a page, the last row as full as can be.

    0: they do not fit.

    Args:
        cell: width and height of a picture, at most.
        around: what lies between two pictures, text included.
        rest: height of all the rest, such as titles. labels: width of the text left of a row.
        text: width of the text at a picture.
    """
    page = current_page()
    ratio = page.ratio or _LANDSCAPE
    best, largest = 0, -math.inf
    for columns in range(1, min(count, at_most) + 1):
        rows = math.ceil(count / columns)
        wide = (page.widest - 2 * MARGIN - labels) / columns - around[0]
        tall = (page.tallest - rest) / rows - around[1]
        factor = min(1.0, wide / cell[0], tall / cell[1])
        if factor <= 0 or wide < text:
            continue
        # Of equally large ones, those that make a page in landscape and leave no gap.
        size = columns * (factor * cell[0] + around[0]), rows * (factor * cell[1] + around[1]) + rest
        shape = abs(math.log(size[0] / size[1] / ratio))
        value = factor - 0.08 * shape - 0.1 * (rows * columns - count) / count
        if value > largest:
            best, largest = columns, value
    return best


def label_width(texts: Iterable[str], *, least: float, bold: bool = False) -> float:
    """Inches for small texts left of a row: what the longest line takes, within bounds."""
    longest = max((text_width(legible(text), SMALLEST_TEXT, bold=bold) for text in texts), default=0.0)
    return min(max(least, longest + 0.2), _WIDEST_LABEL)


def cell_width(captions: Iterable[str], *, least: float, most: float) -> float:
    """Inches for pictures with captions: what the longest line of these takes, within bounds."""
    return min(max([least, *(text_width(legible(each), CAPTION, bold=True) for each in captions)]), most)
