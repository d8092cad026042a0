import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from cnnlab.comparison import compare
from cnnlab.comparison.equivalence import equivalence, equivalence_power, seeds_for_equivalence


@pytest.mark.parametrize("number", [2, 6, 15])
@pytest.mark.parametrize("mean", [-0.004, 0.001, 0.007])
def test_two_one_sided_tests_equal_statsmodels(number, mean):
    rng = np.random.default_rng([number, round(1e4 * abs(mean))])
    b = rng.normal(0.95, 0.01, number)
    a = b + rng.normal(mean, 0.003, number)
    found = equivalence(list(a - b), 0.005)
    p, (_, p_lower, _), (_, p_upper, _) = ttost_paired(a, b, -0.005, 0.005)
    assert (found.p_lower, found.p_upper, found.p) == pytest.approx((p_lower, p_upper, p))
    low, high = found.ci90
    assert found.shown == (p < 0.05) == (low > -0.005 and high < 0.005)


def test_a_90_percent_interval_is_students(experiment):
    values = [0.001, -0.002, 0.003, 0.0, 0.001, -0.001]
    found = equivalence(values, 0.005)
    half_width = 2.0150484 * np.std(values, ddof=1) / np.sqrt(6)  # t(0.95, 5), from a table
    assert found.ci90 == pytest.approx((np.mean(values) - half_width, np.mean(values) + half_width))


@pytest.mark.parametrize(
    ("differences", "p_lower", "p_upper"),
    [
        pytest.param([0.001], 1, 1, id="one-pair"),
        pytest.param([0.0] * 4, 1 / 16, 1 / 16, id="equal-differences"),
        pytest.param([0.0] * 5, 1 / 32, 1 / 32, id="five-equal-ones-suffice"),
        pytest.param([0.005] * 5, 1 / 32, 1, id="at-the-margin"),
        pytest.param([-0.02] * 5, 1, 1 / 32, id="beyond-the-margin"),
    ],
)
def test_where_student_has_no_say(differences, p_lower, p_upper):
    found = equivalence(differences, 0.005)
    assert (found.p_lower, found.p_upper) == (p_lower, p_upper)
    assert found.shown == (max(p_lower, p_upper) < 0.05)


def test_several_pairs_are_adjusted_by_holm(experiment):
    rng = np.random.default_rng(2)
    spreads = {"dnn": 0.0005, "cnn": 0.0005, "colors_cnn": 0.01}
    experiments = [experiment(name, rng.normal(0.97, std, 8)) for name, std in spreads.items()]
    pairs = compare(experiments, margin=0.002).pairs
    p_values = [pair.equivalence.p for pair in pairs]
    _, adjusted, _, _ = multipletests(p_values, method="holm")
    assert [pair.equivalence.p_holm for pair in pairs] == pytest.approx(list(adjusted))
    assert {pair.equivalence.shown for pair in pairs} == {True, False}
    assert [pair.equivalence.shown for pair in pairs] == [p < 0.05 for p in adjusted]


@pytest.mark.parametrize(("mean", "std", "pairs"), [(0, 1, 8), (0.3, 1, 14), (-0.5, 0.7, 10)])
def test_power_is_how_often_equality_is_shown(mean, std, pairs):
    """By simulation, within four standard errors."""
    draws = np.random.default_rng(pairs).normal(mean, std, size=(1500, pairs))
    shown = np.mean([equivalence(list(row), 1.0).shown for row in draws])
    assert equivalence_power(mean, std, 1.0, pairs) == pytest.approx(shown, abs=0.05)


def test_seeds_for_equivalence_are_the_fewest_that_suffice():
    seeds = seeds_for_equivalence(0.001, 0.004, 0.005)
    assert (
        equivalence_power(0.001, 0.004, 0.005, seeds)
        >= 0.8
        > equivalence_power(0.001, 0.004, 0.005, seeds - 1)
    )
    assert seeds_for_equivalence(0.001, 0.004, 0.005, comparisons=3) > seeds
    assert seeds_for_equivalence(-0.001, 0.004, 0.005) == seeds
    assert seeds_for_equivalence(0.005, 0.004, 0.005) is None  # not within the margin
    assert seeds_for_equivalence(0.00499, 0.004, 0.005) is None  # more than 10,000
    assert seeds_for_equivalence(0.0, 0.0, 0.005) == 5
