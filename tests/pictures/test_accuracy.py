from io import BytesIO

import numpy as np
import pytest
from matplotlib.colors import same_color

from cnnlab.pictures.kit.palette import COLORS
from cnnlab.pictures.plots import Measured, accuracy_against_parameters, accuracy_bars

DNN = Measured((0.955, 0.962, 0.961), 0.9593, (0.950, 0.9687))
CNN = Measured((0.980, 0.980, 0.982), 0.9807, (0.978, 0.9834))


def draw(figure):
    figure.savefig(BytesIO(), format="png")


def test_bars_are_the_means_from_zero():
    figure = accuracy_bars({"dnn": DNN, "cnn": CNN})
    whole, close_up = figure.axes
    bars = list(whole.patches)
    assert [bar.get_width() for bar in bars] == [0.9593, 0.9807]
    assert [bar.get_x() for bar in bars] == [0, 0]
    assert all(same_color(bar.get_facecolor(), color) for bar, color in zip(bars, COLORS, strict=False))
    assert [text.get_text() for text in whole.texts] == ["95.93%", "98.07%"]
    assert [label.get_text() for label in whole.get_yticklabels()] == ["dnn", "cnn"]
    assert whole.get_xlim() == (0, 1)
    drawn = {tuple(np.round(line.get_xdata(), 4)) for line in close_up.get_lines()}
    assert {DNN.ci95, CNN.ci95, DNN.values, CNN.values, (0.9593,), (0.9807,)} <= drawn
    low, high = close_up.get_xlim()
    assert low < 0.950
    assert high > 0.9834
    draw(figure)


def test_every_seed_is_seen_even_where_two_are_equal():
    _, close_up = accuracy_bars({"cnn": CNN}).axes
    seeds = next(line for line in close_up.get_lines() if len(line.get_xdata()) == 3)
    assert len(set(zip(seeds.get_xdata(), seeds.get_ydata(), strict=True))) == 3


def test_one_seed_has_no_interval():
    figure = accuracy_bars({"a": Measured((0.1,), 0.1, None), "b": Measured((0.12,), 0.12, None)})
    assert figure.axes[1].get_title(loc="left") == "One seed: no interval"
    assert [text.get_text() for text in figure.axes[0].texts] == ["10.00%", "12.00%"]
    draw(figure)


def test_an_interval_beyond_100_percent_does_not_squash_the_rest():
    wild = Measured((0.5, 0.99), 0.745, (-2.4, 3.9))
    close_up = accuracy_bars({"a": wild, "b": CNN}).axes[1]
    low, high = close_up.get_xlim()
    assert -0.1 < low < 0
    assert 1 < high < 1.1
    drawn = [(line.get_marker(), tuple(line.get_xdata())) for line in close_up.get_lines()]
    assert ("None", (0, 1)) in drawn
    assert {(marker, ends) for marker, ends in drawn if marker in "<>"} == {("<", (0,)), (">", (1,))}


@pytest.mark.parametrize("number", [1, 2, 9])
def test_any_number_of_experiments(number):
    experiments = {f"experiment_{index}$_" + "n" * 70: CNN for index in range(number)}
    draw(accuracy_bars(experiments))
    draw(accuracy_against_parameters(experiments, dict.fromkeys(experiments, 1000)))


def test_accuracy_against_parameters():
    figure = accuracy_against_parameters({"dnn": DNN, "cnn": CNN}, {"dnn": 898_510, "cnn": 137_660})
    (axes,) = figure.axes
    assert axes.get_xscale() == "log"
    points = [line for line in axes.get_lines() if line.get_marker() == "o"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in points] == [
        (898_510, 0.9593),
        (137_660, 0.9807),
    ]
    drawn = [tuple(line.get_ydata()) for line in axes.get_lines() if line.get_marker() != "o"]
    assert drawn == [DNN.ci95, DNN.values, CNN.ci95, CNN.values]
    assert [text.get_text() for text in axes.texts] == ["dnn: 95.93%, 898,510", "cnn: 98.07%, 137,660"]
    assert axes.get_title(loc="left").endswith(", with seeds and 95% confidence intervals")
    draw(figure)


@pytest.mark.parametrize("name", ["x", "cnn", "a" * 30, "b" * 60])
@pytest.mark.parametrize("parameters", [(137_660, 898_510), (50, 10_000_000), (1000, 1000)])
def test_every_label_is_within_the_frame(name, parameters):
    names = [f"first_{name}", f"second_{name}"]
    figure = accuracy_against_parameters(
        dict(zip(names, (DNN, CNN), strict=True)), dict(zip(names, parameters, strict=True))
    )
    draw(figure)
    (axes,) = figure.axes
    frame = axes.get_window_extent()
    for text in axes.texts:
        assert frame.x0 < text.get_window_extent().x0 < text.get_window_extent().x1 < frame.x1


def test_no_parameters_at_all():
    draw(accuracy_against_parameters({"a": CNN, "b": DNN}, {"a": 0, "b": 10}))
