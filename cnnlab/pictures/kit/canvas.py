"""Grids of numbers, arrows and text anywhere under a title: what is worked out by hand is drawn on it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.typing import ColorType

from cnnlab.pictures.kit.collisions import text_scale
from cnnlab.pictures.kit.formats import written
from cnnlab.pictures.kit.lettering import width as text_width
from cnnlab.pictures.kit.lettering import wrapped
from cnnlab.pictures.kit.page import SMALLEST_TEXT
from cnnlab.pictures.kit.palette import FAINT, GREY, INK, MARK, PAPER
from cnnlab.pictures.kit.scales import ColorScale
from cnnlab.pictures.kit.sheet import Sheet

NUMBER = 10.0
"""Points, of a number in a grid: legible where a page shows the picture at half its size."""

_PALE = 0.5  # so much white in a cell that numbers stay black
_DARKEST = 0.7  # the ends of the colour maps are too dark for that
_WIDTH = 9.6  # of what a slide has room for
_LINE = 1.2 / 72  # inches that a line of one point takes
_LINE_OF_TEXT = 1.3 / 72  # and with the room to the next one


class Grid(NamedTuple):
    """A grid that was drawn: where, and how large its cells are; all in the canvas's inches."""

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

    Places are inches from the top left corner of what lies below the title. On a page that has less room,
    all places come closer by one factor; texts keep their size. Numbers in grids have at most `digits`
    digits behind the point, and fewer where their cells have no room for them.
    """

    def __init__(
        self,
        height: float,
        *,
        title: str,
        subtitle: str = "",
        width: float = _WIDTH,
        bars: int = 0,
        digits: int = 2,
    ) -> None:
        self._sheet = Sheet(1, 1, title=title, subtitle=subtitle, cell=(width, height), bars=bars)
        self._factor = self._sheet.cell[0] / width
        self.figure = self._sheet.figure
        self.width, self.height = width, height
        self._digits = digits
        self._scale = text_scale()
        self._x, self._y = self._sheet.place(0, 0)

    def text(
        self, x: float, y: float, text: str, *, size: float = NUMBER, color: str = INK,
        across: Literal["left", "center", "right"] = "left",
        up: Literal["center", "bottom", "top", "baseline"] = "center", bold: bool = False, room: float = 0.0,
    ) -> None:  # fmt: skip
        """Write a text; in lines that are no longer than `room`, where that is given."""
        weight = "bold" if bold else "normal"
        size *= self._scale
        if room:
            lines = (wrapped(line, room * self._factor, size) for line in text.split("\n"))
            text = "\n".join(line for each in lines for line in each)
        x, y = self._at(x, y)
        self._sheet.text(x, y, text, size=size, color=color, across=across, up=up, weight=weight)

    def _at(self, x: float, y: float) -> tuple[float, float]:
        """A place, on the sheet."""
        return self._x + x * self._factor, self._y + y * self._factor

    def _numbers(self, values: np.ndarray, cell: float) -> list[str]:
        """The numbers of a grid, with as many digits as can be read in its cells; none where none can."""
        flat = values.reshape(-1).tolist()
        largest = np.abs(values).max(initial=0)
        fewest = 0 if largest >= 10 else 1 if largest >= 1 else 2  # two digits that count
        for digits in range(self._digits, fewest - 1, -1):
            texts = [written(value, digits) for value in flat]
            if all(_largest(each, cell * self._factor) >= self._scale * SMALLEST_TEXT for each in texts):
                return texts
        return []

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
            numbers: whether they are written, too, as large as `size` where cells have the room. What could
                not be read is left to the colours.
            scale: by which cells get the pale colour of their number; None: they are white.
            colors: instead, the colours themselves: (rows, columns) of names, made pale; "" leaves it white.
            corner: (rows, columns) of small numbers in the cells' corners; where there is no room for two
                numbers in a cell, they are the ones that stay.
            blank: (rows, columns) bool, cells that do not exist: they stay empty.
        """
        rows, columns = values.shape
        grid = Grid(x, y, cell, rows, columns)
        if corner is not None:  # two lines in a cell, or the corner's alone
            size = SMALLEST_TEXT
            numbers = numbers and cell * self._factor >= 2 * _LINE_OF_TEXT * self._scale * size + 0.02
        texts = self._numbers(values, cell) if numbers else []
        size = min([size, *(_largest(text, cell * self._factor) / self._scale for text in texts)])
        fills = _fills(values, scale, colors)
        if blank is not None:
            fills[blank] = 1
        self._cells(grid, fills)
        for row, column in np.ndindex(rows, columns) if texts or corner is not None else ():
            if blank is not None and blank[row, column]:
                continue
            middle, height = grid.center(row, column)
            if corner is not None:
                # At the cell's top, and the number at its bottom, whatever the factor.
                left, top = self._at(x + column * cell, y + row * cell)
                self._sheet.text(
                    left + 0.03,
                    top + 0.02,
                    str(corner[row, column]),
                    size=self._scale * SMALLEST_TEXT,
                    color=GREY,
                    up="top",
                )
                height = y + (row + 1) * cell - (0.02 + 0.5 * _LINE * self._scale * size) / self._factor
            if texts:
                self.text(middle, height, texts[row * columns + column], size=size, across="center")
        self._cell_frame(x, y, columns * cell, rows * cell)
        if heading:
            self.text(x, y - 0.08, heading, up="bottom", bold=True)
        if below:
            self.text(x, grid.bottom + 0.07, below, up="top", color=GREY, size=SMALLEST_TEXT)
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
        self._sheet.pixels(*self._at(x, y), wide * self._factor, tall * self._factor, pixels, scale)
        if heading:
            self.text(x, y - 0.08, heading, up="bottom", bold=True)
        if below:
            self.text(x, y + tall + 0.07, below, up="top", color=GREY, size=SMALLEST_TEXT)
        return grid

    def plane(
        self, x: float, y: float, size: tuple[int, int], *, cell: float, color: str = "", heading: str = ""
    ) -> Grid:
        """Draw a grid whose cells are too many to tell them apart: its outline, filled with a pale colour."""
        grid = Grid(x, y, cell, *size)
        wide, tall = size[1] * cell, size[0] * cell
        fill = pale(color) if color else PAPER
        sides = wide * self._factor, tall * self._factor
        self._sheet.axes.add_patch(Rectangle(self._at(x, y), *sides, facecolor=fill, linewidth=0))
        self._cell_frame(x, y, wide, tall)
        if heading:
            self.text(x, y - 0.08, heading, up="bottom", bold=True)
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
        cell = grid.cell * self._factor
        self._sheet.box(*self._at(x, y), wide * cell, tall * cell, color=color, width=width)

    def sign(self, x: float, y: float, sign: str) -> None:
        """An operation between two grids."""
        self.text(x, y, sign, size=18, across="center", color=GREY)

    def arrow(
        self, begin: tuple[float, float], end: tuple[float, float], *, color: str = GREY, width: float = 1.4
    ) -> None:
        places = [self._at(*each) for each in (begin, end)]
        self._sheet.axes.add_patch(
            FancyArrowPatch(*places, arrowstyle="-|>", mutation_scale=12, color=color, linewidth=width,
                            shrinkA=0, shrinkB=0)
        )  # fmt: skip

    def line(
        self, begin: tuple[float, float], end: tuple[float, float], *, color: str = GREY, width: float = 1.2
    ) -> None:
        (x, y), (to_x, to_y) = self._at(*begin), self._at(*end)
        self._sheet.axes.plot([x, to_x], [y, to_y], color=color, linewidth=width, solid_capstyle="round")

    def bar(self, x: float, y: float, wide: float, tall: float, *, color: str) -> None:
        """A bar that stands on (x, y)."""
        sides = wide * self._factor, tall * self._factor
        self._sheet.axes.add_patch(Rectangle(self._at(x, y - tall), *sides, color=color, linewidth=0))

    def colorbar(self, scale: ColorScale) -> None:
        """Below everything."""
        self._sheet.colorbar(scale)

    def _cells(self, grid: Grid, fills: np.ndarray) -> None:
        """One artist for all cells: of thousands, each would take its time."""
        row, column = np.indices((grid.rows, grid.columns)).reshape(2, -1, 1, 1)
        square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])  # (corners, x and y)
        corners = np.concatenate([column + square[None, :, :1], row + square[None, :, 1:]], axis=2)
        places = corners * grid.cell * self._factor + list(self._at(grid.x, grid.y))
        cells = PolyCollection(
            list(places), facecolors=fills.reshape(-1, 3), edgecolors=FAINT, linewidths=0.8
        )
        self._sheet.axes.add_collection(cells, autolim=False)

    def _cell_frame(self, x: float, y: float, wide: float, tall: float) -> None:
        sides = wide * self._factor, tall * self._factor
        self._sheet.box(*self._at(x, y), *sides, color=GREY, width=0.8)


def _fills(values: np.ndarray, scale: ColorScale | None, colors: np.ndarray | None) -> np.ndarray:
    """The colours of cells: (rows, columns, 3), pale."""
    if colors is not None:
        of_names = {name: pale(name) if name else to_rgb(PAPER) for name in np.unique(colors).tolist()}
        return np.array([of_names[name] for name in colors.reshape(-1).tolist()]).reshape(*values.shape, 3)
    if scale is None:
        return np.ones((*values.shape, 3))
    full: np.ndarray = scale.mappable.to_rgba(_DARKEST * values.reshape(-1))[:, :3]
    return (_PALE + (1 - _PALE) * full).reshape(*values.shape, 3)


def _largest(text: str, cell: float) -> float:
    """Points in which a text fits a cell."""
    return min(0.9 * cell / text_width(text, 1), 0.98 * cell / _LINE)


def pale(color: ColorType) -> tuple[float, float, float]:
    """A colour on which black can be read."""
    red, green, blue = (_PALE + (1 - _PALE) * part for part in to_rgb(color))
    return red, green, blue
