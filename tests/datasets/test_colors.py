import colorsys

import numpy as np
import pytest

from cnnlab.datasets import DATASETS, load_dataset
from cnnlab.datasets.drawn.colors import colored_shapes

HUES = {"red": 0, "yellow": 60, "green": 120, "cyan": 180, "blue": 240, "purple": 300}
"""In degrees, as everyone's colour wheel has them."""


@pytest.fixture(scope="module")
def colors():
    class Nowhere:
        def __getattr__(self, name):
            raise AssertionError("generated pictures need no folder")

    return load_dataset(DATASETS["colors"](validation_size=500), Nowhere())


def everything(data):
    return np.concatenate([data.train.images, data.validation.images, data.test.images])


def test_sizes_are_those_of_the_lecture(colors):
    assert (len(colors.train), len(colors.validation), len(colors.test)) == (4500, 500, 1000)
    assert colors.train.images.shape[1:] == (28, 28, 3)
    assert colors.train.images.dtype == np.uint8
    assert colors.train.labels.dtype == np.int64


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_every_colour_is_equally_frequent(colors, part):
    labels = getattr(colors, part).labels
    counts = np.bincount(labels, minlength=6)
    assert counts.max() - counts.min() <= 1


def test_the_class_is_the_hue_of_the_most_saturated_pixels(colors):
    images, labels = colors.test.images.astype(int), colors.test.labels
    pixels = images.reshape(len(images), -1, 3)
    saturation = pixels.max(axis=-1) - pixels.min(axis=-1)
    strongest = np.argsort(-saturation, axis=1)[:, :8, None]
    means = np.take_along_axis(pixels, strongest, axis=1).mean(axis=1)
    wheel = np.array([HUES[name] for name in colors.class_names])
    degrees = np.array([360 * colorsys.rgb_to_hsv(*mean)[0] for mean in means / 255])
    distance = np.abs((degrees[:, None] - wheel + 180) % 360 - 180)
    np.testing.assert_array_equal(distance.argmin(axis=1), labels)


def test_brightness_names_some_colours_but_not_all(colors):
    """The mean grey value of a shape, sorted into the nearest class, is right for most and wrong for many."""
    images, labels = colors.test.images.astype(float), colors.test.labels
    inside = images.max(axis=-1) - images.min(axis=-1) > 100
    grey = images @ [0.299, 0.587, 0.114]
    shape_grey = (grey * inside).sum(axis=(1, 2)) / inside.sum(axis=(1, 2))
    centres = np.array([shape_grey[labels == k].mean() for k in range(6)])
    accuracy = np.mean(np.abs(shape_grey[:, None] - centres).argmin(axis=1) == labels)
    assert 0.85 < accuracy < 1.0


def test_shapes_cover_little_and_much(colors):
    images = colors.train.images.astype(int)
    area = (images.max(axis=-1) - images.min(axis=-1) > 100).sum(axis=(1, 2))
    assert area.min() >= 9  # even the thinnest line has something to see
    assert np.percentile(area, 10) < 30
    assert area.max() > 400


def test_no_picture_comes_twice(colors):
    images = everything(colors)
    assert len({image.tobytes() for image in images}) == len(images)


def test_the_generator_seed_draws_the_pictures_and_the_seed_only_the_split():
    def drawn(**fields):
        return load_dataset(DATASETS["colors"](**fields), None)

    first, again, split_otherwise = drawn(), drawn(), drawn(seed=1)
    assert first.provenance == again.provenance == split_otherwise.provenance
    np.testing.assert_array_equal(first.train.images, again.train.images)
    assert not np.array_equal(first.train.images, split_otherwise.train.images)
    other = drawn(generator_seed=1)
    assert other.provenance.digest != first.provenance.digest
    assert other.provenance.test_digest != first.provenance.test_digest
    assert first.provenance.status == first.provenance.origin == "generated"
    assert first.provenance.warning is None


def test_labels_and_backgrounds_of_a_seed_are_known_for_good():
    # No rasteriser takes part in these; a change means that NumPy's stream, or the drawing, has changed.
    images, labels = colored_shapes(12, seed=[0, 0])
    assert labels.tolist() == [3, 2, 1, 4, 5, 5, 0, 3, 0, 4, 2, 1]
    assert images[:, 0, 0, 0].tolist() == [30, 17, 8, 15, 8, 42, 11, 38, 29, 0, 0, 9]
