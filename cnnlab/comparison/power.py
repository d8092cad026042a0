"""What so many seeds can show: the smallest difference they would have seen, and how many it takes."""

from __future__ import annotations

ALPHA, POWER = 0.05, 0.80
"""The error rates that "could have been shown" refers to, both by convention (Cohen 1988)."""

SIGN_FLIP_PAIRS = 6
"""Fewer pairs cannot give p < 0.05 in a two-sided sign-flip test: 2 / 2⁵ = 0.0625, 2 / 2⁶ = 0.031."""

MOST_SEEDS = 10_000
"""Beyond so many, a difference is not worth settling by brute force."""


def paired_power(effect: float, pairs: int) -> float:
    """The chance that a paired t test finds a true mean difference of `effect` standard deviations.

    Two-sided at ALPHA: P(|T| > t), T noncentral t with n - 1 degrees of freedom and noncentrality
    effect · √n (Cohen 1988, Statistical Power Analysis, section 2.3). T² is noncentral F with 1 and n - 1
    degrees of freedom, which needs one tail only, and a stable one.

    Args:
        effect: |mean| / std of the paired differences, in the population; 0 or more.
        pairs: 2 or more.
    """
    from scipy.special import ncfdtr, stdtrit

    degrees = pairs - 1
    critical = float(stdtrit(degrees, 1 - ALPHA / 2))
    return 1.0 - float(ncfdtr(1, degrees, pairs * effect**2, critical**2))


def smallest_difference(std: float, pairs: int) -> float:
    """The true difference that so many pairs would have shown with a chance of POWER.

    Args:
        std: sample standard deviation of the paired differences, taken for the population's.
        pairs: 2 or more.

    Returns:
        In the unit of `std`; 0 where the differences did not vary.
    """
    from scipy.optimize import brentq

    if std == 0:
        return 0.0
    high = 1.0
    while paired_power(high, pairs) < POWER:
        high *= 2
    return std * float(brentq(lambda effect: paired_power(effect, pairs) - POWER, 0.0, high, xtol=1e-10))


def seeds_to_settle(difference: float, std: float) -> int | None:
    """How many pairs show a true difference of this size with a chance of POWER; never below six.

    Six, because fewer cannot convince the sign-flip test. None where the difference is 0, or so small
    that it takes more than MOST_SEEDS.
    """
    if difference == 0:
        return None
    if std == 0:
        return SIGN_FLIP_PAIRS
    effect = abs(difference) / std
    if paired_power(effect, SIGN_FLIP_PAIRS) >= POWER:
        return SIGN_FLIP_PAIRS
    low, high = SIGN_FLIP_PAIRS, 2 * SIGN_FLIP_PAIRS
    while paired_power(effect, high) < POWER:  # from below: far above, the distribution function gives up
        low, high = high, 2 * high
        if low > MOST_SEEDS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if paired_power(effect, middle) >= POWER else (middle, high)
    return high if high <= MOST_SEEDS else None
