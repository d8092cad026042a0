"""Points of a search, each with its settings: what their pictures have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from cnnlab.foreign_text import shortened
from cnnlab.pictures.kit.lettering import fitted, width
from cnnlab.pictures.kit.palette import INK
from cnnlab.pictures.kit.style import LABEL, SMALL

ACCURACIES = LinearSegmentedColormap.from_list(
    "accuracies", matplotlib.colormaps["viridis_r"](np.linspace(0.06, 1, 64))
)
"""The darker, the more accurate: on white, the best is not to be the palest."""

_FAR = 3.0
"""Accuracies that lie so many interquartile ranges below the lower quartile are off the scale,"""
_SQUASHED = 3.0
"""if with them the scale is so many times as long."""

_DIGITS = 4


class Setting(NamedTuple):
    """A setting that varies: some values, or all between two numbers.

    labels: of the values, in their order; None where it is a range.
    """

    key: str
    labels: tuple[str, ...] | None
    low: float = 0.0
    high: float = 1.0
    is_logarithmic: bool = False

    def share(self, place: float) -> float:
        """How far along the axis a place lies, from 0 to 1."""
        if self.labels is not None:
            return (place + 0.5) / len(self.labels)
        low, high = self.low, self.high
        if self.is_logarithmic:
            low, high, place = math.log(low), math.log(high), math.log(place)
        return (place - low) / (high - low)

    def marks(self) -> list[tuple[float, str]]:
        """Places along the axis, and what is written there."""
        if self.labels is not None:
            return list(enumerate(self.labels))
        if self.is_logarithmic:
            return [(each, f"{each:.{_DIGITS}g}") for each in _log_marks(self.low, self.high)]
        ticks = MaxNLocator(4, integer=self.low == int(self.low)).tick_values(self.low, self.high)
        return [(float(each), f"{each:.{_DIGITS}g}") for each in ticks if self.low <= each <= self.high]


class TriedPoint(NamedTuple):
    """A point, and what came of it.

    places: by setting the place of its value among the labels, or the number itself.
    accuracy: mean validation accuracy over the seeds, from 0 to 1; None where it did not finish.
    rank: from 1, the best. is_tied: cannot be told from the best.
    """

    places: tuple[float, ...]
    accuracy: float | None
    state: Literal["finished", "pruned", "failed"] = "finished"
    rank: int | None = None
    is_tied: bool = False


def accuracies_of(points: Sequence[TriedPoint]) -> list[float]:
    """Of the points that finished."""
    return [point.accuracy for point in points if point.accuracy is not None]


def scale_of(points: Sequence[TriedPoint]) -> tuple[float, float]:
    """The least and the largest accuracy on a scale that shows how the better points differ.

    Points that learned nothing are off the scale, as the others would not be told apart otherwise.
    """
    found = np.asarray(accuracies_of(points) or [0.0, 1.0])
    lower, upper = np.quantile(found, [0.25, 0.75])
    high = float(found.max())
    low = float(found[found >= lower - _FAR * (upper - lower)].min())
    if high - float(found.min()) < _SQUASHED * (high - low):
        low = float(found.min())
    if high - low < 1e-6:
        low, high = low - 0.005, high + 0.005
    return low, high


def key_lines(key: str, room: float, size: float) -> str:
    """A key in one line, or broken behind its points where it takes more than `room` inches."""
    lines = [""]
    for part in key.replace(".", ".\n").split("\n"):
        if lines[-1] and width(lines[-1] + part, size) > room:
            lines.append("")
        lines[-1] += part
    return "\n".join(fitted(line, room, size) for line in lines)


def letter_axis(axes: Axes, setting: Setting, room: float) -> None:
    """Write the values of a setting, and its key, below the axes, which are `room` inches wide."""
    axes.set_xlabel(key_lines(setting.key, room, LABEL), fontsize=LABEL, color=INK)
    if setting.labels is None:
        if setting.is_logarithmic:
            axes.set_xscale("log")
        edge = 0.04 * (setting.high - setting.low)
        factor = (setting.high / setting.low) ** 0.04 if setting.is_logarithmic else 1.0
        low, high = (
            (setting.low / factor, setting.high * factor)
            if setting.is_logarithmic
            else (setting.low - edge, setting.high + edge)
        )
        axes.set_xlim(low, high)
        marks = setting.marks()
        axes.xaxis.set_major_locator(FixedLocator([place for place, _ in marks]))
        axes.xaxis.set_minor_locator(NullLocator())
        texts = dict(marks)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda place, _: texts.get(float(place), "")))
        return
    axes.set_xlim(-0.5, len(setting.labels) - 0.5)
    level_ticks(axes, setting.labels, room)


def level_ticks(axes: Axes, labels: Sequence[str], room: float) -> None:
    """Write the values of a setting below the axes: slanted where they do not fit, and each nth of many."""
    texts = [shortened(each, 18) for each in labels]
    slanted = (max(width(each, LABEL - 1) for each in texts) + 0.12) * len(texts) > room
    step = 1
    if slanted:
        texts = [shortened(each, 13) for each in labels]
        step = max(1, math.ceil(len(texts) * 0.24 / room))
    axes.set_xticks(range(0, len(texts), step), texts[::step], parse_math=False)
    if slanted:
        axes.tick_params(axis="x", rotation=40, labelsize=SMALL)
        for label in axes.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")


def _log_marks(low: float, high: float) -> list[float]:
    """Powers of ten between two numbers; where these are few, their double or threefold and fivefold, too."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for factors in ((1,), (1, 3), (1, 2, 5)):
        found = [float(f"{factor}e{power}") for power in range(first, last + 1) for factor in factors]
        found = [each for each in found if low * (1 - 1e-9) <= each <= high * (1 + 1e-9)]
        if len(found) >= 3:
            every = math.ceil(len(found) / 6)
            return found[::every]
    return [low, high]
