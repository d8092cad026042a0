"""Are two experiments equal within a margin? Two one-sided tests, and how many seeds they take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import Any

from cnnlab.comparison.power import ALPHA, MOST_SEEDS, POWER
from cnnlab.comparison.significance import holm


@dataclass(frozen=True)
class Equivalence:
    """Whether a mean difference lies within ±margin. All differences are shares from 0 to 1."""

    margin: float
    p_lower: float  # that the mean is −margin or less
    p_upper: float  # that it is +margin or more
    p_holm: float  # the larger of the two, adjusted for the number of pairs compared
    ci90: tuple[float, float] | None  # both one-sided tests at 5% find what lies outside; None for one seed
    shown: bool

    @property
    def p(self) -> float:
        """That the mean does not lie within the margin."""
        return max(self.p_lower, self.p_upper)

    def as_dict(self) -> dict[str, Any]:
        """One element's `equivalence` in `cnnlab compare --json`."""
        return {
            "margin": self.margin,
            "p_lower": self.p_lower,
            "p_upper": self.p_upper,
            "p_holm": self.p_holm,
            "ci90": None if self.ci90 is None else list(self.ci90),
            "shown": self.shown,
        }


def equivalence(differences: Sequence[float], margin: float) -> Equivalence:
    """Two one-sided paired t tests (Schuirmann 1987, doi 10.1007/BF01068419), not adjusted yet.

    They take the differences as independent draws from a normal distribution. Differences that are all equal,
    as coarse accuracies may be, say nothing of a distribution: each p is then that of a one-sided sign-flip
    test, 1 / 2ⁿ within the margin. One pair shows nothing.

    Args:
        differences: one per pair, of a number of pairs that was chosen beforehand.
        margin: more than 0.

    Raises:
        ValueError: no differences.
    """
    if not differences:
        raise ValueError("a paired test needs at least one pair")
    number, mean = len(differences), fmean(differences)
    if number < 2:
        return Equivalence(margin, 1.0, 1.0, 1.0, None, shown=False)
    from scipy.special import stdtr, stdtrit

    error = stdev(differences) / math.sqrt(number)
    half_width = float(stdtrit(number - 1, 1 - ALPHA)) * error
    if error <= 1e-12:  # a hair of rounding
        lower, upper = (0.5**number if above > 1e-9 else 1.0 for above in (mean + margin, margin - mean))
    else:
        lower, upper = (float(stdtr(number - 1, -above / error)) for above in (mean + margin, margin - mean))
    p = max(lower, upper)
    return Equivalence(margin, lower, upper, p, (mean - half_width, mean + half_width), shown=p < ALPHA)


def adjusted(several: Sequence[Equivalence]) -> list[Equivalence]:
    """Several pairs of experiments: by Holm's method, so that any false claim has a chance of 5% or less."""
    p_values = holm([each.p for each in several])
    return [replace(each, p_holm=p, shown=p < ALPHA) for each, p in zip(several, p_values, strict=True)]


def equivalence_power(mean: float, std: float, margin: float, pairs: int, comparisons: int = 1) -> float:
    """The chance that two one-sided t tests show a true mean difference to lie within the margin.

    The sum of both tests' powers less 1: exact where one of them hardly ever fails, else a little too low.

    Args:
        mean, std: of the paired differences, in the population; std more than 0.
        pairs: 2 or more.
        comparisons: how many pairs of experiments are compared at once.
    """
    from scipy.special import nctdtr, stdtrit

    critical = float(stdtrit(pairs - 1, 1 - ALPHA / comparisons))
    shifts = (math.sqrt(pairs) * (margin + side * mean) / std for side in (1, -1))
    return max(0.0, 1.0 - sum(float(nctdtr(pairs - 1, min(shift, 50.0), critical)) for shift in shifts))


def seeds_for_equivalence(mean: float, std: float, margin: float, comparisons: int = 1) -> int | None:
    """How many pairs show equivalence with a chance of 80%, if mean and std are what was observed.

    None where the mean does not lie within the margin, or so close to it that it takes more than MOST_SEEDS.
    """
    if abs(mean) >= margin:
        return None
    fewest = max(2, math.ceil(math.log2(comparisons / ALPHA)))
    if std <= 1e-12:
        return fewest

    def shows(pairs: int) -> bool:
        return equivalence_power(mean, std, margin, pairs, comparisons) >= POWER

    low, high = 1, 2
    while not shows(high):
        low, high = high, 2 * high
        if low >= MOST_SEEDS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if shows(middle) else (middle, high)
    return high
