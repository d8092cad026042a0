import numpy as np
import pytest

from cnnlab.datasets.drawn.random_stream import RandomStream


def test_the_numbers_of_a_seed_are_known_for_good():
    stream = RandomStream(0, 1)
    assert stream.raw(2).tolist() == [16412783775159424549, 10277383025879800780]
    assert stream.integers(0, 100, 5).tolist() == [80, 95, 5, 23, 78]
    assert stream.balanced(6, 3).tolist() == [0, 0, 1, 2, 2, 1]


def test_seeds_of_several_numbers_are_different_streams():
    drawn = {tuple(RandomStream(*seed).raw(3).tolist()) for seed in [(0, 0), (0, 1), (1, 0), (1, 1)]}
    assert len(drawn) == 4


def test_integers_are_even_within_their_bounds():
    low, high = np.array([[0], [10]]), np.array([[3], [14]])
    drawn = RandomStream(1).integers(low, high, (2, 20_000))
    for row, (first, end) in zip(drawn, [(0, 3), (10, 14)], strict=True):
        counts = np.bincount(row - first, minlength=end - first)
        assert counts.sum() == 20_000
        assert np.all(abs(counts - 20_000 / (end - first)) < 400)


def test_bell_and_uniform_have_the_moments_they_should():
    bell, uniform = RandomStream(2).bell((50, 1000)), RandomStream(3).uniform((50, 1000))
    assert abs(bell.mean()) < 0.02
    assert bell.std() == pytest.approx(1, abs=0.02)
    assert (abs(bell) < 2).mean() == pytest.approx(0.954, abs=0.01)
    assert abs(bell).max() < 4.9
    assert uniform.min() >= 0
    assert uniform.max() < 1
    assert uniform.mean() == pytest.approx(0.5, abs=0.01)
    assert uniform.var() == pytest.approx(1 / 12, abs=0.005)


def test_balanced_labels_come_as_often_as_each_other():
    labels = RandomStream(4).balanced(31, 7)
    counts = np.bincount(labels, minlength=7)
    assert counts.min() == 4
    assert counts.max() == 5
    assert labels.tolist() != sorted(labels.tolist())
