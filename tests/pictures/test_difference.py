"""The differences of a page: means, intervals and seeds stand where their numbers are."""

import pytest

from cnnlab.pictures.plots import Measured
from cnnlab.pictures.plots.difference import difference_intervals


def test_means_intervals_and_seeds_are_in_percentage_points_around_zero():
    measured = Measured((0.01, 0.03), 0.02, (-0.01, 0.05))
    figure = difference_intervals({"cnn − dnn": measured, "one seed": Measured((-0.02,), -0.02, None)})
    (axes,) = figure.axes
    drawn = [list(line.get_xdata()) for line in axes.lines]
    for expected in ([0, 0], [1, 3], [-1, 5], [2], [-2]):
        assert any(each == pytest.approx(expected) for each in drawn if len(each) == len(expected))
    low, high = axes.get_xlim()
    assert low == -high
    assert high > 5
    said = [text.get_text() for text in axes.texts]
    assert said == ["+2.00 (−1.00 to +5.00)", "−2.00"]
