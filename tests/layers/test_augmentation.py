"""Augmentation: in training only, drawn from the run's seed, pixels in their range."""

import numpy as np
import pytest

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.layers import LAYERS
from cnnlab.model import build_model

IMAGES = np.random.default_rng(0).random((8, 12, 12, 3), np.float32)
AUGMENTATIONS = [
    pytest.param({"RandomFlip": {"mode": "horizontal"}}, id="flip"),
    pytest.param({"RandomRotation": {"factor": 0.1}}, id="rotation"),
    pytest.param(
        {"RandomTranslation": {"height_factor": 0.2, "width_factor": [-0.3, 0.1]}}, id="translation"
    ),
    pytest.param({"RandomZoom": {"height_factor": 0.3}}, id="zoom"),
    pytest.param({"RandomCrop": {"height": 9, "width": 9}}, id="crop"),
]


def model_of(layer, *, seed=0):
    model = {"input_shape": [12, 12, 3], "layers": [layer]}
    return build_model(ExperimentConfig.model_validate({"name": "augmented", "model": model, "seed": seed}))


def in_training(model, images=IMAGES) -> np.ndarray:
    """What a compiled training step sees: the layers must work inside a graph."""
    import tensorflow as tf

    return tf.function(lambda batch: model(batch, training=True))(tf.constant(images)).numpy()


@pytest.mark.parametrize("layer", AUGMENTATIONS)
def test_pixels_change_and_stay_in_their_range(layer, backend):
    changed = in_training(model_of(layer))
    assert not np.array_equal(changed, np.asarray(model_of(layer)(IMAGES, training=False)))
    assert changed.min() >= 0
    assert changed.max() <= 1 + 1e-6


@pytest.mark.parametrize("layer", [each for each in AUGMENTATIONS if each.id != "crop"])
def test_nothing_happens_outside_training(layer, backend):
    np.testing.assert_array_equal(np.asarray(model_of(layer)(IMAGES, training=False)), IMAGES)


@pytest.mark.parametrize(("height", "width"), [(9, 9), (6, 8), (12, 3), (12, 12)])
def test_outside_training_a_crop_is_the_largest_piece_of_its_shape(height, width, backend):
    import keras

    seen = np.asarray(model_of({"RandomCrop": {"height": height, "width": width}})(IMAGES, training=False))
    rows, columns = min(12, 12 * height // width), min(12, 12 * width // height)
    top, left = (12 - rows) // 2, (12 - columns) // 2
    piece = IMAGES[:, top : top + rows, left : left + columns]
    np.testing.assert_allclose(seen, np.asarray(keras.ops.image.resize(piece, (height, width))), atol=1e-6)


@pytest.mark.parametrize("layer", AUGMENTATIONS)
def test_the_seed_decides(layer, backend):
    first, again = (in_training(model_of(layer, seed=3)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert any(not np.array_equal(first, in_training(model_of(layer, seed=seed))) for seed in (4, 5))


def test_a_flip_is_the_mirror_image_or_the_image(backend):
    flipped = in_training(model_of({"RandomFlip": {"mode": "horizontal"}}))
    mirrored = [np.array_equal(after, before[:, ::-1]) for before, after in zip(IMAGES, flipped, strict=True)]
    kept = [np.array_equal(after, before) for before, after in zip(IMAGES, flipped, strict=True)]
    assert all(np.logical_xor(mirrored, kept))
    assert any(mirrored)
    assert any(kept)


def test_a_crop_is_a_piece_of_the_image(backend):
    cropped = in_training(model_of({"RandomCrop": {"height": 9, "width": 9}}))
    pieces = [IMAGES[:, row : row + 9, column : column + 9] for row in range(4) for column in range(4)]
    assert any(np.allclose(cropped, piece) for piece in pieces)


def test_a_crop_as_high_as_its_image_is_random_along_the_other_axis(backend):
    layer = {"RandomCrop": {"height": 12, "width": 8}}
    found = set()
    for seed in range(6):
        cropped = in_training(model_of(layer, seed=seed))
        found |= {first for first in range(5) if np.array_equal(cropped, IMAGES[:, :, first : first + 8])}
        if len(found) > 2:
            return
    pytest.fail(f"only {sorted(found)} of columns 0 to 4 are first")


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("layer", AUGMENTATIONS)
def test_half_precision_changes_no_pixel(layer, precision, backend):
    """The images of a network in half precision are augmented as in float32."""
    import keras

    kind, fields = next(iter(layer.items()))
    changed = []
    for policy in ("float32", precision):
        keras.utils.set_random_seed(0)
        changed.append(np.asarray(LAYERS[kind](**fields).build("it", policy)(IMAGES, training=True)))
    np.testing.assert_array_equal(*changed)
