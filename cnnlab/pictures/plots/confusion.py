"""Confusion matrices: computed once, drawn in figures here and as tables in pages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import FuncFormatter

from cnnlab.foreign_text import one_line, shortened
from cnnlab.pictures.kit.formats import percent, signed
from cnnlab.pictures.kit.lettering import all_fitted, fitted, wrapped
from cnnlab.pictures.kit.lettering import width as text_width
from cnnlab.pictures.kit.page import SMALLEST_TEXT, current_page
from cnnlab.pictures.kit.palette import COLORS, FAINT, GREY, INK, MARK, PAPER
from cnnlab.pictures.kit.style import LABEL, SMALL, new_figure, versus

_NUMBERED = 12  # up to so many classes, cells of matrices side by side carry their numbers
_MOST_CELLS = 512  # along a side, so that one is some pixels wide
STRONG = 0.6
"""The share of the full colour from which on text on it is white."""
_DIFFERENCES = LinearSegmentedColormap.from_list("difference", [COLORS[1], PAPER, COLORS[0]])
_ERRORS = LinearSegmentedColormap.from_list("errors", [PAPER, MARK])


@dataclass(frozen=True, eq=False)
class ConfusionMatrix:
    """Cells of true classes (rows) and predicted classes (columns).

    values: (classes, classes) float64, what is coloured: fully at `limit`, and in the other colour below 0.
    texts: what is written in the cells, row by row; "" where nothing is.
    """

    name: str
    class_names: Sequence[str]
    values: np.ndarray
    limit: float
    texts: Sequence[Sequence[str]]
    unit: str

    @classmethod
    def of_shares(cls, name: str, counts: np.ndarray, class_names: Sequence[str]) -> ConfusionMatrix:
        """Percent of each true class. The square root is coloured: a few percent of errors matter too."""
        percentages = _percentages(counts)
        texts = [["" if value < 0.05 else f"{value:.1f}" for value in row] for row in percentages]
        return cls(name, class_names, np.sqrt(percentages * 100), 100, texts, "% of the true class")

    @classmethod
    def of_difference(
        cls, name: str, first: np.ndarray, second: np.ndarray, class_names: Sequence[str]
    ) -> ConfusionMatrix:
        """The percentages of one matrix of counts minus those of another, in percentage points.

        The colour is that of the better one: with more right answers on the diagonal, fewer errors off it.
        """
        points = _percentages(first) - _percentages(second)
        better = np.where(np.eye(len(points), dtype=bool), points, -points)
        texts = [["" if abs(value) < 0.05 else signed(value) for value in row] for row in points]
        return cls(
            name, class_names, better, max(1.0, float(np.abs(points).max())), texts, "percentage points"
        )

    @classmethod
    def of_errors(
        cls, counts: np.ndarray, class_names: Sequence[str], *, together: int = 1
    ) -> ConfusionMatrix:
        """Counts, coloured by their share of the true class; what is right has no colour.

        Args:
            class_names: of the rows and columns that are left.
            together: so many neighbors are counted as one class; errors among them stay errors.
        """
        starts = np.arange(0, len(counts), together)
        errors = counts - np.diag(np.diag(counts))
        images = np.add.reduceat(counts.sum(axis=1), starts)
        errors, counts = (
            np.add.reduceat(np.add.reduceat(each, starts, axis=0), starts, axis=1)
            for each in (errors, counts)
        )
        shares = errors / np.maximum(images[:, None], 1)
        limit = max(float(shares.max()), 0.01)
        texts = [[f"{count:,}" if count or row == column else "" for column, count in enumerate(counts[row])]
                 for row in range(len(counts))]  # fmt: skip
        return cls("", class_names, shares, limit, texts, "share of the true class")

    @property
    def strengths(self) -> np.ndarray:
        """(classes, classes) float64, −1 to 1: how much of which colour a cell has."""
        strengths: np.ndarray = self.values / self.limit
        return strengths


def percent_matrices(counts: Mapping[str, np.ndarray], class_names: Sequence[str]) -> list[ConfusionMatrix]:
    """One matrix for each experiment; for two, also the first minus the second.

    Args:
        counts: by experiment (classes, classes) int, [true, predicted], over as many runs as there are.
        class_names: of the rows and columns.
    """
    matrices = [ConfusionMatrix.of_shares(name, each, class_names) for name, each in counts.items()]
    if len(counts) == 2:
        (first, second), name = counts.values(), " − ".join(counts)
        matrices.append(ConfusionMatrix.of_difference(name, first, second, class_names))
    return matrices


def confusion_matrices(
    counts: Mapping[str, np.ndarray], class_names: Sequence[str], *, title: str | None = None
) -> Figure:
    """The `percent_matrices` side by side.

    In the difference, blue is where the first experiment is better, orange the second: it has more right
    answers, or fewer errors.
    """
    matrices = percent_matrices(counts, class_names)
    page = current_page()
    across = min(len(matrices), 3)
    rows = -(-len(matrices) // across)
    widest = page.widest / across - 0.35
    tallest = (page.tallest - 1.2) / rows - 0.4
    numbered = len(class_names) <= _NUMBERED
    ticks, wide, tall = _fitted_cells(
        class_names, min(widest, 4.6), min(tallest, 3.9), SMALLEST_TEXT if numbered else 9.0, most=1.2
    )
    briefs = [replace(each, texts=[list(map(_brief, row)) for row in each.texts]) for each in matrices]
    longest = max(
        (text_width(text, SMALLEST_TEXT) for each in briefs for row in each.texts for text in row),
        default=0.0,
    )
    numbered = numbered and tall / len(class_names) > 1.05 * SMALLEST_TEXT / 72
    numbered = numbered and wide / len(class_names) > longest + 0.02
    needed = 0.3 + across * (ticks.left + wide + 0.25), 1.2 + rows * (0.4 + tall + ticks.below)
    width, height = page.sides(*needed)
    beside, above = (width - needed[0]) / 2 + 0.15, (height - needed[1]) / 3 + 0.6
    figure = new_figure(height, versus(counts) if title is None else title, width=width, layout=False)
    for place, matrix in enumerate(briefs):
        row, column = divmod(place, across)
        left = beside + column * (ticks.left + wide + 0.25) + ticks.left
        top = above + row * (0.4 + tall + ticks.below) + 0.4
        axes = figure.add_axes((left / width, 1 - (top + tall) / height, wide / width, tall / height))
        difference = matrix.unit == "percentage points"
        name = matrix.name
        if difference and len(name) > 28:
            name = " − ".join(shortened(each, 12) for each in counts)
        shown = fitted(f"{name}, {'points' if difference else matrix.unit}", wide, SMALL)
        axes.set_title(shown, loc="left", fontsize=SMALL, color=INK)
        _draw(axes, matrix, _DIFFERENCES, ticks, numbers=SMALLEST_TEXT if numbered else None)
    first, *second = counts
    note = "All seeds together. The darker, the larger the share (colored by its square root)"
    if len(counts) == 2:
        names = [shortened(each, 24) for each in (first, *second)]
        note += (
            f"; {' − '.join(names)}: blue where {names[0]} is better (more right answers on the diagonal, "
            f"fewer errors off it), orange where {names[1]} is"
        )
    note += "; blank: below 0.05, or half a point of difference" if numbered else ""
    lines = wrapped(note, width - 0.4, SMALL)
    figure.text(0.5, 0.1 / height, "\n".join(lines), fontsize=SMALL, color=GREY, ha="center", va="bottom")
    return figure


def _fitted_cells(
    class_names: Sequence[str], wide: float, tall: float, size: float, *, most: float, together: int = 1
) -> tuple[_Ticks, float, float]:
    """Ticks, and the width and height of the cells, where both together take so many inches at most."""
    number = len(class_names)
    ticks = _Ticks.fitting(class_names, wide, tall, size, room=most, together=together)
    wide, tall = min(wide - ticks.left, 0.85 * number), tall - ticks.below
    ticks = _Ticks.fitting(class_names, wide, tall, size, room=most, together=together)
    return ticks, wide, min(tall, 0.55 * number if number <= 40 else tall)


def confusion_matrix(counts: np.ndarray, class_names: Sequence[str], *, title: str, subtitle: str) -> Figure:
    """One network's counts, large; colours are shares of the true class, of the errors only.

    Of more than 512 classes, neighbors are counted together, so that the picture stays within bounds.
    """
    together = -(-len(class_names) // _MOST_CELLS)
    if together > 1:
        subtitle += f"\nEach cell counts {together} × {together} classes that follow each other"
        class_names = class_names[::together]
    matrix = ConfusionMatrix.of_errors(counts, class_names, together=together)
    number = len(class_names)
    page = current_page()
    size = 10.0 if number <= _NUMBERED else SMALLEST_TEXT
    lines = wrapped(subtitle, page.widest - 0.4, SMALL)
    top = 0.65 + 0.18 * len(lines) + 0.1
    ticks, wide, tall = _fitted_cells(
        class_names, page.widest - 1.8, page.tallest - top - 0.15, size, most=2.0, together=together
    )
    widths = {text: text_width(text, SMALLEST_TEXT, bold=True) for row in matrix.texts for text in row}
    longest = max(widths.values(), default=0.0)
    numbered = tall / number > 1.1 * SMALLEST_TEXT / 72 and wide / number > longest + 0.04
    needed = max(0.2 + ticks.left + wide + 1.6, 5.0), top + tall + ticks.below + 0.15
    width, height = page.sides(*needed)
    lines = wrapped(subtitle, width - 0.4, SMALL)
    more = 0.18 * len(lines) + 0.75 - top
    if page.ratio is None:
        height += max(0.0, more)
    top += max(0.0, more)
    figure = new_figure(height, title, width=width, layout=False)
    for place, line in enumerate(lines):
        figure.text(
            0.2 / width, 1 - (0.65 + 0.18 * place) / height, line, fontsize=SMALL, color=GREY, va="top"
        )
    left = 0.2 + ticks.left + (width - needed[0]) / 2
    bottom = height - top - tall
    axes = figure.add_axes((left / width, bottom / height, wide / width, tall / height))
    image = _draw(axes, matrix, _ERRORS, ticks, numbers=SMALLEST_TEXT if numbered else None)
    beside = figure.add_axes(((left + wide + 0.2) / width, bottom / height, 0.16 / width, tall / height))
    bar = figure.colorbar(image, cax=beside, format=FuncFormatter(lambda share, _: percent(share)))
    bar.set_label(matrix.unit, fontsize=SMALL, color=GREY)
    bar.ax.tick_params(labelsize=SMALLEST_TEXT, color=FAINT, labelcolor=INK)
    bar.outline.set_linewidth(0.5)
    return figure


@dataclass(frozen=True)
class _Ticks:
    """The names of classes along a matrix, as many as there is room for; lengths in inches.

    left, below: what the names and the axis's own name take.
    """

    places: Sequence[int]
    names: Sequence[str]
    size: float
    upright: bool
    left: float
    below: float

    @classmethod
    def fitting(
        cls, names: Sequence[str], wide: float, tall: float, size: float, *, room: float, together: int = 1
    ) -> _Ticks:
        """Names are shortened to `room`; where they would cover each other, every second or so is left.

        Args:
            names: one for each row; a row counts the classes of `together` numbers.
        """
        step = max(1, math.ceil(1.15 * size / 72 / (min(wide, tall) / len(names))))
        places = range(0, len(names), step)
        numbers = [place * together for place in places]
        shown = all_fitted([one_line(names[place]) for place in places], room, size, numbers=numbers)
        longest = max(text_width(name, size) for name in shown)
        upright = longest > 0.9 * step * wide / len(names)
        below = (longest if upright else size / 72) + 0.45
        return cls(places, shown, size, upright, longest + 0.45, below)


def _draw(
    axes: Axes, matrix: ConfusionMatrix, colors: Colormap, ticks: _Ticks, *, numbers: float | None
) -> AxesImage:
    """The cells, with their texts where `numbers` gives these a size."""
    lowest = -matrix.limit if colors is _DIFFERENCES else 0.0
    image = axes.imshow(matrix.values, cmap=colors, vmin=lowest, vmax=matrix.limit, aspect="auto")
    axes.set_xticks(ticks.places, ticks.names, fontsize=ticks.size, rotation=90 if ticks.upright else 0)
    axes.set_yticks(ticks.places, ticks.names, fontsize=ticks.size)
    axes.tick_params(length=0, labelcolor=INK)
    axes.set_xlabel("predicted class", fontsize=LABEL, color=GREY)
    axes.set_ylabel("true class", fontsize=LABEL, color=GREY)
    axes.spines[:].set_color(FAINT)
    for row, column in np.ndindex(matrix.values.shape if numbers is not None else (0, 0)):
        if text := matrix.texts[row][column]:
            strong = abs(matrix.strengths[row, column]) > STRONG
            style: dict[str, Any] = {"color": PAPER if strong else INK, "fontsize": numbers}
            if row == column and colors is _ERRORS:  # right, and not coloured
                style |= {"color": GREY, "fontweight": "bold"}
            axes.text(column, row, text, ha="center", va="center", **style)
    return image


def _brief(text: str) -> str:
    """0.3, 4.2, 97; +8, −6: what one can read in a small cell. A difference below half a point is blank."""
    if not text or text[0].isdigit():
        return text if len(text) < 4 else f"{float(text):.0f}"
    points = float(text.replace("−", "-"))
    return signed(points, 0) if abs(points) >= 0.5 else ""


def _percentages(counts: np.ndarray) -> np.ndarray:
    """(classes, classes) float64, each row in percent; a class without images is a row of zeros."""
    percentages: np.ndarray = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return percentages
