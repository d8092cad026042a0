"""All settings side by side: a line for each point, from value to value, on to its validation accuracy."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cnnlab.pictures.kit.lettering import fitted
from cnnlab.pictures.kit.palette import GREY, INK, MARK, PAPER
from cnnlab.pictures.kit.style import LABEL, PERCENT_TICKS, SMALL, full_width, new_figure, style_axes
from cnnlab.pictures.plots.settings import ACCURACIES, Setting, TriedPoint, key_lines, scale_of

_ON_PAPER = {"facecolor": PAPER, "edgecolor": "none", "alpha": 0.8, "pad": 1.2}
"""Behind a value, where lines would cross it."""

_SPREAD = 0.6
"""Lines through the same value lie side by side, over so much of the way to the next value."""

_MOST_MARKS = 12
_MANY = 80  # points, whose lines are thinner


def parallel_coordinates(settings: Sequence[Setting], points: Sequence[TriedPoint], *, title: str) -> Figure:
    """Lines are coloured by the validation accuracy, the best on top and outlined.

    Pruned and failed points are dashed and end at the last setting; what is off the scale ends at its foot.
    """
    figure = new_figure(5.6, title)
    axes = figure.subplots()
    style_axes(axes)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    low, high = scale_of(points)
    scale = Normalize(low, high, clip=True)
    last = len(settings)
    heights = _heights(points)
    for order in sorted(range(len(points)), key=lambda each: heights[each]):
        _draw(axes, settings, points[order], heights[order], scale, len(points))
    room = (full_width() - 1.2) / last - 0.25
    for place, setting in enumerate(settings):
        axes.plot([place, place], [0, 1], color=GREY, linewidth=1, zorder=4)
        marks = setting.marks()
        for value, text in marks[:: max(1, -(-len(marks) // _MOST_MARKS))]:
            axes.text(
                place - 0.012 * last, setting.share(value), fitted(text, max(room - 0.3, 0.5), SMALL),
                ha="right", va="center", fontsize=SMALL, color=INK, bbox=_ON_PAPER, zorder=5,
            )  # fmt: skip
    axes.plot([last, last], [0, 1], color=GREY, linewidth=1, zorder=4)
    for accuracy in MaxNLocator(6).tick_values(low, high):
        if low <= accuracy <= high:
            axes.text(
                last + 0.012 * last, float(scale(accuracy)), PERCENT_TICKS(round(float(accuracy), 6)),
                ha="left", va="center", fontsize=SMALL, color=INK, zorder=5,
            )  # fmt: skip
    names = [key_lines(setting.key, room, LABEL - 1) for setting in settings]
    axes.set_xticks(range(last + 1), [*names, "validation\naccuracy"], parse_math=False, fontsize=LABEL - 1)
    axes.set_yticks([])
    axes.set_xlim(-0.14 * last, last + 0.07 * last)
    axes.set_ylim(-0.03, 1.03)
    figure.supxlabel(fitted(_note(points, low), full_width() - 0.4, SMALL), fontsize=SMALL, color=INK)
    return figure


def _draw(
    axes: Axes,
    settings: Sequence[Setting],
    point: TriedPoint,
    height: float,
    scale: Normalize,
    count: int,
) -> None:
    places = [
        setting.share(place)
        + (0 if setting.labels is None else (height - 0.5) * _SPREAD / len(setting.labels))
        for setting, place in zip(settings, point.places, strict=True)
    ]
    if point.accuracy is None:
        axes.plot(range(len(places)), places, color=GREY, linewidth=0.9, linestyle="--", alpha=0.7, zorder=1,
                  gid=point.state)  # fmt: skip
        if len(places) == 1:
            axes.plot(0, places[0], marker="x", color=GREY)
        return
    places.append(float(scale(point.accuracy)))
    is_best = point.rank == 1
    across = range(len(places))
    if is_best:
        axes.plot(
            across,
            places,
            color=MARK,
            linewidth=6,
            zorder=3,
            gid="winner",
            solid_joinstyle="round",
            solid_capstyle="round",
        )
    thin = 1.5 if count <= _MANY else max(0.4, 1.5 * _MANY / count)
    axes.plot(
        across, places, color=ACCURACIES(scale(point.accuracy)), zorder=3 if is_best else 2,
        linewidth=2.4 if is_best else thin, alpha=1 if is_best else 0.85, gid="point",
    )  # fmt: skip


def _heights(points: Sequence[TriedPoint]) -> list[float]:
    """By point where its line lies among those through the same value: from 0, the least accurate, to 1."""
    order = sorted(range(len(points)), key=lambda each: -1.0 if (of := points[each].accuracy) is None else of)
    most = max(len(points) - 1, 1)
    return [order.index(place) / most for place in range(len(points))]


def _note(points: Sequence[TriedPoint], low: float) -> str:
    parts = ["lines: points, the darker, the more accurate on the validation images; outlined: best"]
    if any(point.accuracy is None for point in points):
        parts.append("dashed: pruned or failed")
    if any(point.accuracy is not None and point.accuracy < low for point in points):
        parts.append(f"at the foot: below {100 * low:.1f}%")
    return "; ".join(parts)
