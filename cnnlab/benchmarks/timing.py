"""Repeated measurements of one duration."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any

from cnnlab.comparison.spread import spread


@dataclass(frozen=True)
class Timing:
    """Durations of the same work, or ratios of two, in the order of the measurements; at least one."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.values)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: median, min and max beside the mean and the spread that all spreads have."""
        ends = {"median": self.median, "min": min(self.values), "max": max(self.values)}
        return ends | spread(self.values).as_dict()


def ratios(ours: Timing, theirs: Timing) -> Timing:
    """The ratio of each pair of measurements that were made one after the other."""
    return Timing(tuple(a / b for a, b in zip(ours.values, theirs.values, strict=True)))
