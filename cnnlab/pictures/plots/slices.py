"""Each setting on its own against the validation accuracy: a panel for each, a dot for each point."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cnnlab.pictures.kit.palette import GREY, INK, MARK, NEUTRAL, PAPER
from cnnlab.pictures.kit.style import PERCENT_TICKS, SMALL, full_width, new_figure, style_axes
from cnnlab.pictures.plots.settings import Setting, TriedPoint, letter_axis, scale_of

_MOST_ACROSS = 3
_MARKERS = {"pruned": "v", "failed": "x"}
_SIZE = 6.0
_AT_THE_FOOT = 0.035
"""Where points without accuracy stand, as a share of the height."""


def setting_slices(settings: Sequence[Setting], points: Sequence[TriedPoint], *, title: str) -> Figure:
    """Dots are points, the mean over their seeds; lines join the medians of all points with the same value.

    The best point has a ring, points that are tied with it have the same colour. Pruned and
    failed points, which have no accuracy that counts, stand at the foot, as do points off the scale.
    """
    across = min(len(settings), _MOST_ACROSS)
    down = math.ceil(len(settings) / across)
    figure = new_figure(1.35 + 3.1 * down, title)
    panels = figure.subplots(down, across, sharey=True, squeeze=False).ravel()
    low, high = scale_of(points)
    margin = 0.06 * (high - low)
    foot = any(point.accuracy is None or point.accuracy < low for point in points)
    bottom = low - margin - (0.09 * (high - low) if foot else 0)
    room = (full_width() - 1.0) / across - 0.35
    for place, (axes, setting) in enumerate(zip(panels, settings, strict=False)):
        style_axes(axes, y="Validation accuracy" if place % across == 0 else "")
        axes.set_ylim(bottom, high + margin)
        _draw(axes, place, setting, points, low)
        letter_axis(axes, setting, room)
    panels[0].yaxis.set_major_formatter(PERCENT_TICKS)
    for axes in panels[len(settings) :]:
        axes.set_visible(False)
    figure.legend(
        handles=_legend(settings, points, low), loc="outside lower center", ncols=6, frameon=False,
        fontsize=SMALL, labelcolor=INK,
    )  # fmt: skip
    return figure


def _draw(axes: Axes, place: int, setting: Setting, points: Sequence[TriedPoint], low: float) -> None:
    finished = [(point, point.accuracy) for point in points if point.accuracy is not None]
    if setting.labels is not None:
        levels = sorted({point.places[place] for point, _ in finished})
        medians = [
            float(np.median([reached for point, reached in finished if point.places[place] == level]))
            for level in levels
        ]
        axes.plot(levels, medians, color=GREY, linewidth=1.2, zorder=1, gid="medians")
    for point, accuracy in sorted(finished, key=lambda each: each[1]):
        if accuracy < low:
            continue
        color = MARK if point.is_tied or point.rank == 1 else NEUTRAL
        axes.plot(
            point.places[place], accuracy, marker="o", markersize=_SIZE, color=color,
            markeredgecolor=PAPER, markeredgewidth=0.6, alpha=0.85, linestyle="", gid="point",
        )  # fmt: skip
        if point.rank == 1:
            axes.plot(
                point.places[place], accuracy, marker="o", markersize=2 * _SIZE, color=MARK,
                markerfacecolor="none", markeredgewidth=1.8, linestyle="", gid="winner", zorder=4,
            )  # fmt: skip
    for point in points:
        if point.accuracy is None or point.accuracy < low:
            axes.plot(
                point.places[place], _AT_THE_FOOT, marker=_MARKERS.get(point.state, "1"), markersize=_SIZE,
                color=GREY, markeredgewidth=1.4, linestyle="", transform=axes.get_xaxis_transform(),
                gid=point.state,
            )  # fmt: skip


def _legend(settings: Sequence[Setting], points: Sequence[TriedPoint], low: float) -> list[Line2D]:
    def mark(label: str, marker: str, color: str) -> Line2D:
        return Line2D([], [], marker=marker, color=color, linestyle="", markersize=_SIZE, label=label)

    entries = [mark("point", "o", NEUTRAL)]
    if any(point.rank == 1 for point in points):
        ring = Line2D([], [], marker="o", color=MARK, linestyle="", markersize=1.6 * _SIZE,
                      markerfacecolor="none", label="best")  # fmt: skip
        entries.append(ring)
    if any(point.is_tied for point in points):
        entries.append(mark("tied with the best", "o", MARK))
    if any(setting.labels is not None for setting in settings):
        entries.append(Line2D([], [], color=GREY, linewidth=1.2, label="median of each value"))
    for state in ("pruned", "failed"):
        if any(point.state == state for point in points):
            entries.append(mark(state, _MARKERS[state], GREY))
    if any(point.accuracy is not None and point.accuracy < low for point in points):
        entries.append(mark(f"below {100 * low:.1f}%", "1", GREY))
    return entries
