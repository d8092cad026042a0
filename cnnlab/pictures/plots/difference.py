"""The differences between experiments: each seed, the mean, and its 95% interval beside zero."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cnnlab.pictures.kit.formats import signed
from cnnlab.pictures.kit.lettering import fitted
from cnnlab.pictures.kit.palette import GREY, INK, PAPER
from cnnlab.pictures.kit.style import LABEL, SMALL, new_figure, style_axes
from cnnlab.pictures.plots.accuracy import Measured

_ON_PAPER = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.0}
"""Behind a number, where the line at zero would cross it."""

_LEAST = 1.0
"""Points on either side of zero, lest noise look like a difference."""


def difference_intervals(pairs: Mapping[str, Measured], *, width: float = 5.6) -> Figure:
    """A row for each pair of experiments, in percentage points; zero, no difference, has a line.

    Args:
        pairs: by what is subtracted, such as "cnn − dnn", the differences in shares of 1.
    """
    figure = new_figure(0.9 + 0.62 * len(pairs), width=width, inside=True)
    axes = figure.subplots()
    style_axes(axes, x="difference in test accuracy, percentage points")
    axes.grid(visible=False, axis="y")
    axes.axvline(0, color=INK, linewidth=1.2)
    ends = [_LEAST / 100]
    for place, measured in enumerate(pairs.values()):
        heights = [place + 0.24] * len(measured.values)
        axes.plot([100 * each for each in measured.values], heights, "o", color=GREY, alpha=0.6,
                  markersize=4.5)  # fmt: skip
        ends += [abs(each) for each in (*measured.values, *(measured.ci95 or ()))]
        said = signed(100 * measured.mean, 2)
        if measured.ci95 is not None:
            low, high = (100 * each for each in measured.ci95)
            axes.plot([low, high], [place, place], color=INK, linewidth=2.4)
            for end in (low, high):
                axes.plot([end, end], [place - 0.1, place + 0.1], color=INK, linewidth=2.4)
            said += f" ({signed(low, 2)} to {signed(high, 2)})"
        axes.plot([100 * measured.mean], [place], "o", color=INK, markersize=8)
        axes.annotate(said, (100 * measured.mean, place), xytext=(0, 9), textcoords="offset points",
                      ha="center", color=INK, fontsize=SMALL, bbox=_ON_PAPER)  # fmt: skip
    most = 108 * max(ends)
    axes.set_xlim(-most, most)
    axes.xaxis.set_major_locator(MaxNLocator(7, symmetric=True))
    axes.xaxis.set_major_formatter(lambda points, _: "0" if points == 0 else signed(points, 1))
    names = [fitted(name, 0.3 * width, LABEL - 1) for name in pairs]
    axes.set_yticks(range(len(pairs)), names, parse_math=False, color=GREY)
    axes.set_ylim(len(pairs) - 0.55, -0.65)
    return figure
