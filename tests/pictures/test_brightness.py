"""What is drawn white is the dataset's affair: on a Go board 2 is, in a photograph 255."""

import base64
import io

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from cnnlab.pictures.brightness import to_white
from cnnlab.pictures.contact_sheet import contact_sheet
from cnnlab.pictures.plots import PredictedImages, answer_sheet
from cnnlab.report.images import groups

BOARD = np.array([[0, 1, 2], [1, 1, 1], [2, 1, 0]], np.uint8)[None, ..., None]
"""The other's stone, nothing, an own stone."""

DARK = np.full((1, 3, 3, 1), 3, np.uint8)
"""A photograph of the night: no guess at its pixels may make it bright."""


def answers(images, **more):
    return PredictedImages(images, np.array([0]), {"cnn": np.array([0])}, ("A1",), **more)


def test_the_brightest_becomes_white():
    assert_array_equal(np.unique(to_white(BOARD, 2)), [0, 127, 255])
    assert to_white(DARK, 255) is DARK


@pytest.mark.parametrize(
    ("given", "levels"), [(answers(BOARD, brightest=2), [0, 127, 255]), (answers(DARK), [3])],
    ids=["board", "night"],
)  # fmt: skip
def test_every_picture_of_answers_shows_the_same(given, levels):
    (drawn,) = answer_sheet(given, title="").axes[0].images
    assert_array_equal(np.unique(drawn.get_array()), levels)
    assert drawn.get_clim() == (0, 255)
    uri = groups(given)[0].images[0].uri
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as picture:
        assert_array_equal(np.unique(np.asarray(picture)), levels)


@pytest.mark.parametrize(
    ("images", "brightest", "corner"), [(BOARD, 2, 0), (DARK, 255, 3), (2 - BOARD, 2, 255)]
)
def test_contact_sheets(images, brightest, corner):
    picture = np.asarray(contact_sheet(images, [""], brightest=brightest))
    assert_array_equal(picture[8:40, 14:40], corner)  # the upper left pixel, 37 times as large
