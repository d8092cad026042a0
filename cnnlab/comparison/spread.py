"""One number measured with several seeds: its mean, and how far the seeds lie apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any


@dataclass(frozen=True)
class Spread:
    """A quantity over seeds; `std` and `ci95` are None for one seed, which says nothing about either."""

    values: tuple[float, ...]  # one per seed, in the order of the seeds
    mean: float
    std: float | None  # sample standard deviation, n - 1 in the denominator
    ci95: tuple[float, float] | None  # 95% confidence interval of the mean

    def as_dict(self) -> dict[str, Any]:
        """As JSON holds it, full precision."""
        return {
            "mean": self.mean,
            "std": self.std,
            "ci95": None if self.ci95 is None else list(self.ci95),
            "values": list(self.values),
        }


def spread(values: Sequence[float]) -> Spread:
    """Mean, sample standard deviation and 95% confidence interval of the mean of `values`, one per seed.

    The interval is Student's (1908, doi 10.1093/biomet/6.1.1): mean ± t · std / √n, t being the 97.5%
    quantile with n - 1 degrees of freedom. It takes the seeds as independent draws from a normal
    distribution. It is not cut off at 0 or 1, as tables and pictures do: with few seeds it may well reach
    beyond 100% accuracy.

    Raises:
        ValueError: no values.
    """
    if not values:
        raise ValueError("a spread needs at least one value")
    values = tuple(float(each) for each in values)
    # A sum of equal numbers, divided again, may miss them by a hair: then seeds that agree would differ.
    mean = min(max(fmean(values), min(values)), max(values))
    if len(values) == 1:
        return Spread(values, mean, None, None)
    std = stdev(values)
    half_width = t_quantile(len(values) - 1) * std / math.sqrt(len(values))
    return Spread(values, mean, std, (mean - half_width, mean + half_width))


def t_quantile(degrees_of_freedom: int) -> float:
    """The 97.5% quantile of Student's distribution."""
    # What scipy.stats.t.ppf calls; scipy.special alone is imported in a third of the time.
    from scipy.special import stdtrit

    return float(stdtrit(degrees_of_freedom, 0.975))
