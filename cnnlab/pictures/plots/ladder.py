"""Experiments that differ by one change each: bars from what an experiment hangs off to what it reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cnnlab.foreign_text import shortened
from cnnlab.pictures.kit.formats import percent, signed
from cnnlab.pictures.kit.lettering import fitted
from cnnlab.pictures.kit.lettering import width as text_width
from cnnlab.pictures.kit.palette import FAINT, GAIN, GREY, INK, LOSS, NEUTRAL
from cnnlab.pictures.kit.style import LABEL, PERCENT_TICKS, SMALL, full_width, new_figure, style_axes
from cnnlab.pictures.plots.accuracy import Measured, accuracy_limits, draw_measured

_IN_TWO_LINES = 9  # rungs whose labels have room for a second line
_LABEL = 0.42  # of the width, for a label in one line


class RungBar(NamedTuple):
    """One experiment: what it is called, what was changed, and how far that moved the test accuracy."""

    name: str
    change: str
    difference: (
        float | None
    )  # from what it hangs off, in the seeds that both have; None: it hangs off nothing
    measured: Measured
    shown: bool  # whether the seeds support the difference


def ladder_bars(groups: Mapping[str, Sequence[RungBar]], *, title: str) -> Figure:
    """A panel for each group, below each other, all with the same accuracies across.

    A bar leads from the mean of the parent to the experiment's own; it is hatched where the seeds do not
    support the difference. Dots are single seeds, lines are 95% intervals of the means.
    """
    sizes = [len(bars) for bars in groups.values()]
    figure = new_figure(1.4 + 0.62 * sum(sizes) + 0.55 * len(sizes), title)
    longest = 0.0
    panels = figure.subplots(len(groups), 1, sharex=True, squeeze=False, height_ratios=sizes)[:, 0]
    for axes, (heading, bars) in zip(panels, groups.items(), strict=True):
        style_axes(axes, heading)
        axes.grid(visible=False, axis="y")
        for place, bar in enumerate(bars):
            _draw(axes, place, bar)
        labels = _labels(bars, one_line=sum(sizes) > _IN_TWO_LINES)
        longest = max(longest, *(text_width(label, SMALL) for label in labels))
        axes.set_yticks(range(len(bars)), labels, parse_math=False, fontsize=SMALL)
        axes.set_ylim(len(bars) - 0.4, -0.6)
    low, high = accuracy_limits([bar.measured for bars in groups.values() for bar in bars])
    numbers = text_width("98.09% (+10.26)", SMALL) + 0.15  # inches, right of all bars
    bars_width = max(full_width() - longest - 0.7 - numbers, numbers)
    panels[0].set_xlim(low, high + numbers / bars_width * (high - low))
    panels[-1].xaxis.set_major_formatter(lambda share, _: "" if share > 1 else PERCENT_TICKS(share))
    panels[-1].xaxis.set_major_locator(MaxNLocator(7))
    figure.supxlabel(
        "test accuracy: seeds, mean and 95% confidence interval; hatched: not supported by the seeds",
        fontsize=LABEL, color=INK,
    )  # fmt: skip
    return figure


def _labels(bars: Sequence[RungBar], *, one_line: bool) -> list[str]:
    """Name and change; where there are many, in one line, and without a change that all have."""
    parts = [(shortened(bar.name, 34), shortened(bar.change, 44)) for bar in bars]
    if not one_line:
        return ["\n".join(filter(None, each)) for each in parts]
    if len({change for _, change in parts}) == 1:
        parts = [(name, "") for name, _ in parts]
    room = _LABEL * full_width()
    return [fitted(": ".join(filter(None, each)), room, SMALL) for each in parts]


def _draw(axes: Axes, place: int, bar: RungBar) -> None:
    mean = bar.measured.mean
    color = NEUTRAL
    if bar.difference is not None:
        color, start = GAIN if bar.difference >= 0 else LOSS, mean - bar.difference
        axes.plot([start, start], [place - 0.42, place + 0.3], color=GREY, linewidth=1, zorder=1)
        (patch,) = axes.barh(place, bar.difference, left=start, height=0.34, color=color, zorder=1)
        if bar.shown:
            patch.set_alpha(0.3)
        else:
            patch.set(facecolor=FAINT, edgecolor=color, hatch="///")
    draw_measured(axes, place, bar.measured, color)
    points = 0.0 if bar.difference is None else round(100 * bar.difference, 2)
    moved = "" if bar.difference is None else f" ({signed(points, 2) if points else '0.00'})"
    axes.annotate(
        f"{percent(mean, 2)}{moved}", (1, place), xycoords=("axes fraction", "data"), xytext=(-4, 0),
        textcoords="offset points", ha="right", va="center", color=INK, fontsize=SMALL,
    )  # fmt: skip
