"""A sheet of images in rows and columns, laid out in inches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from cnnlab.pictures.kit.formats import short
from cnnlab.pictures.kit.lettering import fitted, legible, wrapped
from cnnlab.pictures.kit.lettering import width as text_width
from cnnlab.pictures.kit.palette import FAINT, GREY, INK, MARK
from cnnlab.pictures.kit.style import PIXELS_PER_INCH, SMALL, TITLE, new_figure

SIGNED, POSITIVE, GREYS = "RdBu_r", "magma", "gray"
"""Colour maps: white at 0 and two colours for the signs; dark at 0 for what has no sign; black to white."""

_MARGIN = 0.35  # inches, around everything
_TITLE, _LINE = 0.34, 0.19  # height of the title and of a line of small print
_WIDEST = 14.0  # that a title makes a sheet
_WIDEST_LABEL = 3.2
CAPTION = 8.5
"""Points, of the text at a picture."""
_BAR = 0.11  # height of a colour bar
_BESIDE = 0.14  # room for the name of an axis


@dataclass(frozen=True)
class ColorScale:
    """How numbers become colours, and what they are."""

    low: float
    high: float
    label: str = ""
    colormap: str = POSITIVE

    @classmethod
    def signed(cls, values: np.ndarray, label: str = "") -> ColorScale:
        """White at 0, blue below, red above, the same length on both sides."""
        limit = _finite_max(np.abs(values))
        return cls(-limit, limit, label, SIGNED)

    @classmethod
    def positive(cls, values: np.ndarray, label: str = "") -> ColorScale:
        """From 0 to the largest value."""
        return cls(0.0, _finite_max(values), label, POSITIVE)

    @property
    def mappable(self) -> ScalarMappable:
        return ScalarMappable(Normalize(self.low, self.high), self.colormap)


class Sheet:
    """A grid of cells under a title; everything is placed in inches, from the top left corner.

    One pair of axes carries all pictures, so that a sheet of hundreds is drawn in a second.

    Args:
        cell: width and height of one picture.
        caption, below: height of the text above, and below, each picture.
        labels: width of the text left of each row.
        heads: whether columns have headings.
        bars: lines of colour bars below the grid.
        pairs: every second row belongs to the one above it: it has no captions and stands close.
        axis_names: what lies across and upwards on every picture, where these are diagrams.
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
        labels: float = 0.0,
        heads: bool = False,
        bars: int = 0,
        pairs: bool = False,
        axis_names: tuple[str, str] | None = None,
        narrowest: float = 5.0,
    ) -> None:
        self.axis_names, self.beside = axis_names, 0.0 if axis_names is None else _BESIDE
        gap, below = (gap[0] + self.beside, gap[1]), below + self.beside
        self.cell, self.gap, self.caption, self.pairs = cell, (gap[0], gap[1] + below), caption, pairs
        self.left = _MARGIN + labels + self.beside
        grid = columns * cell[0] + (columns - 1) * gap[0]
        titled = min(text_width(legible(title), TITLE, bold=True) + 2 * _MARGIN, _WIDEST)
        width = max(self.left + grid + _MARGIN, narrowest, titled)
        lines = wrapped(subtitle, width - 2 * _MARGIN, SMALL)
        self.top = _MARGIN + _TITLE + _LINE * len(lines) + 0.12 + (0.26 if heads else 0)
        self.bottom = self.place(rows - 1, 0)[1] + cell[1] + below
        height = self.bottom + bars * 0.62 + _MARGIN
        self.size = (width, height)
        self.figure = new_figure(height, width=width, layout=False)
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_xlim(0, width)
        self.axes.set_ylim(height, 0)
        self.axes.axis("off")
        shown = fitted(title, width - 2 * _MARGIN, TITLE, bold=True)
        self.text(_MARGIN, _MARGIN + 0.12, shown, size=TITLE, weight="bold")
        for index, line in enumerate(lines):
            self.text(_MARGIN, _MARGIN + _TITLE + 0.08 + index * _LINE, line, color=GREY)

    def place(self, row: int, column: int) -> tuple[float, float]:
        """The top left corner of a cell's picture."""
        x = self.left + column * (self.cell[0] + self.gap[0])
        if self.pairs:
            pair, second = divmod(row, 2)
            below = self.top + pair * (2 * (self.cell[1] + self.gap[1]) + self.caption + 0.08) + self.caption
            return x, below + second * (self.cell[1] + self.gap[1])
        return x, self.top + row * (self.cell[1] + self.caption + self.gap[1]) + self.caption

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
            self.text(x + wide / 2, y + tall + 0.02, across, size=6, color=GREY, across="center", up="top")
            self.text(
                x - 0.02, y + tall / 2, upwards, size=6, color=GREY, across="right", up="center", turned=True
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
        _, y = self.place(row, 0)
        edge = self.left - 0.12 - self.beside
        shown = fitted(text, edge - _MARGIN / 2, SMALL)
        self.text(edge, y + self.cell[1] / 2, shown, across="right", color=color)

    def column_head(self, column: int, text: str) -> None:
        x, _ = self.place(0, column)
        self.text(
            x + self.cell[0] / 2, self.top - 0.1, text, across="center", up="baseline", size=10, weight="bold"
        )

    def block_head(self, column: int, text: str) -> None:
        """A heading for this column and those to its right."""
        self.text(self.place(0, column)[0], self.top - 0.1, text, up="baseline", size=10, weight="bold")

    def colorbar(self, scale: ColorScale, *, column: int = 0, columns: int = 1, line: int = 0) -> None:
        """A bar below some columns, with ticks and the unit."""
        x, _ = self.place(0, column)
        wide = columns * self.cell[0] + (columns - 1) * self.gap[0]
        inset = 0.12 * wide if columns == 1 else 0  # the outer ticks' numbers stay below their own column
        width, height = self.size
        top = self.bottom + 0.14 + line * 0.62
        axes = self.figure.add_axes(
            ((x + inset) / width, 1 - (top + _BAR) / height, (wide - 2 * inset) / width, _BAR / height)
        )
        bar = self.figure.colorbar(scale.mappable, cax=axes, orientation="horizontal")
        bar.outline.set_linewidth(0.5)
        ticks = [scale.low, (scale.low + scale.high) / 2, scale.high]
        bar.set_ticks(ticks if wide < 2 else np.linspace(scale.low, scale.high, 5).tolist())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
        axes.tick_params(labelsize=7.5, color=FAINT, labelcolor=INK, pad=2, length=2)
        axes.set_xlabel(scale.label, fontsize=8, color=GREY, labelpad=2)


def label_width(texts: Iterable[str], *, least: float, bold: bool = False) -> float:
    """Inches for small texts left of a row: what the longest line takes, within bounds."""
    longest = max((text_width(legible(text), SMALL, bold=bold) for text in texts), default=0.0)
    return min(max(least, longest + 0.2), _WIDEST_LABEL)


def cell_width(captions: Iterable[str], *, least: float, most: float) -> float:
    """Inches for pictures with captions: what the longest line of these takes, within bounds."""
    return min(max([least, *(text_width(legible(each), CAPTION, bold=True) for each in captions)]), most)


def _finite_max(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    largest = float(finite.max()) if finite.size else 0.0
    return largest if largest > 0 else 1.0


def displayable(pixels: np.ndarray) -> np.ndarray:
    """What imshow takes: grey (H, W) or colours (H, W, 3), uint8 or within [0, 1]."""
    if pixels.dtype == np.uint8:
        return pixels if pixels.shape[-1] == 3 else pixels[..., 0]
    if pixels.ndim == 3 and pixels.shape[-1] != 3:
        pixels = pixels.mean(axis=-1)
    return np.asarray(np.clip(pixels, 0, 1))
