"""A sheet of images in rows and columns, laid out in inches."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial
from typing import Literal

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from cnnlab.pictures.kit.fitting import CAPTION, MARGIN, largest_that
from cnnlab.pictures.kit.formats import short
from cnnlab.pictures.kit.lettering import fitted, legible, wrapped
from cnnlab.pictures.kit.lettering import width as text_width
from cnnlab.pictures.kit.page import SMALLEST_TEXT, current_page
from cnnlab.pictures.kit.palette import FAINT, GREY, INK, MARK
from cnnlab.pictures.kit.scales import GREYS, ColorScale, displayable
from cnnlab.pictures.kit.style import PIXELS_PER_INCH, SMALL, TITLE, new_figure

_TITLE, _LINE = 0.34, 0.19  # height of the title and of a line of small print
_BETWEEN = 0.4  # inches between two blocks of rows
_BAR = 0.11  # height of a colour bar
_BARS = 0.78  # with its numbers and its unit, of up to two lines
_BESIDE = 0.14  # room for the name of an axis


class Sheet:
    """A grid of cells under a title; everything is placed in inches, from the top left corner.

    One pair of axes carries all pictures, so that a sheet of hundreds is drawn in a second. The sheet is no
    larger than the page that is drawn for: the cells get smaller where they would not fit, and rows go on in
    further columns where `wraps` says so.

    Args:
        cell: width and height of one picture, at most.
        caption, below: height of the text above, and below, each picture.
        text: width of the text at a picture: as wide is a column at least.
        labels: width of the text left of each row.
        heading: height of the text above each row.
        heads: lines of the columns' headings.
        bars: lines of colour bars below the grid.
        pairs: every second row belongs to the one above it: it has no captions and stands close.
        axis_names: what lies across and upwards on every picture, where these are diagrams.
        wraps: rows may stand side by side, in blocks with headings of their own.
        rigid: cells keep their size, and the sheet takes what they need.
    """

    def __init__(
        self,
        rows: int,
        columns: int,
        *,
        title: str,
        subtitle: str = "",
        cell: tuple[float, float] = (1.1, 1.1),
        gap: tuple[float, float] = (0.12, 0.12),
        caption: float = 0.0,
        below: float = 0.0,
        text: float = 0.0,
        labels: float = 0.0,
        heading: float = 0.0,
        heads: int = 0,
        bars: int = 0,
        pairs: bool = False,
        axis_names: tuple[str, str] | None = None,
        narrowest: float = 5.0,
        wraps: bool = False,
        rigid: bool = False,
    ) -> None:
        page = current_page()
        self.axis_names, self.beside = axis_names, 0.0 if axis_names is None else _BESIDE
        gap, below = (gap[0] + self.beside, gap[1]), below + self.beside
        self.gap, self.caption, self.pairs = (gap[0], gap[1] + below), caption, pairs
        self.heading, self._labels = heading, labels
        widest = max(page.widest, narrowest) if rigid else page.widest
        titled = min(text_width(legible(title), TITLE, bold=True) + 2 * MARGIN, widest)
        lines_of: dict[float, list[str]] = {}

        def lay_out(blocks: int, factor: float) -> tuple[float, float]:
            """Width and height with so many blocks and cells of this part of their size."""
            self.cell = (max(cell[0] * factor, text), cell[1] * factor)
            self.rows_of_block = math.ceil(rows / (2 * blocks)) * 2 if pairs else math.ceil(rows / blocks)
            self.columns = columns
            grid = blocks * self._block_width + (blocks - 1) * _BETWEEN
            width = max(grid + 2 * MARGIN, min(narrowest, page.widest), titled)
            if width not in lines_of:
                lines_of[width] = wrapped(subtitle, width - 2 * MARGIN, SMALL)
            self.left = MARGIN + labels + self.beside
            self.top = (
                MARGIN + _TITLE + _LINE * len(lines_of[width]) + 0.12 + 0.2 * heads + 0.06 * (heads > 0)
            )
            self.bottom = self.place(self.rows_of_block - 1, 0)[1] + self.cell[1] + below
            return width, self.bottom + bars * _BARS + MARGIN

        def fits(blocks: int, factor: float) -> bool:
            width, height = lay_out(blocks, factor)
            return width <= page.widest + 1e-9 and height <= page.tallest + 1e-9

        blocks, factor = 1, 1.0
        if not rigid:
            most = max(1, rows // (2 if pairs else 1)) if wraps else 1
            found = {number: largest_that(partial(fits, number)) for number in range(1, min(most, 6) + 1)}
            blocks = max(found, key=lambda number: (round(found[number], 3), -number))
            factor = found[blocks]
        self.blocks = blocks
        width, height = lay_out(blocks, factor)
        wide, tall = page.sides(width, height)
        lines = wrapped(subtitle, wide - 2 * MARGIN, SMALL)
        spare = tall - height + _LINE * (len(lines_of[width]) - len(lines)) if page.ratio else 0.0
        if page.ratio is None:
            tall -= _LINE * (len(lines_of[width]) - len(lines))
        self.top -= _LINE * (len(lines_of[width]) - len(lines)) - spare / 3
        self.left += (wide - width) / 2 if page.ratio else 0.0
        self.bottom = self.place(self.rows_of_block - 1, 0)[1] + self.cell[1] + below
        self.size = (wide, tall)
        self.figure = new_figure(tall, width=wide, layout=False)
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_xlim(0, wide)
        self.axes.set_ylim(tall, 0)
        self.axes.axis("off")
        shown = fitted(title, wide - 2 * MARGIN, TITLE, bold=True)
        self.text(MARGIN, MARGIN + 0.12, shown, size=TITLE, weight="bold")
        for index, line in enumerate(lines):
            self.text(MARGIN, MARGIN + _TITLE + 0.08 + index * _LINE, line, color=GREY)

    @property
    def _block_width(self) -> float:
        grid = self.columns * self.cell[0] + (self.columns - 1) * self.gap[0]
        return self._labels + self.beside + grid

    def place(self, row: int, column: int) -> tuple[float, float]:
        """The top left corner of a cell's picture."""
        block, row = divmod(row, self.rows_of_block)
        x = self.left + block * (self._block_width + _BETWEEN) + column * (self.cell[0] + self.gap[0])
        above = self.heading + self.caption
        if self.pairs:
            pair, second = divmod(row, 2)
            below = self.top + pair * (2 * (self.cell[1] + self.gap[1]) + above + 0.08) + above
            return x, below + second * (self.cell[1] + self.gap[1])
        return x, self.top + row * (self.cell[1] + above + self.gap[1]) + above

    def picture(
        self, row: int, column: int, pixels: np.ndarray, *, caption: str = "", color: str = INK
    ) -> tuple[float, float, float, float]:
        """Draw an image, (H, W) or (H, W, C), as large as fits its cell; returns its box.

        Args:
            pixels: uint8, or floats in [0, 1].
        """
        scale = ColorScale(0, 255 if pixels.dtype == np.uint8 else 1, colormap=GREYS)
        return self._draw(row, column, displayable(pixels), scale, caption, color)

    def values(
        self,
        row: int,
        column: int,
        values: np.ndarray,
        scale: ColorScale,
        *,
        caption: str = "",
        color: str = INK,
    ) -> tuple[float, float, float, float]:
        """Draw (H, W) numbers as colours; returns the box they take: left, top, width, height."""
        return self._draw(row, column, values, scale, caption, color)

    def _draw(
        self, row: int, column: int, values: np.ndarray, scale: ColorScale, caption: str, color: str
    ) -> tuple[float, float, float, float]:
        x, y, wide, tall = self._box(row, column, values.shape)
        if caption:
            # Of several lines the baseline is the last one's.
            shown = fitted(caption, self.cell[0] + 0.5 * self.gap[0], CAPTION)
            above = self.place(row, column)[1] - 0.07
            self.text(x + wide / 2, above, shown, size=CAPTION, color=color, across="center", up="baseline")
        self.pixels(x, y, wide, tall, values, scale)
        self.name_axes(x, y, wide, tall)
        return x, y, wide, tall

    def name_axes(self, x: float, y: float, wide: float, tall: float) -> None:
        """Write below a picture what lies across it, and beside it what goes upwards."""
        if self.axis_names is not None:
            across, upwards = (f"{name} →" for name in self.axis_names)
            size = SMALLEST_TEXT
            if text_width(across, size) <= wide:
                self.text(
                    x + wide / 2, y + tall + 0.02, across, size=size, color=GREY, across="center", up="top"
                )
            if text_width(upwards, size) > tall:
                return
            self.text(
                x - 0.02,
                y + tall / 2,
                upwards,
                size=size,
                color=GREY,
                across="right",
                up="center",
                turned=True,
            )

    def _box(self, row: int, column: int, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
        """The place of a picture of (H, W, …) within its cell."""
        x, y = self.place(row, column)
        factor = min(self.cell[0] / shape[1], self.cell[1] / shape[0])
        wide, tall = shape[1] * factor, shape[0] * factor
        return x + (self.cell[0] - wide) / 2, y + (self.cell[1] - tall) / 2, wide, tall

    def frame(self, row: int, column: int, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
        """Draw the frame that a picture of this shape would have; returns its box."""
        box = self._box(row, column, shape)
        self.box(*box, color=FAINT, width=0.6)
        return box

    def pixels(
        self, x: float, y: float, wide: float, tall: float, values: np.ndarray, scale: ColorScale
    ) -> None:
        """Draw numbers, or colours, as they are into a box anywhere on the sheet."""
        self.axes.imshow(
            values,
            extent=(x, x + wide, y + tall, y),
            aspect="auto",
            interpolation="nearest" if wide / values.shape[1] * PIXELS_PER_INCH > 1 else "antialiased",
            cmap=scale.colormap,
            vmin=scale.low,
            vmax=scale.high,
        )
        self.axes.set_xlim(0, self.size[0])  # imshow has changed them
        self.axes.set_ylim(self.size[1], 0)
        self.box(x, y, wide, tall, color=FAINT, width=0.6)

    def box(
        self, x: float, y: float, wide: float, tall: float, *, color: str = MARK, width: float = 1.2
    ) -> None:
        self.axes.add_patch(
            Rectangle((x, y), wide, tall, fill=False, edgecolor=color, linewidth=width, clip_on=False)
        )

    def text(
        self, x: float, y: float, text: str, *, size: float = SMALL, color: str = INK,
        across: Literal["left", "center", "right"] = "left",
        up: Literal["center", "bottom", "top", "baseline"] = "center", weight: str = "normal",
        turned: bool = False,
    ) -> None:  # fmt: skip
        self.axes.text(
            x, y, text, fontsize=size, color=color, ha=across, va=up, fontweight=weight, linespacing=1.3,
            rotation=90 if turned else 0,
        )  # fmt: skip

    def row_label(self, row: int, text: str, *, color: str = INK) -> None:
        """Write what a row is left of it."""
        x, y = self.place(row, 0)
        edge = x - 0.12 - self.beside
        shown = fitted(text, self._labels - 0.06, SMALLEST_TEXT)
        self.text(edge, y + self.cell[1] / 2, shown, across="right", color=color, size=SMALLEST_TEXT)

    def row_heading(self, row: int, text: str, *, color: str = INK) -> None:
        """Write what a row is above it, in one line."""
        x, y = self.place(row, 0)
        shown = fitted(
            text.replace("\n", ": ", 1).replace("\n", " "), self._block_width - self._labels, SMALLEST_TEXT
        )
        self.text(x, y - self.caption - 0.06, shown, up="baseline", color=color, size=SMALLEST_TEXT)

    def column_head(self, column: int, text: str) -> None:
        """Write a heading above a column, in every block; broken where it is wider than the column."""
        room = self.cell[0] + 0.8 * self.gap[0]
        shown = "\n".join(wrapped(text, room, SMALLEST_TEXT))
        for block in range(self.blocks):
            x, _ = self.place(block * self.rows_of_block, column)
            self.text(
                x + self.cell[0] / 2, self.top - 0.08, shown, across="center", up="baseline",
                size=SMALLEST_TEXT,
            )  # fmt: skip

    def block_head(self, column: int, text: str, columns: int) -> None:
        """A heading for this column and those to its right, so many in all."""
        room = columns * (self.cell[0] + self.gap[0])
        shown = fitted(text, room, 10, bold=True)
        self.text(self.place(0, column)[0], self.top - 0.1, shown, up="baseline", size=10, weight="bold")

    def colorbar(self, scale: ColorScale, *, column: int = 0, columns: int = 1, line: int = 0) -> None:
        """A bar below some columns, with ticks and the unit; of several blocks below the first."""
        x, _ = self.place(0, column)
        wide = columns * self.cell[0] + (columns - 1) * self.gap[0]
        inset = 0.12 * wide if columns == 1 else 0  # the outer ticks' numbers stay below their own column
        width, height = self.size
        top = self.bottom + 0.14 + line * _BARS
        axes = self.figure.add_axes(
            ((x + inset) / width, 1 - (top + _BAR) / height, (wide - 2 * inset) / width, _BAR / height)
        )
        bar = self.figure.colorbar(scale.mappable, cax=axes, orientation="horizontal")
        bar.outline.set_linewidth(0.5)
        ticks = [scale.low, (scale.low + scale.high) / 2, scale.high]
        if wide >= 2:
            ticks = np.linspace(scale.low, scale.high, 5).tolist()
        elif not _fit(ticks, wide):
            ticks = [scale.low, scale.high]
        bar.set_ticks(ticks)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
        if len(ticks) == 2 and not _fit(ticks, wide):  # said once, in the middle
            bar.set_ticks([(scale.low + scale.high) / 2])
            ends = f"±{short(scale.high)}" if scale.low == -scale.high else f"to {short(scale.high)}"
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: ends))
        axes.tick_params(labelsize=SMALLEST_TEXT, color=FAINT, labelcolor=INK, pad=2, length=2)
        labels = axes.get_xticklabels()
        if columns == 1 and len(labels) == 2:  # they end where their column ends
            labels[0].set_horizontalalignment("left")
            labels[1].set_horizontalalignment("right")
        unit = "\n".join(wrapped(scale.label, wide + 0.6 * self.gap[0], SMALLEST_TEXT))
        axes.set_xlabel(unit, fontsize=SMALLEST_TEXT, color=GREY, labelpad=2)


def _fit(ticks: Iterable[float], wide: float) -> bool:
    return sum(text_width(short(each), SMALLEST_TEXT) + 0.1 for each in ticks) <= wide
