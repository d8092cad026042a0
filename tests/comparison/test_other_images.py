"""The interval over test images: a bootstrap over images, against NumPy's and SciPy's."""

import numpy as np
import pytest
import scipy.stats

from cnnlab.comparison.other_images import interval_over_images


def answers(seeds=3, images=400, shares=(0.8, 0.85)):
    """Two networks that find the same images hard."""
    rng = np.random.default_rng(seeds)
    ease = rng.random(images) / 2
    return [
        tuple(ease + rng.random(images) / 2 < np.quantile(ease + 0.25, share) for share in shares)
        for _ in range(seeds)
    ]


@pytest.mark.parametrize("seeds", [1, 3])
def test_it_is_the_bootstrap_over_images(seeds):
    given = answers(seeds)
    differences = np.mean([np.subtract(a, b, dtype=float) for a, b in given], axis=0)
    expected = scipy.stats.bootstrap(
        (differences,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    width = expected.high - expected.low
    assert interval_over_images(given) == pytest.approx(tuple(expected), abs=0.03 * width)


def test_many_images_are_the_normal_approximation():
    given = answers(2, images=20_000)
    differences = np.mean([np.subtract(a, b, dtype=float) for a, b in given], axis=0)
    half = 1.96 * differences.std() / np.sqrt(len(differences))
    middle = differences.mean()
    assert interval_over_images(given) == pytest.approx((middle - half, middle + half), abs=0.05 * half)


def test_networks_that_answer_alike_have_no_difference_anywhere():
    right = np.arange(50) % 3 > 0
    assert interval_over_images([(right, right), (~right, ~right)]) == (0.0, 0.0)


def test_both_directions_mirror_each_other():
    given = answers()
    low, high = interval_over_images(given)
    turned = interval_over_images([(b, a) for a, b in given])
    assert turned == pytest.approx((-high, -low), abs=0.002)
    assert interval_over_images(given) == (low, high)  # the seed is fixed


def test_it_holds_the_difference_on_all_images_nineteen_times_in_twenty():
    rng = np.random.default_rng(0)
    everywhere = answers(2, images=100_000)
    truth = np.mean([a.mean() - b.mean() for a, b in everywhere])
    held = []
    for _ in range(120):
        chosen = rng.integers(0, 100_000, 500)
        low, high = interval_over_images([(a[chosen], b[chosen]) for a, b in everywhere])
        held.append(low <= truth <= high)
    assert np.mean(held) == pytest.approx(0.95, abs=0.05)


@pytest.mark.parametrize("nothing", [[], [(np.array([], bool), np.array([], bool))]])
def test_nothing_to_draw_from(nothing):
    with pytest.raises(ValueError, match="answers on at least one"):
        interval_over_images(nothing)
