"""Our own Keras layers against NumPy and TensorFlow."""

import numpy as np
import pytest

from cnnlab.layers import LAYERS

COLORS = np.random.default_rng(0).random((2, 4, 5, 3), np.float32)
GREY = 0.299 * COLORS[..., :1] + 0.587 * COLORS[..., 1:2] + 0.114 * COLORS[..., 2:]
MAPS = np.random.default_rng(1).normal(size=(2, 3, 4, 7)).astype(np.float32)


def outputs(kind: str, fields: dict, images: np.ndarray, data_format: str) -> np.ndarray:
    """What a layer makes of channels-last images, in the format asked for, as channels last again."""
    layer = LAYERS[kind].model_validate(fields | {"data_format": data_format}).build("layer")
    if data_format == "channels_last":
        return np.asarray(layer(images))
    return np.asarray(layer(images.transpose(0, 3, 1, 2))).transpose(0, 2, 3, 1)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_grayscale(data_format, backend):
    np.testing.assert_allclose(outputs("Grayscale", {}, COLORS, data_format), GREY, rtol=1e-6)


def test_white_stays_white(backend):
    layer = LAYERS["Grayscale"]().build("grayscale")
    np.testing.assert_allclose(np.asarray(layer(np.ones((1, 2, 2, 3), np.float32))), 1.0, rtol=1e-6)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="defaults"),
        pytest.param({"depth_radius": 2, "bias": 2.0, "alpha": 1e-4, "beta": 0.75}, id="AlexNet"),
        pytest.param({"depth_radius": 1, "bias": 1.0, "alpha": 0.5, "beta": 0.5}, id="strong"),
        pytest.param({"depth_radius": 9, "bias": 1.0, "alpha": 0.5, "beta": 1.0}, id="over all channels"),
    ],
)
def test_local_response_normalization(fields, data_format, backend):
    import tensorflow as tf

    expected = tf.nn.local_response_normalization(MAPS, **fields).numpy()
    found = outputs("LocalResponseNormalization", fields, MAPS, data_format)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_local_response_normalization_by_hand(backend):
    """One pixel of three channels, a neighbour on either side: x ÷ (2 + ½ · sum of squares)."""
    layer = LAYERS["LocalResponseNormalization"](depth_radius=1, bias=2.0, alpha=0.5, beta=1.0).build("layer")
    found = np.asarray(layer(np.array([1, 2, 3], np.float32).reshape(1, 1, 1, 3)))
    np.testing.assert_allclose(found.ravel(), [1 / 4.5, 2 / 9.0, 3 / 8.5], rtol=1e-6)
