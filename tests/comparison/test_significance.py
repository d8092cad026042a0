import itertools

import numpy as np
import pytest
import scipy.stats
import statsmodels.stats.contingency_tables
import statsmodels.stats.multitest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnlab.comparison.significance import holm, majority_p, mcnemar, sign_flip

DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
"""Eighths of an inch by which crossed plants outgrew self-fertilised ones, pair by pair (Fisher 1935)."""


def answers(both, only_a, only_b, neither):
    right_a = np.repeat([True, True, False, False], [both, only_a, only_b, neither])
    right_b = np.repeat([True, False, True, False], [both, only_a, only_b, neither])
    return right_a, right_b


def test_sign_flip_gives_what_fisher_found():
    """The Design of Experiments, section 21: 863 of 32,768 sums are as large, in either tail: 5.267%."""
    test = sign_flip(DARWIN)
    assert test.p == 2 * 863 / 2**15
    assert (test.method, test.patterns) == ("exact", 32_768)


@pytest.mark.parametrize("number", range(1, 11))
def test_sign_flip_equals_scipy(number):
    rng = np.random.default_rng(number)
    a, b = rng.normal(0.97, 0.01, number), rng.normal(0.96, 0.01, number)
    test = sign_flip(list(a - b))
    if number == 1:  # SciPy asks for two
        assert test.p == 1
        return
    expected = scipy.stats.permutation_test(
        (a, b), lambda x, y, axis: np.mean(x - y, axis=axis), permutation_type="samples", vectorized=True
    )
    assert test.p == pytest.approx(expected.pvalue)
    assert test.smallest == 2 / 2**number


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        pytest.param([0.01] * 5, 2 / 32, id="five-cannot-reach-0.05"),
        pytest.param([0.01] * 6, 2 / 64, id="six-can"),
        pytest.param([0.0, 0.0, 0.0], 1.0, id="no-difference"),
        pytest.param([0.98 - 0.97, 0.96 - 0.95, 0.94 - 0.95], 1.0, id="ties-in-spite-of-rounding"),
        pytest.param([0.98 - 0.97, 0.96 - 0.95, 0.95 - 0.94, 0.92 - 0.93], 10 / 16, id="three-to-one"),
    ],
)
def test_sign_flip_by_hand(differences, p):
    assert sign_flip(differences).p == pytest.approx(p)


def test_twenty_pairs_are_enumerated_and_more_are_drawn():
    differences = np.random.default_rng(1).normal(0.004, 0.01, 21)
    exact = sign_flip(list(differences[:20]))
    assert (exact.method, exact.patterns) == ("exact", 2**20)
    drawn = sign_flip(list(differences))
    assert (drawn.method, drawn.patterns, drawn.smallest) == ("monte carlo", 99_999, 1e-5)
    assert sign_flip(list(differences)) == drawn  # seeded
    assert sign_flip(list(differences), seed=1).p == pytest.approx(drawn.p, abs=0.01)
    sums = np.zeros(1)
    for value in differences:
        sums = np.concatenate([sums + value, sums - value])
    share = np.mean(np.abs(sums) >= abs(differences.sum()) - 1e-12)
    assert drawn.p == pytest.approx(share, abs=4 * np.sqrt(share / 99_999))


@pytest.mark.parametrize("table", list(itertools.product([0, 1, 5, 40], [0, 3, 17])))
def test_mcnemar_equals_statsmodels(table):
    only_a, only_b = table
    test = mcnemar(*answers(100, only_a, only_b, 7))
    expected = statsmodels.stats.contingency_tables.mcnemar([[100, only_a], [only_b, 7]], exact=True)
    assert (test.only_a, test.only_b) == table
    assert test.p == pytest.approx(1.0 if table == (0, 0) else expected.pvalue)


def test_mcnemar_in_a_textbook():
    """Agresti, Categorical Data Analysis, table 10.1: 86 and 150 changed their minds; z² = 17.36."""
    test = mcnemar(*answers(794, 150, 86, 570))
    assert test.p == pytest.approx(3.7e-5, rel=0.02)
    assert test.p == pytest.approx(scipy.stats.binomtest(86, 236).pvalue)


@pytest.mark.parametrize(
    ("p_values", "combined"),
    [
        pytest.param([0.04], 0.04, id="one-is-itself"),
        pytest.param([0.01, 0.04], 0.04, id="both-of-two"),
        pytest.param([1e-9, 0.02, 1.0], 0.03, id="the-second-of-three"),
        pytest.param([1e-9, 0.5, 0.5, 0.5], 2 / 3, id="one-seed-decides-nothing"),
        pytest.param([1.0, 1.0, 0.9], 1.0, id="at-most-one"),
    ],
)
def test_majority_p(p_values, combined):
    assert majority_p(p_values) == pytest.approx(combined)
    assert majority_p(p_values[::-1]) == pytest.approx(combined)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.95, 1.0])
@pytest.mark.parametrize("number", [2, 3, 6])
def test_majority_p_holds_its_level_under_any_dependence(number, correlation):
    rng = np.random.default_rng([number, round(100 * correlation)])
    shared, own = rng.normal(size=(20_000, 1)), rng.normal(size=(20_000, number))
    p_values = scipy.stats.norm.sf(np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own)
    rejected = np.mean([majority_p(list(row)) < 0.05 for row in p_values])
    assert rejected < 0.055


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
@settings(max_examples=20, deadline=None)
def test_holm_equals_statsmodels(p_values):
    expected = statsmodels.stats.multitest.multipletests(p_values, method="holm")[1]
    np.testing.assert_allclose(holm(p_values), expected, atol=1e-15)


def test_nothing_cannot_be_tested():
    with pytest.raises(ValueError, match="at least one pair"):
        sign_flip([])
    with pytest.raises(ValueError, match="nothing to combine"):
        majority_p([])
    assert holm([]) == []
