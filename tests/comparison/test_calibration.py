"""By simulation: how often the tests cry wolf where there is none, and how often an interval holds the truth.

The numbers are seeded; the bounds are some four standard errors wide.
"""

import numpy as np
import pytest

from cnnlab.comparison.significance import mcnemar, sign_flip
from cnnlab.comparison.spread import spread

TRIALS = 2000


@pytest.mark.parametrize("pairs", [6, 8, 12])
def test_sign_flip_is_wrong_one_time_in_twenty(pairs):
    rng = np.random.default_rng(pairs)
    wrong = np.mean([sign_flip(list(row)).p < 0.05 for row in rng.normal(0, 0.004, size=(TRIALS, pairs))])
    level = np.floor(0.05 * 2 ** (pairs - 1)) / 2 ** (pairs - 1)  # p comes in steps
    assert wrong == pytest.approx(level, abs=0.02)
    assert wrong < 0.07


def test_sign_flip_does_not_need_normal_differences():
    rng = np.random.default_rng(1)
    wrong = np.mean([sign_flip(list(row)).p < 0.05 for row in rng.standard_t(1.5, size=(TRIALS, 8))])
    assert wrong < 0.065


@pytest.mark.parametrize("pairs", [3, 6, 10])
def test_the_interval_holds_the_truth_nineteen_times_in_twenty(pairs):
    rng = np.random.default_rng(pairs)
    truth = 0.02
    held = []
    for row in rng.normal(truth, 0.004, size=(TRIALS, pairs)):
        low, high = spread(list(row)).ci95
        held.append(low <= truth <= high)
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)


def test_mcnemar_never_exceeds_its_level():
    rng = np.random.default_rng(2)
    shared = rng.random((TRIALS, 1000, 1))  # images that are hard are hard for both
    right = rng.random((TRIALS, 1000, 2)) > 0.4 * shared
    wrong = np.mean([mcnemar(row[:, 0], row[:, 1]).p < 0.05 for row in right])
    assert 0.02 < wrong < 0.055
