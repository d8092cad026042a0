"""RandomErasing: what is covered, by how much, and only in training."""

import numpy as np
import pytest

from cnnlab.layers.erasing import RandomErasing


@pytest.fixture
def images():
    return np.full((200, 20, 30, 3), 0.5, dtype=np.float32)


def erased(images, backend, *, training=True, **fields):
    import keras

    keras.utils.set_random_seed(0)
    layer = RandomErasing(**fields).build("erasing")
    return np.asarray(keras.ops.convert_to_numpy(layer(images, training=training)))


def test_one_rectangle_of_each_image_is_covered(images, backend):
    changed = erased(images, backend, scale=(0.04, 0.25), fill_value=1.0)
    for image in changed:
        covered = image[..., 0] == 1
        if covered.any():
            rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
            assert covered.sum() == len(rows) * len(columns)  # a full rectangle, in one piece
            assert np.ptp(rows) == len(rows) - 1
            assert len(rows) <= 0.5 * 20 + 1
            assert len(columns) <= 0.5 * 30 + 1
        assert (image[~covered] == 0.5).all()
    assert 0.3 < np.mean([(image == 1).any() for image in changed]) < 0.7


def test_noise_stays_in_the_range_of_the_pixels(images, backend):
    changed = erased(images, backend)
    assert changed.min() == 0
    assert changed.max() == 1


def test_nothing_happens_outside_of_training_or_without_a_factor(images, backend):
    np.testing.assert_array_equal(erased(images, backend, training=False), images)
    np.testing.assert_array_equal(erased(images, backend, factor=0.0), images)


def test_the_shape_stays():
    assert RandomErasing().output_shape((20, 30, 3)) == (20, 30, 3)
