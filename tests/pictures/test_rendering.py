"""How images are drawn is the dataset's affair: what is white, which way is up, and what is a board."""

import base64
import io

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from cnnlab.config.experiment import load_config
from cnnlab.datasets.appearance import PLAIN, Appearance, ImageAxes
from cnnlab.pictures.plots import PredictedImages, answer_sheet, contact_sheet
from cnnlab.pictures.rendering import POINT, Move, drawn, shades, to_white, turned, turned_box
from cnnlab.report.images import groups

FEW = np.array([[0, 1, 2], [1, 1, 1], [2, 1, 0]], np.uint8)[None, ..., None]
"""Three levels of brightness."""

DARK = np.full((1, 3, 3, 1), 3, np.uint8)
"""A photograph of the night: no guess at its pixels may make it bright."""


def answers(images, **more):
    return PredictedImages(images, np.array([0]), {"cnn": np.array([0])}, ("A1",), **more)


def test_the_brightest_becomes_white():
    assert_array_equal(np.unique(to_white(FEW, 2)), [0, 127, 255])
    assert to_white(DARK, 255) is DARK


@pytest.mark.parametrize(
    ("given", "levels"), [(answers(FEW, appearance=Appearance(2)), [0, 127, 255]), (answers(DARK), [3])],
    ids=["few levels", "night"],
)  # fmt: skip
def test_every_picture_of_answers_shows_the_same(given, levels):
    (picture,) = answer_sheet(given, title="").axes[0].images
    assert_array_equal(np.unique(picture.get_array()), levels)
    assert picture.get_clim() == (0, 255)
    uri = groups(given)[0].images[0].uri
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as file:
        assert_array_equal(np.unique(np.asarray(file)), levels)


@pytest.mark.parametrize(("images", "brightest", "corner"), [(FEW, 2, 0), (DARK, 255, 3), (2 - FEW, 2, 255)])
def test_contact_sheets(images, brightest, corner):
    (picture,) = contact_sheet(images, [""], appearance=Appearance(brightest)).axes[0].images
    assert picture.get_array()[0, 0] == corner
    assert picture.get_clim() == (0, 255)


RISING = np.zeros((4, 3, 1), np.uint8)
RISING[range(4), [0, 1, 1, 2]] = 255
"""Rows are points in time, columns frequencies: a tone that rises."""

SPECTROGRAM = Appearance(axes=ImageAxes("time", "frequency", "Across: time", rows_across=True))
SIDEWAYS = Appearance(axes=ImageAxes("time", "frequency", "Across: time"))


def test_a_rising_tone_rises():
    picture = drawn(RISING, SPECTROGRAM)[..., 0]
    assert_array_equal(picture > 0, [[0, 0, 0, 1], [0, 1, 1, 0], [1, 0, 0, 0]])
    assert_array_equal(drawn(RISING.swapaxes(0, 1), SIDEWAYS)[..., 0], picture)
    assert drawn(RISING, PLAIN) is RISING


def test_tones_are_spectrograms():
    """Time across and frequency upwards, with their units; the arrays have a row for each point in time."""
    look = load_config("tones_cnn").dataset.appearance
    assert look.axis_names == ("time", "frequency")
    assert look.key == (
        "Across: time, windows of 64 samples around 32 to 1,024. Upwards: frequency, 0.016 to 0.5 cycles per "
        "sample."
    )
    data = load_config("tones_cnn").dataset.model_copy(update={"train_count": 60, "noise": 0.0})
    images, labels = (getattr(data.read(None), name) for name in ("train_images", "train_labels"))
    rising = drawn(images[labels == 1][0], look)[..., 0]
    assert rising[:, 0].argmax() > rising[:, -1].argmax()  # from below to above


@pytest.mark.parametrize(("look", "size"), [(SPECTROGRAM, (4, 3)), (SIDEWAYS, (4, 3)), (PLAIN, (4, 3))])
def test_a_box_lies_on_the_same_pixels(look, size):
    box = np.array([1, 0, 3, 2])
    inside = np.zeros(size)
    inside[1:3, 0:2] = 1
    top, left, bottom, right = turned_box(box, size, look)
    picture = turned(inside, look)
    assert picture[top:bottom, left:right].sum() == inside.sum() == (bottom - top) * (right - left)


def middles(picture):
    """(H, W, 3) of a board: the colours in the middle of each point."""
    return picture[POINT // 2 :: POINT, POINT // 2 :: POINT]


def test_a_position_is_a_board_with_stones():
    """The player to move, whose stones networks see as 1, is Black; the other, −1, is White."""
    config = load_config("go_policy").dataset
    board = np.ones((19, 19, 1), np.uint8)
    board[3, 15], board[0, 0] = 2, 0  # Q16, A19
    assert config.scale[0] + (config.scale[1] - config.scale[0]) * 2 / 255 == 1
    picture = drawn(board, config.appearance)
    assert picture.shape == (19 * POINT, 19 * POINT, 3)
    stones = middles(picture)
    assert stones[3, 15].max() < 40
    assert stones[0, 0].min() > 230
    assert len(np.unique(stones.reshape(-1, 3), axis=0)) == 3  # the third are lines
    wood = picture[1, 5 * POINT].astype(int)
    assert wood[0] > wood[2] + 50  # neither black nor white
    assert_array_equal(drawn(board / np.float32(2), config.appearance) > 0.5, picture > 127)


def test_the_move_is_marked():
    config = load_config("go_policy").dataset
    empty = np.ones((19, 19, 1), np.uint8)
    bare = drawn(empty, config.appearance)

    def marked(move):
        other = np.any(drawn(empty, config.appearance, move) != bare, axis=-1)
        return {(int(row) // POINT, int(column) // POINT) for row, column in np.argwhere(other)}

    assert marked(Move("D4")) == {(15, 3)}
    assert marked(Move("J19", "T1")) == {(0, 8), (18, 18)}
    right = drawn(empty, config.appearance, Move("D4", "D4"))
    assert_array_equal(right, drawn(empty, config.appearance, Move("D4")))


def test_a_picture_that_is_no_position_any_more_keeps_its_colours():
    """Enlarged by a technique: what was black stones is dark."""
    look = load_config("go_policy").dataset.appearance
    assert drawn(np.full((140, 140, 1), 0.75, np.float32), look)[0, 0] == pytest.approx([0.25] * 3)
    assert shades(np.full((19, 19, 1), 0.75), look)[0, 0] == 0.25


def texts_of(figure):
    return [each.get_text() for each in figure.axes[0].texts]


def test_axes_are_named_on_sheets():
    sheet = texts_of(contact_sheet(RISING[None], ["a"], appearance=SPECTROGRAM))
    texts = texts_of(answer_sheet(answers(RISING[None], appearance=SPECTROGRAM), title=""))
    for said in (sheet, texts):
        assert {"time →", "frequency →"} <= set(said)
    assert texts[1].endswith("predictions. Across: time.")
    assert "time →" not in texts_of(contact_sheet(RISING[None], ["a"], appearance=PLAIN))


def test_the_key_of_a_board_explains_the_marks_that_are_there():
    look = load_config("go_policy").dataset.appearance
    board = np.ones((1, 19, 19, 1), np.uint8)
    said = [
        " ".join(texts_of(contact_sheet(board, [""], appearance=look, moves=[move])))
        for move in (Move("D4"), Move("D4", "J19"), Move(predicted="J19"), Move())
    ]
    assert ["Blue ring" in text for text in said] == [True, True, False, False]
    assert ["range cross" in text for text in said] == [False, True, True, False]
    assert "if it is another" not in said[2]
    assert look.key in said[1]
