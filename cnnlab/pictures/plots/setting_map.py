"""Two settings against each other: a heat map of the validation accuracy, the best cell outlined."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from cnnlab.foreign_text import shortened
from cnnlab.pictures.kit.formats import percent
from cnnlab.pictures.kit.lettering import fitted, width
from cnnlab.pictures.kit.palette import GREY, INK, MARK
from cnnlab.pictures.kit.style import LABEL, PERCENT_TICKS, SMALL, full_width, new_figure, style_axes
from cnnlab.pictures.plots.heat import heat_map
from cnnlab.pictures.plots.settings import ACCURACIES, Setting, TriedPoint, key_lines, level_ticks, scale_of

_MARGIN = 1.9
"""Inches beside the cells: the values of the first setting, and its key."""

_MOST_ROWS = 60


def setting_map(settings: tuple[Setting, Setting], points: Sequence[TriedPoint], *, title: str) -> Figure:
    """The first setting downwards, the second across; what was not tried stays empty.

    The best cell is outlined; = stands in cells that are tied with it. Where the numbers have no room,
    a scale explains the colours.
    """
    down, across = (setting.labels or () for setting in settings)
    shape = (len(down), len(across))
    tall = 0.5 if len(down) <= 16 else 0.2
    figure = new_figure(1.9 + tall * min(len(down), _MOST_ROWS), title)
    axes = figure.subplots()
    style_axes(axes)
    cells = {(int(point.places[0]), int(point.places[1])): point for point in points}
    values = np.full(shape, np.nan)
    for place, point in cells.items():
        values[place] = np.nan if point.accuracy is None else point.accuracy
    low, high = scale_of(points)
    room = (full_width() - _MARGIN) / len(across)
    digits = next((each for each in (2, 1) if width(_text(0.99, True, each), SMALL) + 0.1 < room), None)
    numbered = digits is not None and tall > 0.3

    def text(row: int, column: int) -> str:
        point = cells[row, column]
        return _text(point.accuracy or 0.0, point.is_tied, digits or 1) if numbered else "=" * point.is_tied

    image = heat_map(axes, values, ACCURACIES, Normalize(low, high), text)
    for (row, column), point in cells.items():
        if point.accuracy is None:
            state = point.state if numbered else "×"
            axes.text(column, row, state, ha="center", va="center", fontsize=SMALL, color=GREY)
        elif point.rank == 1:
            axes.add_patch(
                Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=MARK, linewidth=3.5,
                          zorder=3, clip_on=False, gid="winner")
            )  # fmt: skip
    axes.spines[:].set_visible(False)
    level_ticks(axes, across, full_width() - _MARGIN)
    axes.set_xlabel(key_lines(settings[1].key, full_width() - _MARGIN, LABEL), fontsize=LABEL, color=INK)
    step = max(1, round(0.2 / tall)) if len(down) <= _MOST_ROWS else len(down) // 30
    axes.set_yticks(
        range(0, len(down), step), [shortened(each, 18) for each in down[::step]], parse_math=False
    )
    axes.set_ylabel(key_lines(settings[0].key, max(1.2, tall * len(down)), LABEL), fontsize=LABEL, color=INK)
    if not numbered:
        bar = figure.colorbar(
            image, ax=axes, format=PERCENT_TICKS, extend="min" if _off(points, low) else "neither"
        )
        bar.ax.tick_params(labelsize=SMALL, labelcolor=INK)
    figure.supxlabel(fitted(_note(points, numbered), full_width() - 0.4, SMALL), fontsize=SMALL, color=INK)
    return figure


def _text(accuracy: float, is_tied: bool, digits: int) -> str:
    return f"{'= ' if is_tied else ''}{percent(accuracy, digits)}"


def _off(points: Sequence[TriedPoint], low: float) -> bool:
    return any(point.accuracy is not None and point.accuracy < low for point in points)


def _note(points: Sequence[TriedPoint], numbered: bool) -> str:
    parts = ["validation accuracy, mean over the seeds; outlined: best"]
    if any(point.is_tied for point in points):
        parts.append("=: tied with the best (95% intervals overlap)")
    if not numbered and any(point.accuracy is None for point in points):
        parts.append("×: pruned or failed")
    return "; ".join(parts)
