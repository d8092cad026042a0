"""Each layer by hand is Keras's, forwards and backwards, and its gradients are slopes."""

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from cnnlab.scratch.layer import Mode
from cnnlab.scratch.table import SCRATCH_LAYERS
from tests.scratch.oracles import assert_backward_is_slope, assert_close, by_keras, case, cases

RANDOM = ("Dropout", "SpatialDropout2D")

AWAY_FROM_KINKS = ("ReLU",)
"""Keras's backends do not agree on the slope at its max_value."""


IN_SINGLE_PRECISION = ("Rescaling", "UpSampling2D")
"""What TensorFlow computes in float32, whatever the layer's dtype is; constants are everywhere."""


@pytest.mark.parametrize("kind", SCRATCH_LAYERS)
@settings(max_examples=25)
@given(data=st.data())
def test_each_layer_is_that_of_keras(kind, backend, data):
    import tensorflow as tf

    rounded = st.just(False) if kind in AWAY_FROM_KINKS else st.booleans()
    tried, training = data.draw(cases(kind, rounded)), data.draw(st.booleans())
    if tried is None:
        event("refused")
        return
    training = training and kind not in RANDOM
    atol = 1e-5 if kind in IN_SINGLE_PRECISION else 1e-7
    passed = tried.passed(training)
    found = passed.backward(tried.gradient, True)
    try:
        output, to_inputs, to_weights, after = by_keras(tried, training)
    except tf.errors.InvalidArgumentError:  # DepthwiseConv2D with other strides down than across
        event("TensorFlow has no such convolution")
        return
    assert_close(passed.output, output, "output", atol)
    for gradient, expected in zip(found.inputs, to_inputs, strict=True):
        assert_close(gradient, expected, "gradient of the inputs", atol)
    assert found.weights.keys() == to_weights.keys()
    for name, expected in to_weights.items():
        assert_close(found.weights[name], expected, f"gradient of {name}", atol)
    for name, expected in after.items():
        assert_close(passed.state.get(name, tried.weights[name]), expected, name, atol)
    alone = passed.backward(tried.gradient, False).weights
    assert all(np.array_equal(alone[name], each) for name, each in found.weights.items())


@pytest.mark.parametrize("kind", SCRATCH_LAYERS)
@settings(max_examples=10)
@given(data=st.data())
def test_gradients_are_slopes(kind, data):
    tried, training = data.draw(cases(kind, rounded=st.just(False))), data.draw(st.booleans())
    if tried is None:
        return

    def mode():
        return Mode(training, uniform=np.random.default_rng(0).random)

    assert_backward_is_slope(tried, mode)


@pytest.mark.parametrize("kind", SCRATCH_LAYERS)
@settings(max_examples=5)
@given(data=st.data())
def test_single_precision_stays_single(kind, data):
    tried = data.draw(cases(kind, dtype="float32"))
    if tried is None:
        return
    passed = tried.passed(training=True, uniform=np.random.default_rng(0).random)
    found = passed.backward(tried.gradient, True)
    arrays = {"output": passed.output, **passed.state, **found.weights, **dict(enumerate(found.inputs))}
    assert {name: each.dtype for name, each in arrays.items() if each.dtype != "float32"} == {}
    assert found.weights.keys() | passed.state.keys() == tried.weights.keys()
    for gradient, inputs in zip(found.inputs, tried.inputs, strict=True):
        assert gradient.shape == inputs.shape


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_every_interpolation_enlarges_as_in_keras(interpolation, backend):
    tried = case("UpSampling2D", {"size": [3, 2], "interpolation": interpolation}, (4, 5, 2))
    passed = tried.passed()
    output, (to_images,), _, _ = by_keras(tried)
    assert_close(passed.output, output, atol=1e-5)
    assert_close(passed.backward(tried.gradient, True).inputs[0], to_images, atol=1e-5)


@pytest.mark.parametrize("kind", RANDOM)
def test_dropout_keeps_the_mean_and_drops_its_share(kind):
    tried = case(kind, {"rate": 0.25}, (8, 8, 50), dtype="float32")
    images = np.ones_like(tried.inputs[0])
    mode = Mode(training=True, uniform=np.random.default_rng(0).random)
    passed = tried.layer.forward([images], {}, mode)
    assert set(np.unique(passed.output)) == {0, np.float32(1 / 0.75)}
    np.testing.assert_allclose(np.mean(passed.output == 0), 0.25, atol=0.08)
    np.testing.assert_array_equal(passed.backward(images, True).inputs[0], passed.output)
    whole_maps = (passed.output.reshape(3, 64, 50) == passed.output[:, :1, 0]).all()
    assert whole_maps == (kind == "SpatialDropout2D")
    np.testing.assert_array_equal(tried.layer.forward([images], {}, Mode()).output, images)


@pytest.mark.parametrize(
    ("kind", "padding", "expected"),
    [
        ("MaxPooling2D", "valid", [[1, 0, 1, 0], [0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]),
        ("AveragePooling2D", "valid", np.full((4, 4), 0.25)),
        ("GlobalMaxPooling2D", None, np.full((4, 4), 1 / 16)),
    ],
)
def test_equal_pixels_and_their_gradient(kind, padding, expected):
    """A window's gradient goes to its first largest pixel; Keras shares that of a whole image."""
    tried = case(kind, {} if padding is None else {"padding": padding}, (4, 4, 1))
    passed = tried.layer.forward([np.zeros((1, 4, 4, 1))], {}, Mode())
    gradient = passed.backward(np.ones_like(passed.output), True).inputs[0]
    np.testing.assert_array_equal(gradient[0, ..., 0], expected)


def test_relu_at_its_kinks():
    tried = case("ReLU", {"threshold": 0.5, "max_value": 2.0, "negative_slope": 0.25}, (5,))
    x = np.array([[-1.5, 0.5, 1.0, 2.0, 3.0]])
    passed = tried.layer.forward([x], {}, Mode())
    np.testing.assert_array_equal(passed.output, [[-0.5, 0.0, 1.0, 2.0, 2.0]])
    (gradient,) = passed.backward(np.ones_like(x), True).inputs
    np.testing.assert_array_equal(gradient, [[0.25, 0.25, 1.0, 0.0, 0.0]])
