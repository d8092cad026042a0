from io import BytesIO

import numpy as np
import pytest
from matplotlib.colors import same_color
from numpy.testing import assert_array_equal

from cnnlab.pictures.plots import Answers, only_one_right, sheet
from cnnlab.pictures.plots.look import WRONG

CLASSES = ("sandal", "boot", "bag")


def answers(number, *, channels=1):
    rng = np.random.default_rng(0)
    labels = np.arange(number) % 3
    right = labels.copy()
    wrong_first = labels.copy()
    wrong_first[0] = 1  # a sandal taken for a boot
    images = rng.integers(0, 256, size=(number, 6, 5, channels), dtype=np.uint8)
    return Answers(images, labels, {"dnn": wrong_first, "cnn": right}, CLASSES)


def lines(axes):
    return [text.get_text() for text in axes.texts]


def draw(figure):
    figure.savefig(BytesIO(), format="png")


@pytest.mark.parametrize("channels", [1, 3])
def test_the_first_32_with_every_answer(channels):
    given = answers(40, channels=channels)
    figure = sheet(given, title="Shoes")
    shown = [axes for axes in figure.axes if axes.images]
    assert len(shown) == 32
    assert lines(shown[0]) == ["sandal", "dnn: boot ✗", "cnn: sandal ✓"]
    assert lines(shown[1]) == ["boot", "dnn: boot ✓", "cnn: boot ✓"]
    image = given.images[3] if channels == 3 else given.images[3][..., 0]
    assert_array_equal(shown[3].images[0].get_array(), image)
    draw(figure)


def test_the_wrong_ones_are_marked():
    figure = sheet(answers(8), title="")
    framed = [any(spine.get_visible() for spine in axes.spines.values()) for axes in figure.axes]
    assert framed == [True] + [False] * 7
    assert same_color(figure.axes[0].texts[1].get_color(), WRONG)
    assert not same_color(figure.axes[0].texts[2].get_color(), WRONG)


def test_one_experiment_needs_no_name():
    given = answers(3)
    figure = sheet(given._replace(predicted={"dnn": given.predicted["dnn"]}), title="")
    assert lines(figure.axes[0]) == ["sandal", "boot ✗"]
    assert sum(axes.get_visible() for axes in figure.axes) == 3
    draw(figure)


def test_only_one_right():
    given = answers(6)
    given.predicted["cnn"][4] = 2
    given.predicted["cnn"][5] = 0
    given.predicted["dnn"][5] = 0  # both wrong: neither block
    figure = only_one_right(given, title="Either")
    titles = [part.get_suptitle().splitlines() for part in figure.subfigs]
    assert titles == [
        ["Only dnn is right: 1", "below: the class, and the wrong answer of the other"],
        ["Only cnn is right: 1", "below: the class, and the wrong answer of the other"],
    ]
    left, right = ([axes for axes in part.axes if axes.images] for part in figure.subfigs)
    assert [lines(axes) for axes in left] == [["boot", "bag ✗"]]
    assert [lines(axes) for axes in right] == [["sandal", "boot ✗"]]
    draw(figure)


def test_nothing_to_show_and_too_much():
    given = answers(60)
    draw(only_one_right(given._replace(predicted={"a": given.labels, "b": given.labels}), title=""))
    wrong = (given.labels + 1) % 3
    figure = only_one_right(given._replace(predicted={"a": given.labels, "b": wrong}), title="")
    assert figure.subfigs[0].get_suptitle().startswith("Only a is right: 60\n")
    assert sum(bool(axes.images) for axes in figure.subfigs[0].axes) == 16


def test_only_one_of_two():
    given = answers(3)
    with pytest.raises(ValueError, match="only one of two"):
        only_one_right(given._replace(predicted={}), title="")


def test_long_names_become_numbers_with_a_key():
    given = answers(3)
    long = {"dnn_parameters_of_cnn": given.predicted["dnn"], "cnn": given.predicted["cnn"]}
    figure = sheet(given._replace(predicted=long), title="")
    assert lines(figure.axes[0]) == ["sandal", "1: boot ✗", "2: sandal ✓"]
    assert "1: dnn_parameters_of_cnn    2: cnn" in [text.get_text() for text in figure.texts]
    draw(figure)


@pytest.mark.parametrize("name", ["a", "n" * 100])
def test_long_names_do_not_shrink_the_images(name):
    given = answers(8)
    figure = sheet(given._replace(predicted={name: given.labels, "b": given.labels}), title="")
    draw(figure)
    assert figure.axes[0].get_window_extent().width > 130
