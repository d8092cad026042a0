"""Losses and penalties by hand are Keras's, with their gradients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnlab.layers import LAYERS
from cnnlab.scratch.activations import softmax
from cnnlab.scratch.losses import OF_PROBABILITIES, loss_function, mean_loss, targets_of
from cnnlab.scratch.regularizers import penalty, regularizers_of

SMOOTHED = ("categorical_crossentropy", "categorical_focal_crossentropy")


def by_keras(name, labels, outputs, *, from_logits, label_smoothing, weights):
    """As `cnnlab.training.objective` does it."""
    import keras
    import tensorflow as tf

    arguments = {}
    if name.endswith("crossentropy"):
        arguments["from_logits"] = from_logits
    if name in SMOOTHED:
        arguments["label_smoothing"] = label_smoothing
    class_name = {"kl_divergence": "KLDivergence"}.get(name, name.title().replace("_", ""))
    loss = keras.losses.deserialize(
        {"class_name": class_name, "config": {**arguments, "dtype": str(outputs.dtype)}}
    )
    targets = labels if name.startswith("sparse") else np.eye(outputs.shape[1], dtype=outputs.dtype)[labels]
    tensor = tf.constant(outputs)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        through = tf.nn.softmax(tensor) if from_logits and not arguments else tensor
        value = loss(targets, through, sample_weight=weights)
    return float(value), tape.gradient(value, tensor).numpy()


@pytest.mark.parametrize("name", OF_PROBABILITIES)
@settings(max_examples=20)
@given(
    from_logits=st.booleans(),
    label_smoothing=st.sampled_from([0.0, 0.1]),
    weighted=st.booleans(),
    spread=st.sampled_from([1.0, 30.0]),
    classes=st.integers(2, 5),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_each_loss_is_that_of_keras(
    name, backend, from_logits, label_smoothing, weighted, spread, classes, dtype, seed
):
    rng = np.random.default_rng(seed)
    label_smoothing = label_smoothing if name in SMOOTHED else 0.0
    outputs = (spread * rng.normal(size=(4, classes))).astype(dtype)
    labels = rng.integers(classes, size=4)
    weights = rng.uniform(0.5, 2, 4).astype(dtype) if weighted else None
    if not from_logits:
        outputs, _ = softmax(outputs)
        if spread == 1:
            outputs = outputs * 1.1  # a sum that is not 1
    value, gradient = mean_loss(
        loss_function(name, from_logits=from_logits),
        targets_of(labels, classes, dtype, label_smoothing),
        outputs,
        weights,
    )
    expected, expected_gradient = by_keras(
        name, labels, outputs, from_logits=from_logits, label_smoothing=label_smoothing, weights=weights
    )
    tolerance = {"rtol": 1e-4, "atol": 1e-6} if dtype == "float32" else {"rtol": 1e-6, "atol": 1e-9}
    np.testing.assert_allclose(value, expected, **tolerance)
    assert gradient.dtype == dtype
    np.testing.assert_allclose(gradient, expected_gradient, **tolerance)


def test_no_logit_is_too_large_for_the_crossentropy():
    logits = np.array([[1e4, -1e4, 0.0]])
    value, gradient = mean_loss(
        loss_function("categorical_crossentropy", from_logits=True),
        targets_of(np.array([1]), 3, float),
        logits,
    )
    assert value == 2e4
    np.testing.assert_array_equal(gradient, [[1, -1, 0]])


def test_penalties_are_those_of_keras(backend):
    import keras
    import tensorflow as tf

    weight = np.array([[-2.0, 0.0], [0.5, 3.0]])
    for l1, l2 in ((0.1, 0.0), (0.0, 0.3), (0.1, 0.3)):
        tensor = tf.Variable(weight)
        with tf.GradientTape() as tape:
            expected = keras.regularizers.L1L2(l1, l2)(tensor)
        value, gradient = penalty(weight, l1, l2)
        np.testing.assert_allclose(value, float(expected), rtol=1e-6)
        np.testing.assert_allclose(gradient, tape.gradient(expected, tensor).numpy(), rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "fields", "names"),
    [
        ("Dense", {"units": 2, "kernel_regularizer": "l1", "bias_regularizer": "l2"}, ["kernel", "bias"]),
        ("Conv2D", {"filters": 2, "kernel_size": 1, "kernel_regularizer": "l1"}, ["kernel"]),
        ("DepthwiseConv2D", {"kernel_size": 1, "depthwise_regularizer": "l2"}, ["kernel"]),
        (
            "SeparableConv2D",
            {"filters": 2, "kernel_size": 1, "depthwise_regularizer": "l1", "pointwise_regularizer": "l2"},
            ["depthwise_kernel", "pointwise_kernel"],
        ),
        ("Dense", {"units": 2, "activity_regularizer": "l1"}, []),
    ],
)
def test_each_penalty_is_on_the_weights_that_it_names(kind, fields, names):
    layer = LAYERS[kind].model_validate(fields)
    shape = (3,) if kind == "Dense" else (2, 2, 3)
    weights = {weight.name: np.zeros(weight.shape) for weight in layer.weights(shape)}
    assert list(regularizers_of(layer, weights)) == names
