"""Is a difference significant? Tests on paired seeds and on paired answers, plain numbers in and out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any, Literal

import numpy as np

ENUMERATED_PAIRS = 20
"""Up to so many pairs every one of the 2ⁿ sign patterns is looked at; that takes 8 MB and some 10 ms."""

DRAWN_PATTERNS = 99_999
"""Beyond that, so many patterns are drawn at random."""

_DRAWN_AT_ONCE = 10_000


@dataclass(frozen=True)
class SignFlip:
    """The outcome of a sign-flip test. `smallest` is the p that differences of one sign would have given."""

    p: float
    method: Literal["exact", "monte carlo"]
    patterns: int  # how many were looked at
    smallest: float

    def as_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {"p": self.p, "method": self.method, "patterns": self.patterns, "smallest_p": self.smallest}


def sign_flip(differences: Sequence[float], *, seed: int = 0) -> SignFlip:
    """Two-sided paired permutation test: would the mean be as far from 0 if the signs were tossed?

    Fisher 1935, The Design of Experiments, section 21. If the two experiments were the same, a seed's
    difference might as well have had the other sign. p is the share of all sign patterns whose mean lies at
    least as far from 0 as the observed one. Nothing is assumed about the distribution but its symmetry.
    The pattern itself and its mirror image always count, so that p cannot be below 2 / 2ⁿ: five pairs
    never reach 0.05, six may.

    Up to ENUMERATED_PAIRS pairs the patterns are enumerated. For more, DRAWN_PATTERNS are drawn, and p is
    (hits + 1) / (patterns + 1), which keeps the test valid (Phipson & Smyth 2010, arXiv 1603.05766).

    Args:
        differences: one per pair.
        seed: of the drawing.

    Raises:
        ValueError: no differences.
    """
    if not differences:
        raise ValueError("a sign-flip test needs at least one pair")
    values = np.asarray(differences, dtype=np.float64)
    observed = abs(values.sum())
    # Equal accuracies differ by rounding: 0.98 - 0.97 is not 0.96 - 0.95. A tie must count as a tie.
    bound = observed - 1e-9 * max(np.abs(values).sum(), 1e-300)
    number = len(values)
    if number <= ENUMERATED_PAIRS:
        # The first sign stays: a pattern and its mirror image are equally far from 0.
        sums = values[:1]
        for value in values[1:]:
            sums = np.concatenate([sums + value, sums - value])
        p = float(np.mean(np.abs(sums) >= bound))
        return SignFlip(p, "exact", 2**number, 2.0 ** (1 - number))
    rng = np.random.default_rng(seed)
    hits = 0
    for start in range(0, DRAWN_PATTERNS, _DRAWN_AT_ONCE):
        signs = rng.choice((-1.0, 1.0), size=(min(_DRAWN_AT_ONCE, DRAWN_PATTERNS - start), number))
        hits += int(np.count_nonzero(np.abs(signs @ values) >= bound))
    smallest = 1 / (DRAWN_PATTERNS + 1)
    return SignFlip((hits + 1) * smallest, "monte carlo", DRAWN_PATTERNS, smallest)


def paired_t(differences: Sequence[float]) -> float | None:
    """Two-sided p of Student's paired t test (1908, doi 10.1093/biomet/6.1.1); None for one pair.

    It takes the differences as independent draws from a normal distribution, and so can tell a large
    difference from few pairs, where a sign-flip test cannot fall below 2 / 2ⁿ. It belongs to the interval
    that `spread` gives: p is below 0.05 where that excludes 0. Differences that are all equal, as coarse
    accuracies may be, say nothing of a distribution: their p is that of `sign_flip`.

    Raises:
        ValueError: no differences.
    """
    number = len(differences)
    if number < 2:
        if not number:
            raise ValueError("a paired test needs at least one pair")
        return None
    std = stdev(differences)
    if std <= 1e-12:  # a hair of rounding
        return sign_flip(differences).p
    from scipy.special import stdtr

    return 2 * float(stdtr(number - 1, -abs(fmean(differences)) * math.sqrt(number) / std))


@dataclass(frozen=True)
class McNemar:
    """How two networks answered the same images: on how many only one of them was right."""

    only_a: int
    only_b: int
    p: float


def mcnemar(right_a: np.ndarray, right_b: np.ndarray) -> McNemar:
    """Exact two-sided McNemar test: do two networks err equally often on the same images?

    McNemar 1947, doi 10.1007/BF02295996. Images that both get right, or both wrong, say nothing. Of the
    others, if the networks were equally good, each would win half: p is that of a binomial test with
    probability ½. It speaks of these two trained networks and of the finite test set only; what another
    seed would have changed, it cannot know (Dietterich 1998, doi 10.1162/089976698300017197).

    Args:
        right_a, right_b: (N,) bool, whether each test image was answered rightly.
    """
    from scipy.special import bdtr

    only_a = int(np.count_nonzero(right_a & ~right_b))
    only_b = int(np.count_nonzero(right_b & ~right_a))
    discordant = only_a + only_b
    p = 1.0 if discordant == 0 else min(1.0, 2 * float(bdtr(min(only_a, only_b), discordant, 0.5)))
    return McNemar(only_a, only_b, p)


def majority_p(p_values: Sequence[float]) -> float:
    """One p for several tests that depend on each other in an unknown way: Rüger's, for their majority.

    K tests, m = ⌊K/2⌋ + 1 of them a majority: K/m times the m-th smallest p, at most 1 (Rüger 1978, Metrika
    25:171; Vovk & Wang 2020, arXiv 1212.4966, section 2). If all hypotheses hold, the expected number of
    p ≤ α is at most Kα, so by Markov's inequality m of them are ≤ α with probability at most Kα/m,
    *whatever the dependence*. That matters here: the tests of all seeds share their test images. And one
    lucky seed decides nothing: more than half of the seeds have to show the difference. (Cauchy's
    combination, Liu & Xie 2020, breaks down at p = 1, which exact McNemar tests often give, and like the
    harmonic mean, Wilson 2019, rejects for one seed alone.)

    Raises:
        ValueError: no p-values.
    """
    if not p_values:
        raise ValueError("nothing to combine")
    number = len(p_values)
    majority = number // 2 + 1
    return min(1.0, sorted(p_values)[majority - 1] * number / majority)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust the p-values of several comparisons: the chance of any false one among them stays below α.

    Holm 1979, Scandinavian Journal of Statistics 6:65. The smallest of K is multiplied by K, the next by
    K - 1, and so on; none becomes smaller than the one before it, or larger than 1.
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=lambda each: p_values[each])):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = highest
    return adjusted
