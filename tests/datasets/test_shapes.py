"""Shapes against what geometry says of them: area, box, symmetry, colour."""

import math

import numpy as np
import pytest

from cnnlab.datasets import DATASETS
from cnnlab.datasets.drawn.shapes import OUTLINES, Outline


def clean(name="shapes", **fields):
    config = DATASETS[name](**{"train_count": 400, "test_count": 10, "noise": 0.0, **fields})
    content = config.read(None)
    return content.train_images, content.train_labels, config.class_names


def boxes(inside):
    """Height and width of what is inside, for each of (N, H, W) bool."""
    rows, columns = inside.any(axis=2), inside.any(axis=1)
    return rows.sum(axis=1), columns.sum(axis=1)


def test_areas_and_boxes_are_those_of_the_shapes():
    images, labels, names = clean(size=64)
    inside = images[..., 0] > 60
    height, width = boxes(inside)
    share = inside.sum(axis=(1, 2)) / (height * width)
    for name, expected in {
        "circle": math.pi / 4,
        "rectangle": 1,
        "triangle": 1 / 2,
        "diamond": 1 / 2,
    }.items():
        assert share[labels == names.index(name)] == pytest.approx(expected, abs=0.06), name
    circles = labels == names.index("circle")
    assert np.all(abs(height[circles] - width[circles]) <= 1)
    lines = labels == names.index("line")
    length = np.hypot(height, width)[lines]
    assert np.all(inside.sum(axis=(1, 2))[lines] <= 3 * length + 4)


def test_a_diamond_has_its_corners_in_the_middle_and_a_triangle_its_base_below():
    images, labels, names = clean(size=64)
    inside = images[..., 0] > 60
    for image in inside[labels == names.index("diamond")]:
        rows = np.flatnonzero(image.any(axis=1))
        widths = image[rows].sum(axis=1)
        assert widths.argmax() == pytest.approx((len(rows) - 1) / 2, abs=1.5)
        np.testing.assert_allclose(widths, widths[::-1], atol=2)
    for image in inside[labels == names.index("triangle")]:
        widths = image.sum(axis=1)[image.any(axis=1)]
        assert np.all(np.diff(widths) >= -1)
        assert widths[0] <= 3
        assert widths[-1] == widths.max()


def test_everything_is_inside_the_picture_and_in_the_middle_where_it_is_easy():
    images, labels, names = clean(difficulty=0.0)
    inside = images[..., 0] > 60
    centered = inside[np.isin(labels, [names.index("rectangle"), names.index("diamond")])]
    np.testing.assert_array_equal(centered, centered[:, ::-1])
    np.testing.assert_array_equal(centered, centered[:, :, ::-1])
    hard = clean(difficulty=1.0)[0][..., 0]
    middles = [np.argwhere(image > 60).mean(axis=0) for image in hard]
    assert np.std(middles, axis=0).min() > 1.5


def test_noise_has_the_strength_it_should():
    noisy, quiet = clean(noise=0.03)[0], clean(noise=0.0)[0]
    difference = noisy.astype(int) - quiet
    unclipped = (quiet > 150) & (quiet < 220)
    assert difference[unclipped].std() == pytest.approx(0.03 * 255, rel=0.05)


@pytest.mark.parametrize("covers", OUTLINES, ids=lambda covers: covers.__name__)
def test_outlines_are_mirrored_with_their_parameters(covers):
    def covered(apex, leaning):
        column = np.ones((1, 1, 1), dtype=np.int64)
        outline = Outline(9 * column, 6 * column, apex * column, leaning * column, 2 * column)
        points = 2 * np.arange(20)[None] - 19
        return covers(points[:, None, :], points[:, :, None], outline)[0]

    np.testing.assert_array_equal(covered(5, 1)[:, ::-1], covered(-5, -1))


def test_colored_shapes_are_of_the_named_colour_and_shape():
    images, labels, names = clean("colored_shapes", size=64, difficulty=0.2)
    shining = {
        "red": (1, 0, 0), "yellow": (1, 1, 0), "green": (0, 1, 0),
        "cyan": (0, 1, 1), "blue": (0, 0, 1), "purple": (1, 0, 1),
    }  # fmt: skip
    for image, label in zip(images, labels, strict=True):
        color, shape = names[label].split()
        inside = image.max(axis=-1) > 120
        assert ((image[inside] > 120) == shining[color]).all()
        height, width = boxes(inside[None])
        full = inside.sum() / (height * width)[0]
        if shape in ("rectangle", "circle", "diamond"):
            assert full == pytest.approx(
                {"rectangle": 1, "circle": math.pi / 4, "diamond": 0.5}[shape], abs=0.06
            )
