"""Histories → the geometry of a chart: lines over epochs, their band, ticks; page.html makes SVG of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from cnnlab.run_folders.records import EpochRow

Quantity = Literal["loss", "accuracy"]
Histories = Mapping[str, Mapping[int, Sequence[EpochRow]]]
"""By experiment and seed the rows of history.csv."""

WIDTH, HEIGHT = 560, 320
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 10, 40


@dataclass(frozen=True)
class Line:
    """One seed's values over the epochs 1, 2, …; None where there is none."""

    experiment: int
    seed: int
    kind: Literal["training", "validation"]
    values: tuple[float | None, ...]
    path: str


@dataclass(frozen=True)
class Chart:
    """What an SVG of WIDTH × HEIGHT needs: pixel places for values, and the values themselves for reading."""

    quantity: Quantity
    epochs: int
    low: float
    high: float
    lines: tuple[Line, ...]
    means: tuple[tuple[int, str, str], ...]  # experiment, kind, path
    bands: tuple[tuple[int, str], ...]  # experiment, path; over the seeds of the solid curve
    x_ticks: tuple[tuple[float, str], ...] = field(default=())
    y_ticks: tuple[tuple[float, str], ...] = field(default=())

    @property
    def outside(self) -> int:
        """The last epoch of which some value lies beyond the frame; 0 where none does."""
        return max(
            (
                epoch
                for line in self.lines
                for epoch, value in enumerate(line.values, start=1)
                if value is not None and not self.low <= value <= self.high
            ),
            default=0,
        )

    def data(self) -> dict[str, Any]:
        """What the script needs to draw the means anew when seeds are switched off, and to name values."""
        return {
            "quantity": self.quantity,
            "epochs": self.epochs,
            "low": self.low,
            "high": self.high,
            "frame": [LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM],
            "lines": [
                {"experiment": line.experiment, "seed": line.seed, "kind": line.kind, "values": line.values}
                for line in self.lines
            ],
        }


def chart(histories: Histories, quantity: Quantity) -> Chart:
    """Loss or accuracy of every seed, the mean over seeds, and the band from the lowest to the highest.

    As in curves.png: validation is solid with the band around it, training dashed; without validation the
    training curve takes its place.
    """
    series = [
        (place, seed, kind, _values(rows, column))
        for place, seeds in enumerate(histories.values())
        for seed, rows in seeds.items()
        for kind, column in (("training", quantity), ("validation", f"val_{quantity}"))
    ]
    series = [each for each in series if np.isfinite(each[3]).any()]
    epochs = max((len(each[3]) for each in series), default=1)
    low, high = _limits([each[3] for each in series], epochs, quantity)
    frame = _Frame(epochs, low, high)
    lines, means, bands = [], [], []
    for place in range(len(histories)):
        for kind in ("training", "validation"):
            own = [each for each in series if each[0] == place and each[2] == kind]
            if not own:
                continue
            table = np.full((len(own), epochs), np.nan)
            for row, (_, seed, _, values) in enumerate(own):
                table[row, : len(values)] = values
                readable = tuple(float(value) if math.isfinite(value) else None for value in values)
                lines.append(Line(place, seed, kind, readable, frame.path(values)))
            known = np.isfinite(table).sum(axis=0)
            mean = np.where(known, np.nansum(table, axis=0) / np.maximum(known, 1), np.nan)
            means.append((place, kind, frame.path(mean)))
            solid = kind == "validation" or not any(each[0] == place and each[2] != kind for each in series)
            if solid:
                bands.append((place, frame.area(np.fmin.reduce(table), np.fmax.reduce(table))))
    return Chart(
        quantity, epochs, low, high, tuple(lines), tuple(means), tuple(bands), frame.x_ticks(),
        frame.y_ticks(percent=quantity == "accuracy"),
    )  # fmt: skip


@dataclass(frozen=True)
class _Frame:
    """From epochs and values to pixels."""

    epochs: int
    low: float
    high: float

    def x(self, epoch: float) -> float:
        share = (epoch - 1) / max(self.epochs - 1, 1) if self.epochs > 1 else 0.5
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    def path(self, values: np.ndarray) -> str:
        """A line through all finite values; a lone one becomes a dot, drawn by its round cap."""
        parts, pen_up = [], True
        for epoch, value in enumerate(values, start=1):
            if not math.isfinite(value):
                pen_up = True
                continue
            parts.append(f"{'M' if pen_up else 'L'}{self.x(epoch)} {self.y(value)}")
            pen_up = False
        return "".join(parts) + ("h0" if len(parts) == 1 else "")

    def area(self, lower: np.ndarray, upper: np.ndarray) -> str:
        there = [index for index in range(len(lower)) if math.isfinite(lower[index])]
        ahead = [f"{self.x(index + 1)} {self.y(upper[index])}" for index in there]
        back = [f"{self.x(index + 1)} {self.y(lower[index])}" for index in reversed(there)]
        return f"M{'L'.join(ahead + back)}Z" if there else ""

    def x_ticks(self) -> tuple[tuple[float, str], ...]:
        step = max(1, math.ceil(_nice(self.epochs / 8)))
        epochs = [1, *range(step, self.epochs + 1, step)] if step > 1 else range(1, self.epochs + 1)
        return tuple((self.x(epoch), str(epoch)) for epoch in epochs)

    def y_ticks(self, *, percent: bool) -> tuple[tuple[float, str], ...]:
        step = _nice((self.high - self.low) / 5)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        ticks = [round(index * step, 10) for index in range(first, last + 1)]
        return tuple((self.y(tick), f"{100 * tick:g} %" if percent else f"{tick:g}") for tick in ticks)


def _values(rows: Sequence[EpochRow], column: str) -> np.ndarray:
    return np.array([row.get(column) for row in rows], dtype=float)  # None becomes NaN


def _limits(series: Sequence[np.ndarray], epochs: int, quantity: Quantity) -> tuple[float, float]:
    """What is worth seeing: the first tenth of the epochs may leave the picture on its poor side."""
    skipped = math.ceil(epochs / 10) if epochs >= 5 else 0
    values = np.concatenate([each[skipped:] for each in series] or [np.zeros(0)])
    everything = np.concatenate([*series, np.zeros(0)])
    values, everything = values[np.isfinite(values)], everything[np.isfinite(everything)]
    if values.size == 0:
        return 0.0, 1.0
    if quantity == "loss":
        return 0.0, 1.05 * float(values.max()) or 1.0
    low, high = float(values.min()), float(everything.max())
    pad = max(0.05 * (high - low), 0.005)
    return max(0.0, low - pad), min(1.0, high + pad)


def _nice(step: float) -> float:
    """The next of 1, 2, 5, 10, … times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step)) if step > 0 else 1.0
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * 0.999)
