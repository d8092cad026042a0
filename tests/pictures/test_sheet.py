"""Sheets are values: what is drawn where, and on which scale, is asserted on the artists."""

from io import BytesIO

import numpy as np
import pytest
from matplotlib.colors import to_hex
from numpy.testing import assert_allclose

from cnnlab.pictures.drawings.maps import MapColumn, pixel_maps
from cnnlab.pictures.drawings.sets import Panel, embedding_plane, invariance_curves
from cnnlab.pictures.drawings.stages import stages
from cnnlab.pictures.drawings.units import curve_detector, curve_response, filter_weights, strongest_examples
from cnnlab.pictures.kit.formats import short
from cnnlab.pictures.kit.scales import ColorScale
from cnnlab.pictures.kit.sheet import Sheet
from cnnlab.pictures.plots import confusion_matrix


def draw(figure):
    file = BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def test_signed_scales_are_white_at_zero():
    scale = ColorScale.signed(np.array([-3.0, 1.0, np.nan]))
    assert (scale.low, scale.high) == (-3, 3)
    red, green, blue, _ = scale.mappable.to_rgba(0.0)
    assert min(red, green, blue) > 0.95
    assert ColorScale.positive(np.zeros(4)).high == 1  # nothing to see is no error


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.01234, "0.012"), (-2.345, "−2.3"), (123.4, "123"), (0.00001234, "1.2e−05")],
)
def test_short_numbers(value, text):
    assert short(value) == text


def test_pictures_keep_their_proportions_and_stay_in_their_cells():
    sheet = Sheet(2, 3, title="Title", cell=(1.0, 1.0))
    x, y, wide, tall = sheet.picture(1, 2, np.zeros((10, 20, 3)))
    left, top = sheet.place(1, 2)
    assert_allclose([wide, tall], [1.0, 0.5])
    assert_allclose([x, y], [left, top + 0.25])
    assert sheet.bottom <= sheet.size[1]
    assert x + wide <= sheet.size[0]


def test_lines_of_a_subtitle_break_at_spaces_only():
    subtitle = "One scale per column; Grad-CAM has one per image, integrated-gradients too. " * 6
    sheet = Sheet(1, 4, title="", subtitle=subtitle)
    lines = [text.get_text() for text in sheet.axes.texts[1:]]
    assert len(lines) > 3
    assert not any(line.endswith("-") for line in lines)
    assert " ".join(lines) == subtitle.strip()


def test_second_rows_stand_close_to_their_first():
    sheet = Sheet(4, 1, title="", cell=(1.0, 1.0), gap=(0.1, 0.05), caption=0.2, pairs=True)
    tops = [sheet.place(row, 0)[1] for row in range(4)]
    assert_allclose(np.diff(tops)[[0, 2]], 1.05)
    assert np.diff(tops)[1] > 1.2


def test_one_scale_for_a_column_and_a_bar_that_says_it():
    values = np.stack([np.full((4, 4), 1.0), np.full((4, 4), -5.0)])
    figure = pixel_maps(
        np.zeros((2, 4, 4, 1)),
        ["one", "two"],
        [MapColumn("map", values, "score", signed=True)],
        title="T",
        subtitle="S",
    )
    draw(figure)
    maps = [each for each in figure.axes[0].images if each.get_cmap().name == "RdBu_r"]
    assert [each.get_clim() for each in maps] == [(-5, 5), (-5, 5)]
    (bar,) = figure.axes[1:]
    assert bar.get_xlabel() == "score"
    assert [text.get_text() for text in bar.get_xticklabels()] == ["−5", "0", "5"]


def test_maps_on_their_own_scales_are_shares_of_their_largest():
    values = np.stack([np.full((2, 2), 4.0), np.zeros((2, 2))])
    drawn, scale = MapColumn("map", values, "score", each=True).drawn()
    assert_allclose(drawn[0], 1)
    assert_allclose(drawn[1], 0)
    assert scale.label == "score ÷ maximum"


def test_boxes_are_drawn_where_they_lie_in_the_image():
    images = np.zeros((1, 1, 10, 10, 1))
    figure = strongest_examples(
        images, np.array([[[2, 4, 7, 9]]]), [["1.5"]], ["unit 0"], title="T", subtitle="S"
    )
    picture, box = figure.axes[0].images[0].get_extent(), figure.axes[0].patches[-1]
    left, right, bottom, top = picture
    assert_allclose(box.get_x(), left + 0.4 * (right - left))
    assert_allclose(box.get_y(), top + 0.2 * (bottom - top))
    assert_allclose([box.get_width(), box.get_height()], [0.5 * (right - left), 0.5 * (bottom - top)])


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_colours_come_with_their_range():
    kernels = np.full((2, 3, 3, 3), 0.1)
    kernels[0, 0, 0, 0] = -0.25
    figure = filter_weights(kernels, kernels, title="T", subtitle="S")
    draw(figure)
    (bar,) = figure.axes[1:]
    assert bar.get_xlim() == (-0.25, 0.25)
    patterns = np.array([0.5, -2.0]).reshape(1, 2, 1, 1, 1) * np.ones((1, 2, 4, 4, 3))
    figure = strongest_examples(
        np.zeros((1, 2, 4, 4, 3)), np.tile([0, 0, 2, 2], (1, 2, 1)), [["1.5", "1.2"]], ["unit 0"],
        patterns=patterns, title="T", subtitle="S",
    )  # fmt: skip
    draw(figure)
    assert {"1.5\n±0.5", "1.2\n±2"} <= set(texts(figure))


def test_a_sheet_without_maps_leaves_no_room_for_their_colors():
    images = np.zeros((1, 4, 4, 1))
    last = ("straightened", images, [""])
    column = MapColumn("map", images[..., 0], "unit")
    heights = [
        pixel_maps(images, ["image"], columns, title="T", subtitle="S", last=last).get_figheight()
        for columns in ((), (column,))
    ]
    assert heights[1] - heights[0] > 0.5


def test_an_answer_is_never_rounded_up_to_certainty():
    figure = stages(
        np.zeros((4, 4, 1)), [], [("dense_1 · Dense", np.array([9.0, 0]))],
        [("0", 0.99997), ("1", 0.00003)], title="T", subtitle="S",
    )  # fmt: skip
    assert {"> 99.9%", "< 0.1%"} <= set(texts(figure))


def test_a_curve_detector_shows_every_number():
    kernel = np.full((3, 3), -0.15)
    kernel[1] = 1
    patch = np.arange(9).reshape(3, 3) / 8
    patches = [("own", kernel.clip(0), "3"), ("A: best", patch, "1.2")]
    figure = curve_detector(kernel, patches, title="T", subtitle="S")
    draw(figure)
    said = texts(figure)
    assert said.count("−0.15") == 6
    assert said.count("0.88") == 1
    assert "A: best\n1.2" in said


def test_a_curve_detector_marks_where_it_responds():
    patch = np.arange(9).reshape(3, 3) / 8
    figure = curve_response(
        np.zeros((9, 9, 1)), np.ones((3, 3)), np.zeros((7, 7)), ("B: worst", patch, "-1"), [(0, 0), (6, 6)],
        title="T", subtitle="S",
    )  # fmt: skip
    draw(figure)
    said = texts(figure)
    assert said.count("0.88") == 1
    assert {"B: worst\n-1", "A", "B"} <= set(said)


def test_curves_show_the_mean_and_the_seeds():
    seeds = np.array([[0.2, 0.9, 0.4], [0.4, 0.7, 0.2]])
    panel = Panel("shift", "pixels", 0.0, np.array([-1.0, 0.0, 1.0]), {"cnn, seeds 0-1": seeds})
    figure = invariance_curves([panel], title="T", accuracy_of="60 test images")
    draw(figure)
    (axes,) = figure.axes
    line = next(each for each in axes.lines if each.get_label() == "cnn, seeds 0-1")
    assert_allclose(line.get_ydata(), [0.3, 0.8, 0.3])
    assert len(axes.collections) == 1  # the band
    assert axes.get_ylabel() == "accuracy on 60 test images"


def test_a_confusion_matrix_colours_the_errors_only():
    figure = confusion_matrix(np.array([[90, 10], [0, 50]]), ["cat", "dog"], title="T", subtitle="S")
    draw(figure)
    assert_allclose(figure.axes[0].images[0].get_array(), [[0, 0.1], [0, 0]])
    assert [text.get_text() for text in figure.axes[0].texts] == ["90", "10", "50"]


@pytest.mark.parametrize(
    ("names", "first"),
    [(("red", "blue", "cyan"), "#ff0000"), (("0", "1", "2"), "#0072b2")],
    ids=["colours", "digits"],
)
def test_classes_that_are_colours_have_them_and_names_do_not_cover_each_other(names, first):
    rng = np.random.default_rng(0)
    coordinates = np.concatenate([rng.normal(middle, 1, (30, 2)) for middle in (0, 0.01, 20)])
    labels = np.repeat([0, 1, 2], 30)
    figure = embedding_plane(coordinates, labels, names, title="T", subtitle="S", axis_names=("one", "two"))
    draw(figure)
    (axes,) = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("one", "two")
    assert to_hex(axes.collections[0].get_facecolor()[0]) == first
    boxes = [text.get_bbox_patch().get_window_extent() for text in axes.texts]
    assert not boxes[0].overlaps(boxes[1])
