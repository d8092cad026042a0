"""A sign-flip test that may look again: its p-values and intervals hold over all planned looks together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from cnnlab.comparison.significance import DRAWN_PATTERNS

Tail = Literal["both", "above", "below"]
"""On which side of 0 the mean difference is looked for."""

PLAN = (6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 120, 150, 200, 250, 300, 400, 500, 600, 800)
"""After how many pairs to look; each look costs power, and so does the wait for the next one."""

MOST_PAIRS = 1000

ENUMERATED_PAIRS = 16
"""Up to so many pairs all sign patterns are looked at; an interval takes some thirty such tests."""

_FIRST_SHARE = 0.65
"""Of the error rate, what the first look spends at most: unanimous signs of six pairs are 2/64 of 0.05."""

_NOMINAL_SHARES = 0.4, 0.3
"""Of the error rate, the p of a paired t test that the first look, and later ones, ask for besides."""

_BISECTIONS = 14


@dataclass(frozen=True)
class Look:
    """One planned look at the data."""

    pairs: int
    spent: float  # the error rate spent up to and with this look, at most
    nominal: float | None  # the largest p of a paired t test with which it stops; None: any


def planned_looks(most: int, alpha: float) -> tuple[Look, ...]:
    """When to look until there are `most` pairs; empty where so few can show nothing.

    The first look comes with the fewest pairs whose unanimous signs leave some of alpha to later looks, and
    the last one spends what is left. A look that could stop for no signs at all is left out.
    """
    first = fewest_pairs(alpha)
    if most < first:
        return ()
    pairs = [first, *(each for each in PLAN if first < each < most), *([most] if most > first else [])]
    looks = _with_shares(pairs, alpha)
    while (idle := _idle(looks)) is not None:
        del pairs[min(idle, len(pairs) - 2)]  # the last one stays
        looks = _with_shares(pairs, alpha)
    return looks


def fewest_pairs(alpha: float) -> int:
    """With how many pairs the first look comes."""
    pairs = 2
    while 2.0 ** (1 - pairs) > _FIRST_SHARE * alpha:
        pairs += 1
    return pairs


def _with_shares(pairs: Sequence[int], alpha: float) -> tuple[Look, ...]:
    last = len(pairs) - 1
    shares = [_FIRST_SHARE + (1 - _FIRST_SHARE) * math.sqrt(place / last) for place in range(1, last + 1)]
    spent = [2.0 ** (1 - pairs[0]) if last else alpha, *(alpha * share for share in shares)]
    nominal = [alpha * _NOMINAL_SHARES[min(place, 1)] for place in range(last)]
    return tuple(map(Look, pairs, spent, [*nominal, None]))


def _idle(looks: Sequence[Look]) -> int | None:
    """The place of a look whose own part of alpha is smaller than a pattern and its mirror image."""
    for place, (before, look) in enumerate(pairwise(looks), start=1):
        least = 2.0 ** (1 - look.pairs) if look.pairs <= ENUMERATED_PAIRS else 1 / (DRAWN_PATTERNS + 1)
        if look.spent - before.spent < least:
            return place
    return None


@dataclass(frozen=True)
class LookResult:
    """What one look has found."""

    pairs: int
    crossed: bool  # the signs are too lopsided for chance
    p: float  # at most alpha where crossed, else more


def sequential_sign_flip(
    differences: Sequence[float],
    looks: Sequence[Look],
    *,
    alpha: float,
    tail: Tail = "both",
    enumerated: int = ENUMERATED_PAIRS,
    drawn: int = DRAWN_PATTERNS,
    seed: int = 0,
) -> list[LookResult]:
    """A group-sequential sign-flip test: look after so many pairs, and again after more.

    If the two experiments were the same, all 2ⁿ signs of the differences would be equally likely, whatever
    their sizes (Fisher 1935). At each look, the patterns that no earlier look would have stopped are ordered
    by their sum. Those with the largest sums stop as long as the share of patterns that have stopped so far
    is at most `Look.spent` (Lan & DeMets 1983, Biometrika 70:659), and as long as a paired t test finds p
    below `Look.nominal`: what a look does not spend is left to later ones. So the chance of stopping at any
    look is at most alpha, for each set of sizes. p orders results by look first, then by sum (Fairbanks &
    Madsen 1982, Biometrika 69:69); where no look has stopped, all of alpha counts as spent.

    Beyond `enumerated` pairs, the observed pattern stands among `drawn` random ones (Phipson & Smyth 2010).

    Args:
        differences: one per pair, in the order in which they came.
        looks: in the order of their pairs; those beyond the differences are not reached.
        alpha: the error rate over all looks, planned ones included that are not reached.
        tail: "both", or the side on which the mean lies if there is a difference.
        seed: of the drawing.

    Returns:
        One result per look that was reached, whether or not an earlier one has stopped.
    """
    values = np.asarray(differences, dtype=np.float64) * (-1 if tail == "below" else 1)
    size = np.abs if tail == "both" else np.asarray
    # Equal accuracies differ by rounding; see `sign_flip`.
    tolerance = 1e-9 * max(float(np.abs(values).sum()), 1e-300)
    rng = np.random.default_rng(seed)
    every = np.zeros(1)  # sums of all patterns that no look has stopped
    # Of the observed pattern and of the drawn ones, where they are needed; NaN once stopped.
    some = np.zeros(drawn + 1 if len(values) > enumerated else 0)
    done, spent = 0, 0.0
    found = []
    for look in looks:
        if look.pairs > len(values):
            break
        for value in values[done : look.pairs]:
            if done < enumerated:
                mirrored = tail == "both" and done == 0  # a pattern and its mirror image stop together
                every = every + value if mirrored else np.concatenate([every + value, every - value])
            if len(some):
                bits = np.unpackbits(np.frombuffer(rng.bytes(drawn // 8 + 1), dtype=np.uint8), count=drawn)
                some[0] += value
                some[1:] += bits * (2 * value) - value
            done += 1
        exact = look.pairs <= enumerated
        sums = size(every if exact else some[~np.isnan(some)])
        unit = (2.0 if tail == "both" else 1.0) / 2**look.pairs if exact else 1 / (drawn + 1)
        bound = _bound(sums, math.floor((look.spent - spent) / unit + 1e-9), tolerance)
        if look.nominal is not None:
            bound = max(bound, _sum_for(look.nominal, values[: look.pairs], two_sided=tail == "both"))
        observed = float(size(values[: look.pairs].sum()))
        crossed = observed > bound
        reached = unit * np.count_nonzero(sums >= observed - tolerance)
        if crossed:
            p = spent + reached
        else:
            p = alpha + unit * np.count_nonzero((sums >= observed - tolerance) & (sums <= bound))
        found.append(LookResult(look.pairs, crossed, min(1.0, float(p))))
        spent += unit * np.count_nonzero(sums > bound)
        if exact:
            every = every[size(every) <= bound]
        some[size(some) > bound] = np.nan
    return found


def _bound(sums: np.ndarray, tolerated: int, tolerance: float) -> float:
    """The smallest number that at most so many sums exceed; ties stay together."""
    if tolerated >= len(sums):
        return -math.inf
    if tolerated <= 0:
        return math.inf
    place = len(sums) - tolerated - 1
    return float(np.partition(sums, place)[place]) + tolerance


def _sum_for(nominal: float, values: np.ndarray, *, two_sided: bool) -> float:
    """The sum of differences of these sizes for which a paired t test finds this p.

    t² = (n - 1) S² / (n Q - S²) with the sum S and the sum of squares Q, which no sign changes.
    """
    from scipy.special import stdtrit

    number = len(values)
    t = float(stdtrit(number - 1, 1 - nominal / (2 if two_sided else 1)))
    return t * math.sqrt(number * float(np.square(values).sum()) / (number - 1 + t**2))


def repeated_interval(
    differences: Sequence[float],
    looks: Sequence[Look],
    *,
    alpha: float,
    margin: float | None = None,
) -> tuple[float, float] | None:
    """Which mean differences no look so far rules out: the interval that belongs to the test.

    A shift is ruled out where the differences, less the shift, cross the bound of a look. It holds the true
    shift with a probability of 1 - alpha over all looks, whatever the reason to stop (a repeated confidence
    interval: Jennison & Turnbull 1989, J. R. Stat. Soc. B 51:305), if the differences are symmetric about
    it. Where an earlier look rules out even the mean of all, only the last look counts, which gives a longer
    interval. The ends are found by bisection, within one ten-thousandth of its length.

    Args:
        margin: where given, each end has the error rate alpha on its own side, 1 - 2 alpha for both: the
            interval lies within the margin where both one-sided tests have crossed.

    Returns:
        None before the first look.
    """
    reached = [look for look in looks if look.pairs <= len(differences)]
    if not reached:
        return None
    values = np.asarray(differences[: reached[-1].pairs], dtype=np.float64)
    mean, scale = float(values.mean()), float(np.ptp(values)) or 1e-12

    def crossed(shift: float, tail: Tail) -> list[bool]:
        found = sequential_sign_flip(list(values - shift), reached, alpha=alpha, tail=tail)
        return [each.crossed for each in found]

    def end(direction: int, tail: Tail, decisive: float) -> float:
        """The farthest shift in a direction; of the decisive one it says what the test does."""
        first = -1 if any(crossed(mean, tail)) else 0  # of the looks that count

        def ruled_out(distance: float) -> bool:
            return any(crossed(mean + direction * distance, tail)[first:])

        inside, outside, is_out = 0.0, scale, False
        if (known := direction * (decisive - mean)) > 0:
            is_out = any(crossed(decisive, tail))
            inside, outside = (0.0, known) if is_out else (known, known + scale)
        while not (is_out or ruled_out(outside)):
            inside, outside = outside, 2 * outside
        for _ in range(_BISECTIONS):
            middle = (inside + outside) / 2
            inside, outside = (inside, middle) if ruled_out(middle) else (middle, outside)
        return mean + direction * inside

    if margin is None:
        return end(-1, "both", 0.0), end(1, "both", 0.0)
    return end(-1, "above", -margin), end(1, "below", margin)
