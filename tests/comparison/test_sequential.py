"""The group-sequential sign-flip test, held against the enumeration of all sign patterns."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from cnnlab.comparison.sequential import (
    Look,
    fewest_pairs,
    planned_looks,
    repeated_interval,
    sequential_sign_flip,
)
from cnnlab.comparison.significance import sign_flip

ALPHA = 0.05
LOOKS = planned_looks(30, ALPHA)
RNG = np.random.default_rng(5)

SIZES = {
    "normal": RNG.normal(size=10),
    "skewed": RNG.lognormal(0, 1.5, 10),
    "equal": np.full(10, 0.01),
    "coarse, with zeros": np.array([2, 0, 1, 1, 3, 0, 2, 1, 1, 2]) / 40,
    "differing by rounding": np.array([0.98 - 0.97, 0.96 - 0.95, 0.03 - 0.02, 0.5 - 0.49] * 3)[:10],
}


def stops(differences, looks, **options):
    """After how many pairs the test stops, or None, and its p there."""
    found = sequential_sign_flip(list(differences), looks, alpha=ALPHA, **options)
    return next(((each.pairs, each.p) for each in found if each.crossed), (None, found[-1].p))


@pytest.mark.parametrize("tail", ["both", "above"])
@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_over_all_sign_patterns_at_most_5_percent_stop(sizes, tail):
    """Exactly: were both experiments the same, each of the 1,024 patterns would be equally likely."""
    looks = planned_looks(10, ALPHA)
    assert [look.pairs for look in looks] == [6, 8, 10]
    first = (1,) if tail == "both" else (1, -1)  # a pattern and its mirror image stop together
    patterns = itertools.product(first, *[(1, -1)] * 9)
    found = [stops(sizes * signs, looks, tail=tail) for signs in patterns]
    for look in looks:
        assert np.mean([pairs is not None and pairs <= look.pairs for pairs, _ in found]) <= look.spent
    p_values = np.array([p for _, p in found])
    for p in np.unique(p_values):  # a p that small is as rare as it says
        assert np.mean(p_values <= p) <= p * (1 + 1e-12)
    assert all((pairs is not None) == (p <= ALPHA) for pairs, p in found)


def test_some_patterns_do_stop():
    looks = planned_looks(10, ALPHA)
    sizes = SIZES["skewed"] ** 0.1
    found = [stops(sizes * signs, looks)[0] for signs in itertools.product((1,), *[(1, -1)] * 9)]
    assert np.mean([each == 6 for each in found]) == 2 / 64
    assert np.mean([each is not None for each in found]) > 0.045


def test_a_look_sees_what_a_sign_flip_test_of_its_patterns_sees():
    """With one look, p is that of the test for a fixed number of pairs."""
    rng = np.random.default_rng(3)
    for pairs in (6, 9, 12):
        for mean in (0, 1.5):
            differences = rng.normal(mean, 1, pairs)
            (look,) = sequential_sign_flip(differences, planned_looks(pairs, ALPHA)[-1:], alpha=ALPHA)
            p = sign_flip(list(differences)).p
            assert look.crossed == (p <= ALPHA)
            assert look.p == pytest.approx(p if look.crossed else min(1, p + ALPHA - spent_at(differences)))


def spent_at(differences):
    """How much of 5% a single look can spend: patterns come in pairs, and ties stay together."""
    sums = np.abs(
        [np.dot(signs, differences) for signs in itertools.product((1, -1), repeat=len(differences))]
    )
    shares = [np.mean(sums >= each - 1e-12) for each in np.unique(sums)]
    return max([share for share in shares if share <= ALPHA], default=0)


def test_unanimous_signs_stop_at_the_first_look_unless_a_t_test_doubts_it():
    assert stops([0.02, 0.021, 0.019, 0.022, 0.02, 0.018], LOOKS) == (6, 2 / 64)
    assert stops([0.2, 0.001, 0.001, 0.002, 0.001, 0.001], LOOKS)[0] is None
    looks = [replace(look, nominal=None) for look in LOOKS]
    assert stops([0.2, 0.001, 0.001, 0.002, 0.001, 0.001], looks) == (6, 2 / 64)


def test_one_smallest_difference_of_the_other_sign_stops_at_the_second_look():
    """By hand: 2/64 are spent if the first six sizes are alike, and the next largest sum adds 2/256."""
    eight = [0.02, 0.018, 0.022, -0.017, 0.021, 0.019, 0.02, 0.022]
    assert stops(eight, LOOKS) == (8, 2 / 64 + 2 / 256)
    swapped = [-each for each in eight]
    assert stops(swapped, LOOKS) == (8, 2 / 64 + 2 / 256)


@pytest.mark.parametrize(
    ("most", "alpha", "pairs"),
    [
        (30, ALPHA, [6, 8, 10, 12, 15, 20, 25, 30]),
        (17, ALPHA, [6, 8, 10, 12, 15, 17]),
        (6, ALPHA, [6]),
        (5, ALPHA, []),
        (30, ALPHA / 3, [8, 10, 12, 15, 20, 25, 30]),
        (30, ALPHA / 6, [9, 10, 12, 15, 20, 25, 30]),
    ],
)
def test_planned_looks(most, alpha, pairs):
    looks = planned_looks(most, alpha)
    assert [look.pairs for look in looks] == pairs
    if looks:
        assert looks[0].pairs == fewest_pairs(alpha)
        assert looks[-1].spent == pytest.approx(alpha)
        assert looks[-1].nominal is None
        spent = [look.spent for look in looks]
        assert spent == sorted(spent)


@pytest.mark.parametrize("most", [100, 1000])
@pytest.mark.parametrize("alpha", [ALPHA, ALPHA / 45, ALPHA / 190])
def test_every_planned_look_can_stop(most, alpha):
    """Even if all looks before it have spent what they may: differences far from 0 cross each bound."""
    looks = planned_looks(most, alpha)
    differences = np.random.default_rng(0).normal(5, 1, looks[3].pairs)
    assert all(each.crossed for each in sequential_sign_flip(differences, looks[:4], alpha=alpha))


def test_drawn_patterns_agree_with_all_of_them():
    """At the look after 12 pairs, with bounds from 99,999 patterns: four standard errors of a share of 5%."""
    looks = planned_looks(12, ALPHA)
    rng = np.random.default_rng(8)
    for mean in (0.3, 0.6, 0.9):
        differences = rng.normal(mean, 1, 12)
        exact = sequential_sign_flip(differences, looks, alpha=ALPHA)[-1]
        drawn = sequential_sign_flip(differences, looks, alpha=ALPHA, enumerated=10)[-1]
        assert drawn.crossed == exact.crossed
        assert drawn.p == pytest.approx(exact.p, abs=0.003)
        assert sequential_sign_flip(differences, looks, alpha=ALPHA, enumerated=10)[-1] == drawn  # seeded


def test_the_interval_after_one_look_at_six_pairs_is_that_of_the_pairs():
    """A shift is ruled out if all six differences lie on one side of it."""
    six = [0.01, 0.03, 0.02, 0.025, 0.018, 0.012]
    low, high = repeated_interval(six, planned_looks(6, ALPHA), alpha=ALPHA)
    assert (low, high) == pytest.approx((0.01, 0.03), abs=1e-5)


@pytest.mark.parametrize("number", [6, 8, 12])
@pytest.mark.parametrize("mean", [0.0, 0.9, 2.0])
def test_the_interval_rules_out_what_the_test_rules_out(number, mean):
    differences = np.random.default_rng([number, int(10 * mean)]).normal(mean, 1, number)
    low, high = repeated_interval(list(differences), LOOKS, alpha=ALPHA)
    assert low < differences.mean() < high
    for shift in (0, low - 0.01, low + 0.01, high - 0.01, high + 0.01):
        found = sequential_sign_flip(differences - shift, LOOKS, alpha=ALPHA)
        assert any(each.crossed for each in found) == (not low <= shift <= high)
    within = repeated_interval(list(differences), LOOKS, alpha=ALPHA, margin=3.0)
    assert low < within[0] < within[1] < high  # 90% instead of 95%


def test_the_interval_of_equal_differences_is_a_point():
    assert repeated_interval([0.01] * 6, LOOKS, alpha=ALPHA) == pytest.approx((0.01, 0.01))
    assert repeated_interval([0.0] * 8, LOOKS, alpha=ALPHA) == pytest.approx((0, 0), abs=1e-9)
    assert stops([0.0] * 8, LOOKS) == (None, 1.0)


def test_before_the_first_look_nothing_is_known():
    assert repeated_interval([0.01] * 5, LOOKS, alpha=ALPHA) is None
    assert sequential_sign_flip([0.01] * 5, LOOKS, alpha=ALPHA) == []
    assert sequential_sign_flip([0.01] * 6, [Look(6, ALPHA, None)], alpha=ALPHA)[0].crossed
