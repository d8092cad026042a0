import math
from itertools import pairwise
from statistics import NormalDist

import pytest
from statsmodels.stats.power import TTestPower

from cnnlab.comparison.power import (
    fewest_pairs,
    paired_power,
    seeds_to_settle,
    smallest_difference,
    visible_effect,
)
from cnnlab.comparison.significance import sign_flip

ORACLE = TTestPower()


@pytest.mark.parametrize("pairs", [2, 3, 6, 10, 30])
@pytest.mark.parametrize("effect", [0.0, 0.1, 0.8, 2.0, 5.0])
def test_power_equals_statsmodels(pairs, effect):
    expected = ORACLE.power(effect, pairs, 0.05)
    if math.isnan(expected):  # its noncentral t gives up far out
        expected = 1.0
    assert paired_power(effect, pairs) == pytest.approx(expected, abs=1e-5)


def test_a_published_sample_size():
    """Cohen 1988, table 2.4.1: d = 0.50 at two-sided 0.05 and power 0.80 takes 33 to 34 differences."""
    assert seeds_to_settle(0.5, 1.0) == 34


@pytest.mark.parametrize(("comparisons", "fewest"), [(1, 6), (3, 7), (6, 8), (45, 11)])
def test_fewest_pairs(comparisons, fewest):
    assert fewest_pairs(comparisons) == fewest
    least = [comparisons * sign_flip([1.0] * pairs).p for pairs in (fewest - 1, fewest)]
    assert least[0] >= 0.05 > least[1]
    assert smallest_difference(0.01, fewest - 1, comparisons) is None
    assert smallest_difference(0.01, fewest, comparisons) < 0.03


@pytest.mark.parametrize("comparisons", [1, 3])
@pytest.mark.parametrize("pairs", [20, 100])
def test_with_many_pairs_a_t_test_tells(pairs, comparisons):
    expected = ORACLE.solve_power(nobs=pairs, alpha=0.05 / comparisons, power=0.8)
    assert smallest_difference(0.01, pairs, comparisons) == pytest.approx(0.01 * expected, rel=1e-4)


@pytest.mark.parametrize(("pairs", "comparisons"), [(6, 1), (7, 3), (8, 6)])
def test_the_fewest_pairs_must_agree(pairs, comparisons):
    """All of one sign, which alone has the chance Φ(effect)ⁿ; the interval may only ask for more."""
    effect = visible_effect(pairs, comparisons)
    assert NormalDist().cdf(effect) ** pairs + 0.01 >= 0.8
    assert effect == pytest.approx(NormalDist().inv_cdf(0.8 ** (1 / pairs)), rel=0.03)


@pytest.mark.parametrize("comparisons", [1, 2, 3, 6, 10, 45])
def test_more_seeds_see_more_and_more_pairs_less(comparisons):
    effects = [visible_effect(pairs, comparisons) for pairs in range(5, 25)]
    assert all(after < before for before, after in pairwise(effects) if math.isfinite(before))
    alone = [visible_effect(pairs) for pairs in range(5, 25)]
    assert all(adjusted >= single for adjusted, single in zip(effects, alone, strict=True))


@pytest.mark.parametrize("effect", [0.03, 0.04, 0.1, 0.2, 0.5, 0.7])
def test_seeds_to_settle_is_the_smallest_number(effect):
    pairs = seeds_to_settle(-effect * 0.01, 0.01)
    assert pairs == math.ceil(ORACLE.solve_power(effect_size=effect, alpha=0.05, power=0.8))


@pytest.mark.parametrize("comparisons", [1, 3])
@pytest.mark.parametrize("effect", [1.0, 1.3, 1.5, 1.9, 3.0])
def test_seeds_to_settle_see_the_difference_and_one_less_does_not(effect, comparisons):
    pairs = seeds_to_settle(effect * 0.01, 0.01, comparisons)
    assert visible_effect(pairs, comparisons) <= effect < visible_effect(pairs - 1, comparisons)


@pytest.mark.parametrize(
    ("difference", "std", "pairs"),
    [
        pytest.param(0.02, 0.001, 6, id="clear-but-never-below-six"),
        pytest.param(0.02, 0.0, 6, id="no-variation"),
        pytest.param(0.0, 0.01, None, id="no-difference"),
        pytest.param(0.0001, 0.01, None, id="not-worth-it"),
        pytest.param(1e-9, 0.01, None, id="hardly-any-difference"),
    ],
)
def test_seeds_to_settle_at_the_edges(difference, std, pairs):
    assert seeds_to_settle(difference, std) == pairs


def test_no_variation_hides_nothing():
    assert smallest_difference(0.0, 6) == 0.0
