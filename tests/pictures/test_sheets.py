from io import BytesIO

import numpy as np
import pytest
from matplotlib.colors import same_color
from numpy.testing import assert_array_equal

from cnnlab.pictures.kit.palette import MARK
from cnnlab.pictures.plots import PredictedImages, answer_sheet, only_one_right

CLASSES = ("sandal", "boot", "bag")


def answers(number, *, channels=1):
    rng = np.random.default_rng(0)
    labels = np.arange(number) % 3
    right = labels.copy()
    wrong_first = labels.copy()
    wrong_first[0] = 1  # a sandal taken for a boot
    images = rng.integers(0, 256, size=(number, 6, 5, channels), dtype=np.uint8)
    return PredictedImages(images, labels, {"dnn": wrong_first, "cnn": right}, CLASSES)


def images(figure):
    return figure.axes[0].images


def below(figure, place):
    """The texts below an image, from the top down."""
    left, right, bottom, _ = images(figure)[place].get_extent()
    places = {text: text.get_position() for text in figure.axes[0].texts}
    found = [text for text, (x, y) in places.items() if left < x < right and bottom < y < bottom + 0.6]
    return sorted(found, key=lambda text: places[text][1])


def lines(figure, place=0):
    return [text.get_text() for text in below(figure, place)]


def framed(figure, place):
    """Whether a thick frame is drawn around an image."""
    left, _, _, top = images(figure)[place].get_extent()
    boxes = [patch for patch in figure.axes[0].patches if patch.get_linewidth() > 2]
    return any(box.get_xy() == pytest.approx((left, top)) for box in boxes)


def draw(figure):
    figure.savefig(BytesIO(), format="png")


@pytest.mark.parametrize("channels", [1, 3])
def test_the_first_32_with_every_answer(channels):
    given = answers(40, channels=channels)
    figure = answer_sheet(given, title="Shoes")
    assert len(images(figure)) == 32
    assert lines(figure, 0) == ["sandal", "dnn: boot ✗", "cnn: sandal ✓"]
    assert lines(figure, 1) == ["boot", "dnn: boot ✓", "cnn: boot ✓"]
    image = given.images[3] if channels == 3 else given.images[3][..., 0]
    assert_array_equal(images(figure)[3].get_array(), image)
    draw(figure)


def test_the_wrong_ones_are_marked():
    figure = answer_sheet(answers(8), title="")
    assert [framed(figure, place) for place in range(8)] == [True] + [False] * 7
    assert same_color(below(figure, 0)[1].get_color(), MARK)
    assert not same_color(below(figure, 0)[2].get_color(), MARK)


def test_one_experiment_needs_no_name():
    given = answers(3)
    figure = answer_sheet(given._replace(predicted={"dnn": given.predicted["dnn"]}), title="")
    assert lines(figure) == ["sandal", "boot ✗"]
    assert len(images(figure)) == 3
    draw(figure)


def test_only_one_right():
    given = answers(6)
    given.predicted["cnn"][4] = 2
    given.predicted["cnn"][5] = 0
    given.predicted["dnn"][5] = 0  # both wrong: neither block
    figure = only_one_right(given, title="Either")
    texts = {text.get_text(): text.get_position()[0] for text in figure.axes[0].texts}
    left, right = (image.get_extent()[0] for image in images(figure))
    assert left - 0.2 < texts["Only dnn is correct: 1"] <= left
    assert right - 0.2 < texts["Only cnn is correct: 1"] <= right
    assert "Below each image: its class, and the wrong prediction of the other network." in texts
    assert lines(figure, 0) == ["boot", "bag ✗"]
    assert lines(figure, 1) == ["sandal", "boot ✗"]
    draw(figure)


def test_nothing_to_show_and_too_much():
    given = answers(60)
    draw(only_one_right(given._replace(predicted={"a": given.labels, "b": given.labels}), title=""))
    wrong = (given.labels + 1) % 3
    figure = only_one_right(given._replace(predicted={"a": given.labels, "b": wrong}), title="")
    assert "Only a is correct: 60" in [text.get_text() for text in figure.axes[0].texts]
    assert len(images(figure)) == 16


def test_only_one_of_two():
    given = answers(3)
    with pytest.raises(ValueError, match="only one of two"):
        only_one_right(given._replace(predicted={}), title="")


def test_long_names_become_numbers_with_a_key():
    given = answers(3)
    long = {"dnn_parameters_of_cnn": given.predicted["dnn"], "cnn": given.predicted["cnn"]}
    figure = answer_sheet(given._replace(predicted=long), title="")
    assert lines(figure) == ["sandal", "1: boot ✗", "2: sandal ✓"]
    said = " ".join(text.get_text() for text in figure.axes[0].texts)
    assert "1: dnn_parameters_of_cnn    2: cnn" in said
    draw(figure)


@pytest.mark.parametrize("name", ["a", "n" * 100])
def test_long_names_do_not_shrink_the_images(name):
    given = answers(8)
    figure = answer_sheet(given._replace(predicted={name: given.labels, "b": given.labels}), title="")
    draw(figure)
    assert images(figure)[0].get_window_extent().width > 130
