"""Two experiments against a setting: accuracy, difference, gap and spread; against two: heat maps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from cnnlab.foreign_text import shortened
from cnnlab.pictures.kit.formats import percent, signed
from cnnlab.pictures.kit.lettering import fitted
from cnnlab.pictures.kit.palette import COLORS, GREY, INK, MARKERS
from cnnlab.pictures.kit.style import LABEL, PERCENT_TICKS, SMALL, new_figure, style_axes
from cnnlab.pictures.plots.accuracy import Measured
from cnnlab.pictures.plots.heat import heat_map

_BAND = 0.16
_WIDE = 8.0
"""Numbers whose largest is so many times the smallest are drawn on a logarithmic axis."""


_NARROW = 18
"""So many characters fit below a heat map."""


class VariedPoint(NamedTuple):
    """The two experiments at one value of each setting."""

    labels: tuple[str, ...]  # of the values, one per setting
    accuracies: tuple[Measured, Measured]  # on the test images
    gaps: tuple[float, float] | None  # training minus test accuracy
    spreads: tuple[float, float] | None  # standard deviation over the seeds
    difference: Measured | None  # of the test accuracies, first minus second


def variation_panels(
    points: Sequence[VariedPoint],
    names: tuple[str, str],
    key: str,
    *,
    changes: Sequence[tuple[int, int]] = (),
    title: str,
    note: str = "",
) -> Figure:
    """Four panels against one setting: accuracies, their difference, the gap to training, the spread.

    Dots are single seeds, lines are means, bands are 95% intervals of the means.

    Args:
        points: at least two, in the setting's order.
        key: what the setting is called.
        changes: between which points the lead changes hands.
        note: a line below, such as how long the networks were trained.
    """
    figure = new_figure(7.2, title)
    (accuracy, difference), (gap, spread) = figure.subplots(2, 2, sharex=True)
    across = _across([point.labels[0] for point in points])
    room = 0.4 * figure.get_figwidth()
    named = " − ".join(shortened(each, 24) for each in names)
    for axes, heading, below in (
        (accuracy, "Test accuracy", ""), (difference, f"{named}, points", ""),
        (gap, "Training minus test accuracy, points", key),
        (spread, "Standard deviation over the seeds, points", key),
    ):  # fmt: skip
        style_axes(axes, fitted(heading, room, LABEL + 1), x=below)
    for place, (name, color, marker) in enumerate(zip(names, COLORS, MARKERS, strict=False)):
        _curve(accuracy, across.places, [point.accuracies[place] for point in points], color, name, marker)
        for axes, of in ((gap, "gaps"), (spread, "spreads")):
            found = [getattr(point, of) for point in points]
            values = [math.nan if each is None else 100 * each[place] for each in found]
            axes.plot(across.places, values, color=color, marker=marker, markersize=4, linewidth=1.8)
    accuracy.yaxis.set_major_formatter(PERCENT_TICKS)
    accuracy.yaxis.set_major_locator(MaxNLocator(6))  # the same before and after the layout is found
    accuracy.legend(frameon=False, fontsize=LABEL, labelcolor=INK, loc="best")
    leads = [_in_points(point.difference) for point in points]
    known = [(x, lead) for x, lead in zip(across.places, leads, strict=True) if lead is not None]
    _curve(difference, [x for x, _ in known], [lead for _, lead in known], INK, "")
    for axes in (difference, gap):
        axes.axhline(0, color=GREY, linewidth=1)
    for one, other in changes:
        for axes in (accuracy, difference):
            axes.axvspan(across.places[one], across.places[other], color=GREY, alpha=0.12, linewidth=0)
    for axes in (gap, spread):
        across.label(axes)
    spread.set_ylim(bottom=0)
    below = "dots: seeds; lines: means; bands: 95% confidence intervals"
    below += "; gray: the lead changes hands" if changes else ""
    figure.supxlabel(f"{note}\n{below}" if note else below, fontsize=SMALL, color=INK)
    return figure


class _Across(NamedTuple):
    """Where values stand on an axis, and how the axis is lettered."""

    places: list[float]
    label: Callable[[Axes], None]


def _across(labels: Sequence[str]) -> _Across:
    """Numbers at their place, on a logarithmic axis where they range wide; anything else one by one."""
    numbers = [_number(label) for label in labels]
    if any(number is None for number in numbers):
        places = [float(place) for place in range(len(labels))]
    else:
        places = [number for number in numbers if number is not None]

    def label(axes: Axes) -> None:
        positive = min(places) > 0 and len(set(places)) == len(places)
        if None not in numbers and positive and max(places) / min(places) >= _WIDE:
            axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator(places))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(places, [shortened(each, 18) for each in labels], parse_math=False)
        if max(len(each) for each in labels) * len(labels) > 40:
            axes.tick_params(axis="x", rotation=30)

    return _Across(places, label)


def _number(label: str) -> float | None:
    try:
        number = float(label)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _in_points(measured: Measured | None) -> Measured | None:
    if measured is None:
        return None
    interval = None if measured.ci95 is None else (100 * measured.ci95[0], 100 * measured.ci95[1])
    return Measured(tuple(100 * each for each in measured.values), 100 * measured.mean, interval)


def _curve(
    axes: Axes,
    places: Sequence[float],
    measured: Sequence[Measured],
    color: str,
    label: str,
    marker: str = "o",
) -> None:
    order = np.argsort(places)
    x = np.asarray(places, np.float64)[order]
    ordered = [measured[place] for place in order]
    axes.plot(
        x,
        [each.mean for each in ordered],
        color=color,
        marker=marker,
        markersize=5,
        linewidth=1.8,
        label=shortened(label, 28),
    )
    if ordered and all(each.ci95 is not None for each in ordered):
        low, high = zip(*(each.ci95 for each in ordered if each.ci95 is not None), strict=True)
        axes.fill_between(x, low, high, color=color, alpha=_BAND, linewidth=0)
    for place, each in zip(x, ordered, strict=True):
        axes.plot([place] * len(each.values), each.values, color=color, marker="o", markersize=3.2,
                  linestyle="", alpha=0.75)  # fmt: skip


def variation_maps(
    points: Sequence[tuple[tuple[int, int], VariedPoint]],
    labels: tuple[Sequence[str], Sequence[str]],
    names: tuple[str, str],
    keys: tuple[str, str],
    *,
    title: str,
    note: str = "",
) -> Figure:
    """Three heat maps over two settings: the test accuracy of each experiment, and the difference in points.

    Args:
        points: with their row and column; what is missing stays empty.
        labels: of the rows, the first setting's values, and of the columns, the second's.
    """
    shape = (len(labels[0]), len(labels[1]))
    figure = new_figure(2.2 + 0.55 * shape[0], title)
    panels = figure.subplots(1, 3, sharey=True)
    cells = dict(points)
    both = np.full((2, *shape), np.nan)
    lead = np.full(shape, np.nan)
    for place, point in cells.items():
        both[(slice(None), *place)] = [each.mean for each in point.accuracies]
        if point.difference is not None:
            lead[place] = 100 * point.difference.mean
    low, high = float(np.nanmin(both)), float(np.nanmax(both))
    room = 0.26 * figure.get_figwidth()
    for axes, name, values in zip(panels, names, both, strict=False):
        _heat(axes, values, fitted(name, room, LABEL + 1), "viridis", lambda share: percent(share),
              Normalize(low, high or 1))  # fmt: skip
    most = max(float(np.nanmax(np.abs(lead))) if np.isfinite(lead).any() else 0.0, 1e-9)
    norm = TwoSlopeNorm(0, -most, most)
    named = " − ".join(shortened(each, 16) for each in names)
    _heat(panels[2], lead, fitted(f"{named}, points", room, LABEL + 1), "PuOr", signed, norm)
    for axes in panels:
        axes.set_xticks(range(shape[1]), [shortened(each, 14) for each in labels[1]], parse_math=False)
        if max(map(len, labels[1])) * shape[1] > _NARROW:
            axes.tick_params(axis="x", rotation=45)
        axes.set_xlabel(keys[1], fontsize=LABEL, color=INK)
    panels[0].set_yticks(range(shape[0]), [shortened(each, 18) for each in labels[0]], parse_math=False)
    panels[0].set_ylabel(keys[0], fontsize=LABEL, color=INK)
    if note:
        figure.supxlabel(note, fontsize=SMALL, color=INK)
    return figure


def _heat(
    axes: Axes,
    values: np.ndarray,
    title: str,
    colors: str,
    text: Callable[[float], str],
    scale: Normalize,
) -> None:
    style_axes(axes, title)
    heat_map(axes, values, colors, scale, lambda row, column: text(float(values[row, column])))
