"""Statistical power: the smallest difference that so many seeds detect, and how many seeds it takes."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

ALPHA, POWER = 0.05, 0.80
"""The error rates that "detected reliably" refers to, both by convention (Cohen 1988)."""

MOST_SEEDS = 10_000
"""Beyond so many, a difference is not worth detecting by brute force."""

_MOST_SIMULATED, _SIMULATED_BEYOND_FEWEST = 12, 4
"""Where the steps of the sign-flip test's p are coarse; further on, a t test says the same within 2%."""

_NUMBERS = 2**22
"""How many means of subsets are drawn in one simulation: 16 MB, at most 0.1 s."""


def fewest_pairs(comparisons: int = 1) -> int:
    """How many pairs it takes at least for p < ALPHA in a two-sided sign-flip test, adjusted or not.

    The p of n pairs is 2 / 2ⁿ or more: 0.0625 for five, 0.031 for six. Three comparisons triple it: seven.
    """
    pairs = 2
    while comparisons * 2.0 ** (1 - pairs) >= ALPHA:
        pairs += 1
    return pairs


def paired_power(effect: float, pairs: int, alpha: float = ALPHA) -> float:
    """The chance that a paired t test finds a true mean difference of `effect` standard deviations.

    Two-sided at alpha: P(|T| > t), T noncentral t with n - 1 degrees of freedom and noncentrality
    effect · √n (Cohen 1988, Statistical Power Analysis, section 2.3). T² is noncentral F with 1 and n - 1
    degrees of freedom, which needs one tail only, and a stable one.

    Args:
        effect: |mean| / std of the paired differences, in the population; 0 or more.
        pairs: 2 or more.
    """
    from scipy.special import ncfdtr, stdtrit

    degrees = pairs - 1
    critical = float(stdtrit(degrees, 1 - alpha / 2))
    return 1.0 - float(ncfdtr(1, degrees, pairs * effect**2, critical**2))


@cache
def visible_effect(pairs: int, comparisons: int = 1) -> float:
    """The true mean difference, in standard deviations, that is shown with a chance of POWER.

    Shown is what both the 95% t interval and the sign-flip test show, the latter at ALPHA / comparisons,
    where Holm's adjustment begins. Near the fewest pairs, where the sign-flip test asks for more than the
    interval, normal differences are simulated; with more pairs, both together have the power of a t test at
    ALPHA / comparisons within some 2%, for a permutation test approaches it (Hoeffding 1952, Annals of
    Mathematical Statistics 23:169).

    Returns:
        Infinity where so few pairs can show nothing.
    """
    fewest = fewest_pairs(comparisons)
    if pairs < fewest:
        return math.inf
    if pairs <= min(fewest + _SIMULATED_BEYOND_FEWEST, _MOST_SIMULATED):
        return _simulated_effect(pairs, ALPHA / comparisons)
    from scipy.optimize import brentq

    def lacking(effect: float) -> float:
        return paired_power(effect, pairs, ALPHA / comparisons) - POWER

    high = 1 / math.sqrt(pairs)
    while lacking(high) < 0:  # from below: far above, the distribution function gives up
        high *= 2
    return float(brentq(lacking, 0.0, high, xtol=1e-10))


def _simulated_effect(pairs: int, alpha: float) -> float:
    """The effect that interval and sign-flip test both show in a share POWER of simulated experiments.

    Each experiment is shown from some effect on, so that one simulation answers for all effects. Turning the
    signs of a subset of differences leaves a mean as far from 0 if the subset's mean is 0 or less (or the
    other numbers' mean is: its mirror image). The test passes if few enough subsets are like that; an effect
    adds itself to the mean of each.
    """
    from scipy.special import stdtrit

    draws = np.random.default_rng(pairs).standard_normal((min(20_000, _NUMBERS >> pairs), pairs))
    subsets = np.arange(1, 2**pairs)[:, None] >> np.arange(pairs) & 1
    means = draws @ (subsets / subsets.sum(axis=1, keepdims=True)).T
    tolerated = math.ceil(alpha * 2 ** (pairs - 1)) - 2  # with the empty subset, p is still below alpha
    for_signs = -np.partition(means, tolerated, axis=1)[:, tolerated]
    half_width = float(stdtrit(pairs - 1, 1 - ALPHA / 2)) * draws.std(axis=1, ddof=1) / math.sqrt(pairs)
    return float(np.quantile(np.maximum(for_signs, half_width - draws.mean(axis=1)), POWER))


def smallest_difference(std: float, pairs: int, comparisons: int = 1) -> float | None:
    """The true difference that so many pairs would have shown with a chance of POWER.

    Args:
        std: sample standard deviation of the paired differences, taken for the population's.
        pairs: 2 or more.
        comparisons: how many pairs of experiments are compared at once.

    Returns:
        In the unit of `std`; 0 where the differences did not vary, None where so few pairs show nothing.
    """
    effect = visible_effect(pairs, comparisons)
    return None if math.isinf(effect) else std * effect


def seeds_to_settle(difference: float, std: float, comparisons: int = 1) -> int | None:
    """How many pairs show a true difference of this size with a chance of POWER.

    Never fewer than can convince the sign-flip test. None where the difference is 0, or so small that it
    takes more than MOST_SEEDS.
    """
    if difference == 0:
        return None
    fewest = fewest_pairs(comparisons)
    effect = abs(difference) / std if std else math.inf
    if visible_effect(fewest, comparisons) <= effect:
        return fewest
    if visible_effect(MOST_SEEDS, comparisons) > effect:
        return None
    low, high = fewest, MOST_SEEDS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if visible_effect(middle, comparisons) <= effect else (middle, high)
    return high
