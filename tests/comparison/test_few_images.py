"""An accuracy that was measured on a few images is told with what it leaves open."""

import pytest

from cnnlab.comparison.few_images import ENOUGH, few_images_warning, interval_of


@pytest.mark.parametrize(("right", "count"), [(9, 12), (30, 40), (1, 3), (60, 99)])
def test_the_interval_leaves_out_two_and_a_half_percent_on_either_side(right, count):
    from scipy.stats import binom

    low, high = interval_of(right, count)
    assert binom.sf(right - 1, count, low) == pytest.approx(0.025)
    assert binom.cdf(right, count, high) == pytest.approx(0.025)


def test_all_or_none_right():
    assert interval_of(0, 10)[0] == 0
    assert interval_of(10, 10)[1] == 1
    assert interval_of(10, 10)[0] == pytest.approx(0.025**0.1)


def test_enough_images_are_not_mentioned():
    assert few_images_warning("photos", ENOUGH) is None
    assert few_images_warning("photos", 12) == (
        "photos: 12 test images are few: with 9 of them right, the accuracy on other images may be anything "
        "from 43% to 95% (95% interval)"
    )
