"""X and O by template matching, as the textbook does it: the mean of products with clean letters."""

import numpy as np
import pytest

from cnnlab.datasets import DATASETS, load_dataset

TEXTBOOK_X = [
    ".........",
    ".X.....X.",
    "..X...X..",
    "...X.X...",
    "....X....",
    "...X.X...",
    "..X...X..",
    ".X.....X.",
    ".........",
]


def drawn(**fields):
    data = load_dataset(DATASETS["xo"](**{"validation_size": 0, "noise": 0.0, **fields}), None)
    return data.pixels.apply(data.train.images)[..., 0], data.train.labels


def test_the_easiest_x_is_the_textbooks():
    images, labels = drawn(size=9, difficulty=0.0, train_count=10)
    template = np.where(np.array([list(row) for row in TEXTBOOK_X]) == "X", 1.0, -1.0)
    for image in images[labels == 0]:
        np.testing.assert_array_equal(image, template)
    for image in images[labels == 1]:
        assert image[4, 4] == -1  # an O is hollow
        np.testing.assert_array_equal(image, image[::-1])
        np.testing.assert_array_equal(image, image.T)
        assert image[1, 4] == image[4, 1] == 1


def test_networks_see_plus_and_minus_one():
    images, _ = drawn(noise=0.1, train_count=50)
    assert set(np.unique(images)) == {-1.0, 1.0}


def best_match(images, patch):
    """The largest mean of products of a patch with any place of each image: 1 is a full match."""
    side = patch.shape[0]
    windows = np.lib.stride_tricks.sliding_window_view(images, (side, side), axis=(1, 2))
    return (windows * patch).mean(axis=(3, 4)).max(axis=(1, 2))


def test_a_crossing_is_found_in_every_easy_x_and_in_no_o():
    crossing = np.where(np.eye(3) + np.eye(3)[::-1] > 0, 1.0, -1.0)
    images, labels = drawn(size=9, difficulty=0.0, train_count=20)
    matches = best_match(images, crossing)
    assert np.all(matches[labels == 0] == 1)
    assert np.all(matches[labels == 1] < 1)


def test_literal_comparison_works_on_easy_letters_and_fails_on_hard_ones():
    clean, clean_labels = drawn(difficulty=0.0, train_count=20)
    templates = [clean[clean_labels == label][0] for label in (0, 1)]
    right = {}
    for difficulty in (0.2, 1.0):
        images, labels = drawn(difficulty=difficulty, train_count=200)
        literal = np.argmax([(images * template).mean(axis=(1, 2)) for template in templates], axis=0)
        right[difficulty] = (literal == labels).mean()
    assert right[0.2] > 0.95
    assert right[1.0] < 0.9


@pytest.mark.parametrize("size", [9, 16, 28])
def test_every_letter_is_seen_whole_and_thickens_with_difficulty(size):
    thin = (drawn(size=size, difficulty=0.0, train_count=50)[0] > 0).sum(axis=(1, 2))
    thick = (drawn(size=size, difficulty=1.0, train_count=50)[0] > 0).sum(axis=(1, 2))
    assert thin.min() >= size
    assert thick.min() >= size // 2
    assert thick.max() > thin.max()


def test_noise_turns_the_share_of_pixels_that_it_says():
    quiet, noisy = drawn(train_count=100)[0], drawn(train_count=100, noise=0.1)[0]
    assert (quiet != noisy).mean() == pytest.approx(0.1, abs=0.01)
