from io import BytesIO

import numpy as np
import pytest
from numpy.testing import assert_allclose

from cnnlab.pictures.plots import confusion_matrices

A = np.array([[8, 2, 0], [1, 9, 0], [0, 0, 0]])
B = np.array([[5, 4, 1], [0, 10, 0], [0, 0, 0]])
CLASSES = ("cat", "dog", "owl")


def texts(axes):
    return {text.get_position()[::-1]: text.get_text() for text in axes.texts}


def test_shares_of_the_true_class_and_their_difference():
    figure = confusion_matrices({"a": A, "b": B}, CLASSES)
    first, second, difference = figure.axes
    assert texts(first) == {(0, 0): "80", (0, 1): "20", (1, 0): "10", (1, 1): "90"}
    assert texts(second) == {(0, 0): "50", (0, 1): "40", (0, 2): "10", (1, 1): "100"}
    assert texts(difference) == {
        (0, 0): "+30", (0, 1): "−20", (0, 2): "−10", (1, 0): "+10", (1, 1): "−10",
    }  # fmt: skip
    assert_allclose(difference.images[0].get_array(), [[30, 20, 10], [-10, -10, 0], [0, 0, 0]])
    assert any("blue where a is better" in " ".join(each.get_text().split()) for each in figure.texts)
    assert difference.images[0].get_clim() == (-30, 30)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["a, % of the true class", "b, % of the true class", "a − b, points"]
    assert [label.get_text() for label in first.get_yticklabels()] == list(CLASSES)
    figure.savefig(BytesIO(), format="png")


@pytest.mark.parametrize(("number", "visible"), [(1, 1), (2, 3), (3, 3), (4, 4)])
def test_any_number_of_experiments(number, visible):
    figure = confusion_matrices({f"e{index}": A for index in range(number)}, CLASSES)
    assert sum(axes.get_visible() for axes in figure.axes) == visible
    figure.savefig(BytesIO(), format="png")


def test_many_classes_carry_no_numbers():
    counts = np.eye(81, dtype=int)
    figure = confusion_matrices({"a": counts, "b": counts}, [f"class {index}" for index in range(81)])
    assert not any(axes.texts for axes in figure.axes)
    figure.savefig(BytesIO(), format="png")
