"""Accuracies of several experiments: as bars with intervals, and against what they cost."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from cnnlab.foreign_text import shortened
from cnnlab.pictures.kit.formats import percent
from cnnlab.pictures.kit.lettering import wrapped
from cnnlab.pictures.kit.palette import COLORS, INK, PAPER
from cnnlab.pictures.kit.style import LABEL, PERCENT_TICKS, new_figure, style_axes, versus

_LEAST_RANGE = 0.02  # lest noise look like a difference


class Measured(NamedTuple):
    """The accuracies of one experiment, in [0, 1]: one per run, their mean, its 95% interval."""

    values: tuple[float, ...]
    mean: float
    ci95: tuple[float, float] | None


def accuracy_bars(
    experiments: Mapping[str, Measured], *, title: str | None = None, varied: str = "seeds"
) -> Figure:
    """Mean accuracies as bars from 0 on, and close up with every run and the 95% interval of the mean.

    The left panel shows how little, or much, the difference is; the right one whether it is one.

    Args:
        varied: what the runs of an experiment differ in, such as seeds.
    """
    names = list(experiments)
    figure = new_figure(1.9 + 0.5 * len(names), versus(names) if title is None else title)
    whole, close_up = figure.subplots(1, 2, sharey=True)
    style_axes(whole, "Test accuracy")
    sure = any(measured.ci95 for measured in experiments.values())
    heading = f"{varied.capitalize()}, mean and 95% confidence interval"
    room = 0.34 * figure.get_figwidth()
    style_axes(close_up, "\n".join(wrapped(heading if sure else "One seed: no interval", room, LABEL + 1)))
    for place, measured in enumerate(experiments.values()):
        color = COLORS[place % len(COLORS)]
        whole.barh(place, measured.mean, color=color, height=0.6)
        inside = measured.mean > 0.3
        whole.text(
            measured.mean + (-0.015 if inside else 0.015),
            place,
            percent(measured.mean, 2),
            ha="right" if inside else "left",
            va="center",
            color=PAPER if inside else INK,
            fontsize=LABEL,
        )
        draw_measured(close_up, place, measured, color)
    whole.set_yticks(
        range(len(names)),
        [_in_lines(shortened(name) if len(names) <= 5 else shortened(name, 24)) for name in names],
        parse_math=False,
    )
    whole.set_ylim(len(names) - 0.4, -0.6)  # the first on top
    whole.set_xlim(0, 1)
    close_up.set_xlim(*accuracy_limits(experiments.values()))
    for axes in (whole, close_up):
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_formatter(PERCENT_TICKS)
        axes.xaxis.set_major_locator(MaxNLocator(6))
    return figure


def accuracy_against_parameters(
    experiments: Mapping[str, Measured],
    parameters: Mapping[str, int],
    *,
    title: str | None = None,
    varied: str = "seeds",
) -> Figure:
    """What accuracy costs: each experiment's mean, with its runs and 95% interval, over its parameters.

    Args:
        varied: what the runs of an experiment differ in, such as seeds.
    """
    figure = new_figure(4.6, versus(list(experiments)) if title is None else title)
    axes = figure.subplots()
    intervals = any(measured.ci95 is not None for measured in experiments.values())
    heading = "Test accuracy against parameters" + (
        f", with {varied} and 95% confidence intervals" if intervals else ""
    )
    style_axes(axes, heading, x="parameters")
    axes.set_xscale("log")
    axes.yaxis.set_major_formatter(PERCENT_TICKS)
    axes.xaxis.set_major_formatter(lambda count, _: f"{count:,.0f}")
    counts = [max(parameters[name], 1) for name in experiments]
    middle = math.sqrt(min(counts) * max(counts))
    for place, (name, measured) in enumerate(experiments.items()):
        color, count = COLORS[place % len(COLORS)], max(parameters[name], 1)
        if measured.ci95 is not None:
            axes.plot(
                [count, count], _possible(measured.ci95), color=color, linewidth=2, solid_capstyle="butt"
            )
            axes.plot([count] * len(measured.values), measured.values, ".", color=color, alpha=0.5)
        axes.plot([count], [measured.mean], "o", color=color, markersize=9)
    axes.set_xlim(min(counts) / 2, max(counts) * 2)
    limits = accuracy_limits(experiments.values())
    axes.set_ylim(*limits)
    names = list(experiments)
    labels = [
        f"{shortened(name, 30)}: {percent(experiments[name].mean, 2)}, {parameters[name]:,}" for name in names
    ]
    heights = _label_heights(
        [experiments[name].mean for name in names], counts, limits, line=0.25 / (figure.get_figheight() - 1.4)
    )
    for name, label, count, height in zip(names, labels, counts, heights, strict=True):
        inwards = 1 if count <= middle else -1  # the label is written where there is room
        axes.annotate(
            label, (count, experiments[name].mean), xytext=(count * 1.06**inwards, height), textcoords="data",
            ha="left" if inwards > 0 else "right", va="center", color=INK, fontsize=LABEL, parse_math=False,
        )  # fmt: skip
    return figure


def _label_heights(
    means: Sequence[float], counts: Sequence[int], limits: tuple[float, float], *, line: float
) -> list[float]:
    """Where labels stand, from the top down, each a line below the one above it on the same side at least.

    Args:
        line: the height of a line, as a share of the axes'.
    """
    low, high = limits
    step = line * (high - low)
    heights = list(means)
    above = high + step / 2
    for index in sorted(range(len(means)), key=lambda each: -means[each]):
        heights[index] = min(means[index], above - step)
        above = heights[index]
    beyond = low + step / 2 - above
    return [height + beyond for height in heights] if beyond > 0 else heights


def _in_lines(name: str) -> str:
    """A long name in lines of up to 24 letters, so that the bars keep their room."""
    return "\n".join(name[start : start + 24] for start in range(0, len(name), 24))


def draw_measured(axes: Axes, place: float, measured: Measured, color: str) -> None:
    """Mean, interval and every seed of one experiment, at a height of the axes."""
    if measured.ci95 is not None:
        ends = _possible(measured.ci95)
        axes.plot(ends, [place, place], color=color, linewidth=2.4, zorder=2)
        for end, whole, arrow in zip(ends, measured.ci95, "<>", strict=True):
            if end == whole:
                axes.plot([end, end], [place - 0.12, place + 0.12], color=color, linewidth=2.4, zorder=2)
            else:
                axes.plot([end], [place], arrow, color=color, markersize=9, zorder=2)
        # Seeds side by side, so that equal ones are seen as several.
        heights = place + 0.26 + 0.05 * (np.arange(len(measured.values)) % 3)
        axes.plot(measured.values, heights, "o", color=color, alpha=0.5, markersize=4.5, linewidth=0)
    marker = Line2D([measured.mean], [place], marker="o", color=color, markersize=8, markeredgecolor=PAPER)
    axes.add_line(marker)


def _possible(interval: Sequence[float]) -> list[float]:
    """An interval as far as accuracies go: Student's knows no such bounds."""
    return [min(max(end, 0.0), 1.0) for end in interval]


def accuracy_limits(experiments: Collection[Measured]) -> tuple[float, float]:
    """All seeds, and of an interval as much as is drawn."""
    ends = [each for measured in experiments for each in measured.values]
    ends += [end for measured in experiments for end in _possible(measured.ci95 or ())]
    low, high = min(ends), max(ends)
    missing = max(0.0, _LEAST_RANGE - (high - low)) / 2
    pad = 0.06 * (high - low + 2 * missing)
    return low - missing - pad, high + missing + pad
