"""X or O: the lecture's worked example, its steps against independent ones, and what tells which figure."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import shift
from scipy.signal import correlate

from cnnlab.analyses.letters import (
    DISTORTIONS,
    KINDS,
    METHODS,
    PATCHES,
    SHIFTS,
    UNDECIDED,
    LetterNetwork,
    Vote,
    as_they_are,
    chosen,
    cut_out,
    figures_of,
    identical,
    layer,
    mean_of_products,
    most_equal_pixels,
    pooled,
    told_letters,
)
from cnnlab.datasets.drawn.random_stream import RandomStream
from cnnlab.datasets.sources.xo import XO

DIAGONAL = [
    [0.78, -0.11, 0.11, 0.33, 0.56, -0.11, 0.33],
    [-0.11, 1.00, -0.11, 0.33, -0.11, 0.11, -0.11],
    [0.11, -0.11, 1.00, -0.33, 0.11, -0.11, 0.56],
    [0.33, 0.33, -0.33, 0.56, -0.33, 0.33, 0.33],
    [0.56, -0.11, 0.11, -0.33, 1.00, -0.11, 0.11],
    [-0.11, 0.11, -0.11, 0.33, -0.11, 1.00, -0.11],
    [0.33, -0.11, 0.56, 0.33, 0.11, -0.11, 0.78],
]
"""The lecture's map of the diagonal patch on the X, rounded."""

POOLED = [
    [1.00, 0.33, 0.56, 0.33],
    [0.33, 1.00, 0.33, 0.56],
    [0.56, 0.33, 1.00, 0.11],
    [0.33, 0.56, 0.11, 0.78],
]


@pytest.fixture(scope="module")
def network():
    return LetterNetwork.of_letters()


def test_the_lecture_s_x():
    x = as_they_are()[0, ..., 0]
    wanted = np.full((9, 9), -1.0)
    inner = np.arange(1, 8)
    wanted[inner, inner] = wanted[inner, inner[::-1]] = 1
    assert_array_equal(x, wanted)


def test_the_lecture_s_maps(network):
    """Two maps and what pooling leaves of one are printed there; the third mirrors the first."""
    first, _ = network.stages(as_they_are()[:1])
    diagonal, cross, other = np.moveaxis(first.matches[0], -1, 0)
    assert_array_equal(diagonal.round(2), DIAGONAL)
    assert_array_equal(other, diagonal[:, ::-1])
    assert (cross[3, 3], cross.max(), np.sum(cross == 1)) == (1, 1, 1)
    assert_array_equal(first.pooled[0, ..., 0].round(2), POOLED)
    assert_array_equal(first.rectified, first.pooled)  # of an X, nothing negative is left


def test_patches_are_strokes_of_ones():
    diagonal, cross, other = PATCHES.values()
    assert_array_equal(diagonal, [[1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    assert_array_equal(cross, [[1, -1, 1], [-1, 1, -1], [1, -1, 1]])
    assert_array_equal(other, [[-1, -1, 1], [-1, 1, -1], [1, -1, -1]])


def test_the_mean_of_products_is_a_correlation_divided_by_its_size(rng):
    images, patches = rng.normal(size=(2, 6, 7, 3)), rng.normal(size=(4, 3, 2, 3))
    found = mean_of_products(images, patches)
    for image, maps in zip(images, found, strict=True):
        for patch, answer in zip(patches, np.moveaxis(maps, -1, 0), strict=True):
            assert_allclose(answer, correlate(image, patch, mode="valid")[..., 0] / 18, atol=1e-12)


def test_a_full_match_is_one_and_its_opposite_minus_one(rng):
    patch = rng.choice([-1.0, 1.0], size=(1, 3, 3, 1))
    assert mean_of_products(patch, patch).item() == 1
    assert mean_of_products(-patch, patch).item() == -1


def test_pooling_fills_odd_edges_with_zeros():
    """Where Keras pads with −∞, a column of negative values would stay negative."""
    maps = np.arange(-15.0, 0).reshape(1, 3, 5, 1)
    assert_array_equal(pooled(maps)[0, ..., 0], [[-9, -7, 0], [0, 0, 0]])
    assert_array_equal(pooled(maps[:, :2, :4])[0, ..., 0], [[-9, -7]])


def test_the_second_layer_is_cut_out_of_the_first_one_s_maps(network, rng):
    maps = rng.normal(size=(2, 4, 5, 3))
    patches = cut_out(maps)
    assert patches.shape == (12, 3, 3, 3)
    piece = maps[1, 1:4, 2:5]  # the last
    assert_allclose(patches[-1], piece - piece.mean(), atol=1e-15)
    letters = layer(as_they_are(), network.patches[0]).rectified
    assert_array_equal(network.patches[1], cut_out(letters))
    _, second = network.stages(as_they_are())
    assert [each.shape[1:] for each in (second.matches, second.pooled)] == [(2, 2, 8), (1, 1, 8)]
    # A piece less its mean matches itself by its variance.
    variances = [letters[0, top : top + 3, left : left + 3].var() for top in (0, 1) for left in (0, 1)]
    assert_allclose(
        [second.matches[0, top, left, 2 * top + left] for top in (0, 1) for left in (0, 1)], variances
    )


def test_a_value_counts_for_the_letter_that_has_more_of_it():
    vote = Vote.of_letters(np.array([[3.0, 0, 1, 2], [0.0, 2, 1, 1]]))
    assert_allclose(vote.weights.T, [[0.75, 0, 0, 0.25], [0, 1, 0, 0]])
    assert_allclose(vote.scores(np.array([[1.0, 5, 9, 3]])), [[1.5, 5]])
    assert chosen(np.array([[1.5, 5], [2, 1], [0.1 + 0.2, 0.3]])).tolist() == [1, 0, UNDECIDED]


def test_comparing_pixels():
    x, o = as_they_are()
    nearly = x.copy()
    nearly[0, 0] = 1
    assert identical(np.stack([o, x, nearly])).tolist() == [1, 0, UNDECIDED]
    differing = np.argwhere(x != o)
    assert len(differing) == 21
    mixtures = np.repeat(x[None], 2, axis=0)
    for mixture, count in zip(mixtures, (10, 11), strict=True):
        for row, column, _ in differing[:count]:
            mixture[row, column] = o[row, column]
    assert most_equal_pixels(np.stack([o, x, nearly, *mixtures])).tolist() == [1, 0, 0, 0, 1]


def test_figures_are_those_of_the_dataset_and_follow_from_the_seed():
    thin, _ = XO(size=9, difficulty=0, noise=0).draw(40, RandomStream(0))
    assert {each.tobytes() for each in thin / 127.5 - 1} == {each.tobytes() for each in as_they_are()}
    for kind in KINDS:
        images, labels = figures_of(kind, 40, seed=3)
        again, same = figures_of(kind, 40, seed=3)
        assert_array_equal(images, again)
        assert_array_equal(labels, same)
        assert_array_equal(np.unique(images), [-1, 1])
        assert np.sum(labels == 0) == len(labels) / 2
    assert np.any(figures_of(kind, 40, seed=4)[0] != images)


def test_shifts_are_by_whole_pixels_and_every_one_is_there_once():
    for kind, pixels in SHIFTS.items():
        images, labels = figures_of(kind, 3, seed=0)
        steps = range(pixels, -pixels - 1, -1)
        away = [(down, across) for down in steps for across in steps if pixels in (abs(down), abs(across))]
        wanted = [shift(letter, (*each, 0), order=0, cval=-1) for each in away for letter in as_they_are()]
        assert_array_equal(images, wanted)
        assert_array_equal(labels, [0, 1] * len(away))


def test_one_distortion_changes_nothing_else():
    """Only what is shifted loses its center, only what is rotated its mirror image."""
    for kind in KINDS:
        figures = figures_of(kind, 200, seed=0)[0]
        mirrored = (figures == figures[:, :, ::-1]).all(axis=(1, 2, 3))
        turned = (figures == figures[:, ::-1, ::-1]).all(axis=(1, 2, 3))
        amounts = DISTORTIONS.get(kind, {})
        is_shifted, is_rotated = SHIFTS.get(kind, 0) > 0 or "shift" in amounts, "rotation" in amounts
        assert turned.all() != is_shifted
        assert mirrored.all() != (is_shifted or is_rotated)
    turned, labels = figures_of("rotated by up to 45°", 200, seed=0)
    assert np.all(turned[labels == 1] == as_they_are()[1])  # an O that is turned is the same O
    for kind, narrowest in (("scaled to 50–100%", 3), ("thickened to up to 2 pixels", 7)):
        widths = (figures_of(kind, 200, seed=0)[0].max(axis=(1, 3)) == 1).sum(axis=1)
        assert (widths.min(), widths.max()) == (narrowest, 7)


def test_what_tells_which_figures(network):
    """The table of docs/explain.md."""
    found = {each.kind: each.accuracies for each in told_letters(network, 1000, seed=0)}
    assert {kind: [round(share, 3) for share in shares.values()] for kind, shares in found.items()} == {
        "as it is": [1, 1, 1, 1],
        "shifted by 1 pixel": [0, 0.75, 1, 1],
        "shifted by 2 pixels": [0, 0.125, 0.5, 0.625],
        "scaled to 50–100%": [0.168, 0.666, 1, 0.66],
        "rotated by up to 45°": [0.534, 0.729, 0.808, 0.868],
        "thickened to up to 2 pixels": [0.318, 1, 1, 0.754],
        "all four at once": [0, 0.688, 0.618, 0.575],
    }
    assert all(tuple(shares) == METHODS for shares in found.values())
