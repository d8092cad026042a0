import json
import statistics

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.comparison import spread

shares = st.floats(0, 1, allow_subnormal=False)


@given(st.lists(shares, min_size=2, max_size=12))
def test_mean_std_and_interval_are_numpys_and_scipys(values):
    found = spread(values)
    std = np.std(values, ddof=1)
    np.testing.assert_allclose(found.mean, np.mean(values), rtol=1e-12)
    np.testing.assert_allclose(found.std, std, rtol=1e-9, atol=1e-12)
    half_width = scipy.stats.t.ppf(0.975, len(values) - 1) * scipy.stats.sem(values, ddof=1)
    np.testing.assert_allclose(
        found.ci95, (np.mean(values) - half_width, np.mean(values) + half_width), rtol=1e-9, atol=1e-12
    )


def test_by_hand():
    # 0.96, 0.97, 0.98: mean 0.97, deviations 0.01, 0, 0.01, so std √(0.0002 / 2) = 0.01;
    # t(2 degrees of freedom, 97.5%) = 4.302653, divided by √3: 2.484138
    found = spread([0.96, 0.97, 0.98])
    assert found.mean == pytest.approx(0.97)
    assert found.std == pytest.approx(0.01)
    assert found.ci95 == pytest.approx((0.97 - 0.02484138, 0.97 + 0.02484138))


def test_one_seed_has_neither_std_nor_interval():
    assert spread([0.98]).as_dict() == {"mean": 0.98, "std": None, "ci95": None, "values": [0.98]}


@given(shares, st.integers(2, 12))
def test_seeds_that_agree_do_not_vary(value, number):
    found = spread([value] * number)
    assert (found.mean, found.std, found.ci95) == (value, 0, (value, value))


@given(st.lists(shares, min_size=2, max_size=8), st.randoms())
def test_the_order_of_the_seeds_does_not_matter(values, random):
    shuffled = random.sample(values, len(values))
    assert spread(shuffled).mean == spread(values).mean
    assert spread(shuffled).std == spread(values).std


def test_integers_become_numbers_of_json():
    assert json.loads(json.dumps(spread([700, 800]).as_dict()))["mean"] == statistics.mean([700, 800])


def test_nothing_measured():
    with pytest.raises(ValueError, match="at least one value"):
        spread([])
