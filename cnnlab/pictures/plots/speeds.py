"""Durations of the same work, side by side on a logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from cnnlab.pictures.kit.palette import GREY, INK, NEUTRAL, PAPER
from cnnlab.pictures.kit.style import LABEL, new_figure, style_axes
from cnnlab.wording import three_digits

_ON_PAPER = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.5}
"""Behind a number, where a line of the grid would cross it."""


def speed_bars(seconds: Mapping[str, Mapping[str, float]], *, baseline: str, title: str) -> Figure:
    """A panel for each work, below each other, and in it a bar for each who does it: the shorter, the faster.

    Args:
        seconds: by work and by who does it; each work is done by the same ones.
        baseline: whom the others are compared with: how many times faster they are stands at their bars.
    """
    names = list(next(iter(seconds.values())))
    figure = new_figure(1.3 + len(seconds) * (0.55 + 0.36 * len(names)), title)
    panels = figure.subplots(len(seconds), 1, sharex=True, squeeze=False)[:, 0]
    values = [each for work in seconds.values() for each in work.values()]
    low = 10.0 ** math.floor(math.log10(min(values)) - 0.3)
    high = max(values)
    for axes, (work, taken) in zip(panels, seconds.items(), strict=True):
        style_axes(axes, work.capitalize())
        axes.grid(visible=False, axis="y")
        axes.set_xscale("log")
        for place, (name, each) in enumerate(taken.items()):
            axes.barh(place, each - low, left=low, color=GREY if name == baseline else NEUTRAL, height=0.66)
            times = "" if name == baseline else f", {three_digits(taken[baseline] / each)}×"
            axes.annotate(
                _in_units(each) + times, (each, place), xytext=(6, 0), textcoords="offset points",
                va="center", color=INK, fontsize=LABEL, bbox=_ON_PAPER,
            )  # fmt: skip
        axes.set_yticks(range(len(names)), names, parse_math=False)
        axes.set_ylim(len(names) - 0.4, -0.6)  # the first on top
    panels[0].set_xlim(low, high * (high / low) ** 0.16)  # room for the numbers
    panels[-1].xaxis.set_major_locator(LogLocator())
    panels[-1].xaxis.set_minor_locator(NullLocator())
    panels[-1].xaxis.set_major_formatter(FuncFormatter(lambda each, _: _in_units(each)))
    figure.supxlabel(f"time, logarithmic; ×: times faster than {baseline}", fontsize=LABEL, color=INK)
    return figure


def _in_units(seconds: float) -> str:
    """3.81 s, 6.21 ms, 40 µs"""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= 0.9995 * size:
            return f"{three_digits(seconds / size)} {unit}"
    return f"{three_digits(seconds * 1e6)} µs"
