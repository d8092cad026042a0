import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from cnnlab.analyses.network import predict, probabilities_of
from cnnlab.analyses.occlusion import Occlusion, occlusion, under_the_patch
from cnnlab.errors import UserError


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_the_planted_patch_is_found(data_format):
    """A network that is sure as long as it sees 3×3 bright pixels, wherever they are."""
    shape = (10, 12, 1) if data_format == "channels_last" else (1, 10, 12)
    image = keras.Input(shape)
    convolution = keras.layers.Conv2D(1, 3, data_format=data_format)
    x = keras.layers.GlobalMaxPooling2D(data_format=data_format)(convolution(image))
    dense = keras.layers.Dense(2, activation="softmax")
    model = keras.Model(image, dense(x))
    convolution.set_weights([np.ones((3, 3, 1, 1)), np.zeros(1)])
    dense.set_weights([np.array([[0, 2]]), np.array([9, 0])])  # sure above a sum of 4.5
    images = np.zeros((2, 10, 12), np.float32)
    images[0, 2:5, 6:9] = images[1, 6:9, 1:4] = 1
    batch = images[..., None] if data_format == "channels_last" else images[:, None]
    found = occlusion(model, batch, np.array([1, 1]), patch=3, stride=1, fill=np.float32(0))

    assert found.probabilities.shape == (2, 8, 10)
    assert_array_equal(found.tops, range(8))
    assert_allclose(found.uncovered, 1, atol=1e-3)
    for each, top, left in ((found.probabilities[0], 2, 6), (found.probabilities[1], 6, 1)):
        assert np.unravel_index(each.argmin(), each.shape) == (top, left)
        assert each[top, left] < 0.01


def test_every_position_is_the_network_on_a_covered_image(any_network, images_for):
    images, classes = images_for(any_network, 3), np.array([2, 0, 1])
    found = occlusion(any_network, images, classes, patch=4, stride=3, fill=np.float32(0.5))
    assert_array_equal(found.tops, [0, 3, 4])  # the last one touches the edge
    for row, top in enumerate(found.tops):
        for column, left in enumerate(found.lefts):
            covered = images.copy()
            view = covered.transpose(0, 2, 3, 1) if any_network.name == "channels_first" else covered
            view[:, top : top + 4, left : left + 4] = 0.5
            answers = predict(probabilities_of(any_network), covered)
            assert_allclose(found.probabilities[:, row, column], answers[range(3), classes], rtol=1e-4)
    assert_allclose(
        found.uncovered, predict(probabilities_of(any_network), images)[range(3), classes], rtol=1e-4
    )


def test_a_patch_larger_than_the_image(small_network, images_for):
    model = small_network()
    with pytest.raises(UserError) as error:
        occlusion(model, images_for(model), np.zeros(4, int), patch=9, fill=np.float32(0))
    assert str(error.value) == "a 9×9 patch does not fit the 8×8 image; choose a smaller patch"


def test_at_the_pixels_under_the_patch():
    """A 3×3 patch at 0, 2 and 3 has its middles at 1, 3 and 4; the rim has none."""
    grid = np.arange(9, dtype=np.float32).reshape(1, 3, 3)
    found = Occlusion(grid, np.ones(1), np.array([0, 2, 3]), np.array([0, 2, 3]))
    spread = under_the_patch(found, 3, (6, 6))[0]
    assert np.isnan(spread[[0, 5]]).all()
    assert np.isnan(spread[:, [0, 5]]).all()
    assert_allclose(spread[1, 1:5], [0, 0.5, 1, 2])
    assert_allclose(spread[1:5, 1], [0, 1.5, 3, 6])


@pytest.mark.parametrize("patch", [1, 2, 3, 4, 5])
def test_one_pixel_that_matters_is_in_the_middle_of_its_map(patch):
    """All positions that cover it say the same: what they are drawn on is centred on the pixel."""
    starts = np.arange(13 - patch)
    covers = (starts <= 6) & (starts > 6 - patch)
    found = Occlusion(
        np.where(covers[:, None] & covers, 0, 1).astype(np.float32)[None], np.ones(1), starts, starts
    )
    lowered = 1 - np.nan_to_num(under_the_patch(found, patch, (12, 12))[0], nan=1)
    total = lowered.sum()
    assert lowered[6, 6] == lowered.max() == 1
    assert_allclose([(lowered.sum(axis=axis) * np.arange(12)).sum() / total for axis in (0, 1)], 6, atol=1e-6)
