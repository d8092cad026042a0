"""Grids of numbers, arrows and text anywhere under a title: what is worked out by hand is drawn on it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.typing import ColorType

from cnnlab.pictures.kit.formats import written
from cnnlab.pictures.kit.lettering import width as text_width
from cnnlab.pictures.kit.palette import FAINT, GREY, INK, MARK, PAPER
from cnnlab.pictures.kit.sheet import ColorScale, Sheet

NUMBER = 10.0
"""Points, of a number in a grid: legible where a page shows the picture at half its size."""

_PALE = 0.5  # so much white in a cell that numbers stay black
_DARKEST = 0.7  # the ends of the colour maps are too dark for that
_WIDTH = 8.2


class Grid(NamedTuple):
    """A grid that was drawn: where, and how large its cells are; all in inches."""

    x: float
    y: float
    cell: float
    rows: int
    columns: int

    @property
    def right(self) -> float:
        return self.x + self.columns * self.cell

    @property
    def bottom(self) -> float:
        return self.y + self.rows * self.cell

    @property
    def middle(self) -> float:
        """Its height's."""
        return self.y + self.rows * self.cell / 2

    def center(self, row: float, column: float) -> tuple[float, float]:
        """The middle of a cell."""
        return self.x + (column + 0.5) * self.cell, self.y + (row + 0.5) * self.cell


class Canvas:
    """A sheet of paper: `height` inches below the title and the subtitle, `width` across.

    Places are inches from the top left corner of what lies below the title.
    """

    def __init__(
        self, height: float, *, title: str, subtitle: str = "", width: float = _WIDTH, bars: int = 0
    ) -> None:
        self._sheet = Sheet(1, 1, title=title, subtitle=subtitle, cell=(width, height), bars=bars)
        self.figure = self._sheet.figure
        self.width, self.height = width, height
        self._x, self._y = self._sheet.place(0, 0)

    def text(
        self, x: float, y: float, text: str, *, size: float = NUMBER, color: str = INK,
        across: Literal["left", "center", "right"] = "left",
        up: Literal["center", "bottom", "top", "baseline"] = "center", bold: bool = False,
    ) -> None:  # fmt: skip
        weight = "bold" if bold else "normal"
        x, y = self._x + x, self._y + y
        self._sheet.text(x, y, text, size=size, color=color, across=across, up=up, weight=weight)

    def grid(
        self,
        x: float,
        y: float,
        values: np.ndarray,
        *,
        cell: float,
        heading: str = "",
        below: str = "",
        numbers: bool = True,
        size: float = NUMBER,
        scale: ColorScale | None = None,
        colors: np.ndarray | None = None,
        corner: np.ndarray | None = None,
        blank: np.ndarray | None = None,
    ) -> Grid:
        """Draw (rows, columns) numbers in cells.

        Args:
            heading, below: what is written above and below it.
            numbers: whether they are written, too; as large as `size` where cells have the room.
            scale: by which cells get the pale colour of their number; None: they are white.
            colors: instead, the colours themselves: (rows, columns) of names, made pale; "" leaves it white.
            corner: (rows, columns) of small numbers in the cells' corners.
            blank: (rows, columns) bool, cells that do not exist: they stay faint and empty.
        """
        rows, columns = values.shape
        grid = Grid(x, y, cell, rows, columns)
        texts = [_in_cell(value) for value in values.reshape(-1).tolist()] if numbers else []
        size = min([size, *(_largest(text, cell) for text in texts)])
        for (row, column), value in np.ndenumerate(values):
            left, top = x + column * cell, y + row * cell
            if blank is not None and blank[row, column]:
                self._cell(left, top, cell, PAPER)
                continue
            color: ColorType = PAPER
            if colors is not None:
                color = pale(str(colors[row, column])) if colors[row, column] else PAPER
            elif scale is not None:
                color = pale(tuple(scale.mappable.to_rgba(np.array([_DARKEST * value]))[0]))
            self._cell(left, top, cell, color)
            lower = 0.0
            if corner is not None:
                lower = 0.08
                self.text(left + 0.04, top + 0.09, str(corner[row, column]), size=7.5, color=GREY)
            if numbers:
                middle, height = left + cell / 2, top + cell / 2 + lower
                text = texts[row * columns + column]
                self.text(middle, height, text, size=size, across="center")
        self._cell_frame(x, y, columns * cell, rows * cell)
        if heading:
            self.text(x, y - 0.08, heading, up="bottom", bold=True)
        if below:
            self.text(x, grid.bottom + 0.07, below, up="top", color=GREY, size=9)
        return grid

    def image(
        self,
        x: float,
        y: float,
        pixels: np.ndarray,
        scale: ColorScale,
        *,
        wide: float,
        heading: str = "",
        below: str = "",
    ) -> Grid:
        """Draw (H, W) numbers, or (H, W, 3) colours, without writing them, `wide` inches across."""
        cell = wide / pixels.shape[1]
        grid = Grid(x, y, cell, pixels.shape[0], pixels.shape[1])
        tall = pixels.shape[0] * cell
        self._sheet.pixels(self._x + x, self._y + y, wide, tall, pixels, scale)
        if heading:
            self.text(x, y - 0.08, heading, up="bottom", bold=True)
        if below:
            self.text(x, y + tall + 0.07, below, up="top", color=GREY, size=9)
        return grid

    def mark(
        self,
        grid: Grid,
        rows: Iterable[int],
        columns: Iterable[int],
        *,
        color: str = MARK,
        width: float = 2.2,
    ) -> None:
        """Frame the cells from the first to the last row and column that are given."""
        rows, columns = tuple(rows), tuple(columns)
        top, left = min(rows), min(columns)
        wide, tall = (max(each) - min(each) + 1 for each in (columns, rows))
        x, y = grid.x + left * grid.cell, grid.y + top * grid.cell
        self._sheet.box(
            self._x + x, self._y + y, wide * grid.cell, tall * grid.cell, color=color, width=width
        )

    def sign(self, x: float, y: float, sign: str) -> None:
        """An operation between two grids."""
        self.text(x, y, sign, size=18, across="center", color=GREY)

    def arrow(
        self, begin: tuple[float, float], end: tuple[float, float], *, color: str = GREY, width: float = 1.4
    ) -> None:
        places = [(self._x + x, self._y + y) for x, y in (begin, end)]
        self._sheet.axes.add_patch(
            FancyArrowPatch(*places, arrowstyle="-|>", mutation_scale=12, color=color, linewidth=width,
                            shrinkA=0, shrinkB=0)
        )  # fmt: skip

    def line(
        self, begin: tuple[float, float], end: tuple[float, float], *, color: str = GREY, width: float = 1.2
    ) -> None:
        (x, y), (to_x, to_y) = begin, end
        self._sheet.axes.plot(
            [self._x + x, self._x + to_x], [self._y + y, self._y + to_y], color=color, linewidth=width,
            solid_capstyle="round",
        )  # fmt: skip

    def bar(self, x: float, y: float, wide: float, tall: float, *, color: str) -> None:
        """A bar that stands on (x, y)."""
        self._sheet.axes.add_patch(
            Rectangle((self._x + x, self._y + y - tall), wide, tall, color=color, linewidth=0)
        )

    def colorbar(self, scale: ColorScale) -> None:
        """Below everything."""
        self._sheet.colorbar(scale)

    def _cell(self, x: float, y: float, side: float, color: ColorType) -> None:
        corner = (self._x + x, self._y + y)
        self._sheet.axes.add_patch(
            Rectangle(corner, side, side, facecolor=color, edgecolor=FAINT, linewidth=0.8)
        )

    def _cell_frame(self, x: float, y: float, wide: float, tall: float) -> None:
        self._sheet.box(self._x + x, self._y + y, wide, tall, color=GREY, width=0.8)


def _in_cell(value: float) -> str:
    """A number with two digits behind the point at most; what is close to 0 but not 0 is 0.00."""
    if 0 < abs(value) < 0.005:
        return "0.00" if value > 0 else "−0.00"
    return written(value)


def _largest(text: str, cell: float) -> float:
    """Points in which a text fits a cell."""
    return 0.92 * cell / text_width(text, 1)


def pale(color: ColorType) -> tuple[float, float, float]:
    """A colour on which black can be read."""
    red, green, blue = (_PALE + (1 - _PALE) * part for part in to_rgb(color))
    return red, green, blue
