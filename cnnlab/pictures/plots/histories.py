"""Histories of several runs → one array of each quantity, over the same epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

History = Sequence[Mapping[str, float | int | None]]
"""The rows of a history.csv, one per epoch; None or NaN where nothing was measured."""


@dataclass(frozen=True)
class Series:
    """A quantity over epochs and seeds. What a seed lacks, because it stopped earlier or failed, is NaN."""

    epochs: np.ndarray  # (epochs,) int
    values: np.ndarray  # (seeds, epochs) float64, NaN for infinities too

    @cached_property
    def mean(self) -> np.ndarray:
        """(epochs,) over the seeds that got so far; NaN where none has a value."""
        number = np.isfinite(self.values).sum(axis=0)
        mean: np.ndarray = np.where(number, np.nansum(self.values, axis=0) / np.maximum(number, 1), np.nan)
        return mean

    @cached_property
    def band(self) -> tuple[np.ndarray, np.ndarray]:
        """The lowest and the highest seed, (epochs,) each."""
        # fmin and fmax pass over NaN, and unlike nanmin do not warn where all is NaN.
        return np.fmin.reduce(self.values, axis=0), np.fmax.reduce(self.values, axis=0)

    def after(self, epoch: int) -> np.ndarray:
        """All values later than `epoch`, NaN left out: (n,)"""
        later: np.ndarray = self.values[np.isfinite(self.values) & (self.epochs > epoch)]
        return later


def any_validated(experiments: Mapping[str, Sequence[History]]) -> bool:
    """Whether any experiment has validation images."""
    return any(has(histories, "val_accuracy") for histories in experiments.values())


def series_of(histories: Sequence[History], quantity: str) -> Series:
    """One quantity of several runs, brought onto the same epochs."""
    runs = [{row["epoch"]: row.get(quantity) for row in history} for history in histories]
    epochs = np.array(sorted({int(epoch or 0) for run in runs for epoch in run}), dtype=int)
    values = np.array([[run.get(epoch) for epoch in epochs] for run in runs], dtype=float)  # None becomes NaN
    values = values.reshape(len(runs), len(epochs))
    return Series(epochs, np.where(np.isfinite(values), values, np.nan))


def has(histories: Sequence[History], quantity: str) -> bool:
    """Whether a quantity was measured at all."""
    return any(row.get(quantity) is not None for history in histories for row in history)
