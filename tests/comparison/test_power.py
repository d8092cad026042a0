import math

import numpy as np
import pytest
from statsmodels.stats.power import TTestPower

from cnnlab.comparison.power import paired_power, seeds_to_settle, smallest_difference

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


@pytest.mark.parametrize("pairs", [2, 3, 5, 10, 100])
def test_smallest_difference_is_seen_four_times_in_five(pairs):
    difference = smallest_difference(0.01, pairs)
    assert paired_power(difference / 0.01, pairs) == pytest.approx(0.8)
    assert difference == pytest.approx(0.01 * ORACLE.solve_power(nobs=pairs, alpha=0.05, power=0.8), rel=1e-4)


def test_smallest_difference_by_simulation():
    rng = np.random.default_rng(0)
    truth = smallest_difference(0.01, 6)
    draws = rng.normal(truth, 0.01, size=(4000, 6))
    t = draws.mean(axis=1) / (draws.std(axis=1, ddof=1) / np.sqrt(6))
    assert np.mean(np.abs(t) > 2.5706) == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("effect", [0.03, 0.04, 0.1, 0.2, 0.5, 0.7, 1.0, 1.06, 1.2])
def test_seeds_to_settle_is_the_smallest_number(effect):
    pairs = seeds_to_settle(-effect * 0.01, 0.01)
    assert pairs == math.ceil(ORACLE.solve_power(effect_size=effect, alpha=0.05, power=0.8))


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
    assert smallest_difference(0.0, 3) == 0.0
