import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from cnnlab.analyses.features import features
from cnnlab.analyses.filters import kernels_of, smoothed
from cnnlab.analyses.network import predict, probabilities_of
from cnnlab.errors import UserError


def test_every_stage_follows_from_the_one_before(any_network, images_for):
    images = images_for(any_network, 2)
    stages, probabilities = features(any_network, images)
    tolerance = 1e-2 if any_network.name.startswith("mixed") else 1e-5
    kinds = [(stage.layer, stage.kind, stage.operation) for stage in stages]
    assert kinds[:3] == [
        ("conv2d_1", "convolution", "Conv2D"),
        ("conv2d_1", "activation", "relu"),
        ("max_pooling2d_1", "pooling", "MaxPooling2D"),
    ]
    convolved, rectified, pooled = (stage.values for stage in stages[:3])
    assert_allclose(rectified, np.maximum(convolved, 0), atol=tolerance)
    assert_allclose(pooled, rectified.reshape(2, 3, 2, 3, 2, 4).max(axis=(2, 4)), atol=tolerance)
    assert_allclose(probabilities, predict(probabilities_of(any_network), images), atol=1e-6)
    assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_kernels_are_the_layer_s_weights(any_network):
    kernels = kernels_of(any_network, "conv2d_1")
    wanted = any_network.get_layer("conv2d_1").get_weights()[0]
    assert_array_equal(kernels, wanted.transpose(3, 0, 1, 2))
    with pytest.raises(UserError) as error:
        kernels_of(any_network, "flatten_1")
    assert str(error.value) == "flatten_1 is a Flatten; choose a convolution"


def test_smoothing_keeps_the_pattern(rng):
    """Averaged over each weight's square, the smooth picture is nearly the kernel again; a plane "
    "stays one."""
    kernels = rng.normal(size=(6, 5, 5, 2)).astype(np.float32)
    smooth = smoothed(kernels, factor=8)
    assert smooth.shape == (6, 40, 40, 2)
    again = smooth.reshape(6, 5, 8, 5, 8, 2).mean(axis=(2, 4))
    assert np.corrcoef(again.ravel(), kernels.ravel())[0, 1] > 0.97
    assert_allclose(smoothed(np.full((1, 3, 3, 1), 0.4, np.float32)), 0.4, rtol=1e-5)


def test_a_network_of_dense_layers(rng):
    image = keras.Input((4, 4, 1))
    x = keras.layers.Dense(5, activation="tanh", name="dense_1")(
        keras.layers.Flatten(name="flatten_1")(image)
    )
    model = keras.Model(image, keras.layers.Dense(3, activation="softmax", name="dense_2")(x))
    stages, _ = features(model, rng.random((2, 4, 4, 1)).astype(np.float32))
    assert [(stage.layer, stage.kind, stage.operation) for stage in stages] == [
        ("flatten_1", "neurons", "Flatten"),
        ("dense_1", "neurons", "Dense"),
        ("dense_1", "neurons", "tanh"),
        ("dense_2", "neurons", "Dense"),
        ("dense_2", "neurons", "softmax"),
    ]
    assert_allclose(stages[2].values, np.tanh(stages[1].values), atol=1e-6)
