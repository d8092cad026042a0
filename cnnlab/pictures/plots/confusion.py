"""Confusion matrices: computed once, drawn in figures here and as tables in pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import FuncFormatter

from cnnlab.foreign_text import shortened
from cnnlab.pictures.kit.formats import percent, signed
from cnnlab.pictures.kit.palette import COLORS, FAINT, GREY, INK, MARK, PAPER
from cnnlab.pictures.kit.style import LABEL, SMALL, new_figure, versus

_NUMBERED = 12  # up to so many classes, cells of matrices side by side carry their numbers
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
        """The percentages of one matrix of counts minus those of another, in percentage points."""
        points = _percentages(first) - _percentages(second)
        texts = [["" if abs(value) < 0.05 else signed(value) for value in row] for row in points]
        return cls(
            name, class_names, points, max(1.0, float(np.abs(points).max())), texts, "percentage points"
        )

    @classmethod
    def of_errors(cls, counts: np.ndarray, class_names: Sequence[str]) -> ConfusionMatrix:
        """Counts, coloured by their share of the true class; what is right has no colour."""
        shares = _percentages(counts) / 100
        np.fill_diagonal(shares, 0)
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

    In the difference, blue is where the first experiment predicts a class more often, orange the second.
    """
    matrices = percent_matrices(counts, class_names)
    columns = min(len(matrices), 3)
    rows = -(-len(matrices) // columns)
    height = 0.7 + 3.9 * rows * 3 / max(columns, 2)
    figure = new_figure(height, versus(counts) if title is None else title, width=14.0)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    numbered = len(class_names) <= _NUMBERED
    for axes, matrix in zip(panels, matrices, strict=False):
        difference = matrix.unit == "percentage points"
        name = "first − second" if difference and len(matrix.name) > 28 else shortened(matrix.name, 28)
        heading = f"{name}, {matrix.unit}"
        axes.set_title(heading, loc="left", fontsize=LABEL, color=INK, parse_math=False)
        _draw(axes, matrix, _DIFFERENCES, labels=10 if numbered else 6, numbers=8 if numbered else None)
    for unused in panels[len(matrices) :]:
        unused.set_visible(False)
    if numbered:
        figure.supxlabel("All seeds together; values below 0.05 are left blank", fontsize=LABEL, color=GREY)
    return figure


def confusion_matrix(counts: np.ndarray, class_names: Sequence[str], *, title: str, subtitle: str) -> Figure:
    """One network's counts, large; colours are shares of the true class, of the errors only."""
    matrix = ConfusionMatrix.of_errors(counts, class_names)
    side = max(4.2, 0.55 * len(class_names) + 1.6)
    figure = new_figure(side + 0.6, title, width=side + 1.2)
    axes = figure.subplots()
    axes.set_title(subtitle, fontsize=SMALL, color=GREY, loc="left")
    image = _draw(axes, matrix, _ERRORS, labels=10, numbers=9)
    bar = figure.colorbar(
        image, ax=axes, fraction=0.04, format=FuncFormatter(lambda share, _: percent(share))
    )
    bar.set_label(matrix.unit, fontsize=SMALL, color=GREY)
    bar.ax.tick_params(labelsize=8, color=FAINT, labelcolor=INK)
    bar.outline.set_linewidth(0.5)
    return figure


def _draw(
    axes: Axes, matrix: ConfusionMatrix, colors: Colormap, *, labels: float, numbers: float | None
) -> AxesImage:
    """The cells, with their texts where `numbers` gives these a size; `labels`: that of the classes."""
    lowest = -matrix.limit if colors is _DIFFERENCES else 0.0
    image = axes.imshow(matrix.values, cmap=colors, vmin=lowest, vmax=matrix.limit)
    names, places = matrix.class_names, range(len(matrix.class_names))
    angle = 90 if max(map(len, names)) > 2 else 0
    axes.set_xticks(places, names, fontsize=labels, parse_math=False, rotation=angle)
    axes.set_yticks(places, names, fontsize=labels, parse_math=False)
    axes.tick_params(length=0, labelcolor=INK)
    axes.set_xlabel("predicted class", fontsize=LABEL, color=GREY)
    axes.set_ylabel("true class", fontsize=LABEL, color=GREY)
    axes.spines[:].set_color(FAINT)
    for row, column in np.ndindex(matrix.values.shape):
        if numbers is not None and (text := matrix.texts[row][column]):
            strong = abs(matrix.strengths[row, column]) > STRONG
            style: dict[str, Any] = {"color": PAPER if strong else INK, "fontsize": numbers}
            if row == column and colors is _ERRORS:  # right, and not coloured
                style |= {"color": GREY, "fontweight": "bold"}
            axes.text(column, row, text, ha="center", va="center", **style)
    return image


def _percentages(counts: np.ndarray) -> np.ndarray:
    """(classes, classes) float64, each row in percent; a class without images is a row of zeros."""
    percentages: np.ndarray = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return percentages
