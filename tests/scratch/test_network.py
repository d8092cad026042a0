"""A whole network by hand gives the outputs and gradients of the same network in Keras."""

import numpy as np
import pytest

from cnnlab.layers import LAYERS
from cnnlab.layers.graph import IMAGE, GraphNode, expand
from cnnlab.layers.serialization import read_layer
from cnnlab.scratch.layer import Mode
from cnnlab.scratch.losses import loss_function, mean_loss, targets_of
from cnnlab.scratch.network import Network

NETWORKS = {
    "lecture": [
        {"Conv2D": {"filters": 3, "kernel_size": 3}},
        {"MaxPooling2D": {"pool_size": 2}},
        "Flatten",
        {"Dense": {"units": 4, "activation": "relu"}},
        {"Dense": {"units": 3, "activation": "softmax"}},
    ],
    "residual": [
        {"Rescaling": {"scale": 2.0, "offset": -1.0}},
        {"Conv2D": {"filters": 2, "kernel_size": 3, "padding": "same", "use_bias": False}},
        "BatchNormalization",
        {
            "Residual": {
                "layers": [{"Conv2D": {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"}}],
                "shortcut": "projection",
                "activation": "relu",
            }
        },
        {"Residual": {"layers": [{"Conv2D": {"filters": 4, "kernel_size": 1, "activation": "tanh"}}]}},
        "GlobalAveragePooling2D",
        {"Dense": {"units": 3}},
        {"Activation": {"activation": "softmax"}},
    ],
    "branches": [
        {
            "Parallel": {
                "branches": [
                    [{"Conv2D": {"filters": 2, "kernel_size": 3, "padding": "same"}}],
                    [{"MaxPooling2D": {"pool_size": 3, "strides": 1, "padding": "same"}}],
                    [],
                ]
            }
        },
        {
            "Parallel": {
                "merge": "maximum",
                "branches": [
                    [{"Conv2D": {"filters": 3, "kernel_size": 1}}],
                    [{"DepthwiseConv2D": {"kernel_size": 1}}, {"Conv2D": {"filters": 3, "kernel_size": 1}}],
                ],
            }
        },
        {"Parallel": {"merge": "average", "branches": [[{"Activation": {"activation": "relu"}}], []]}},
        "Flatten",
        {"Dense": {"units": 3}},
        "Softmax",
    ],
}


def shared_twice():
    """The same Dense layer after itself, as only a Keras model can have it."""
    dense = LAYERS["Dense"](units=5, activation="tanh")
    return (
        GraphNode("flatten", LAYERS["Flatten"](), (IMAGE,), ()),
        GraphNode("first", LAYERS["Dense"](units=5), (0,), ()),
        GraphNode("dense", dense, (1,), ()),
        GraphNode("again", dense, (2,), (), shares=2),
        GraphNode("last", LAYERS["Dense"](units=3, activation="softmax"), (3,), ()),
    )


@pytest.fixture(params=[*NETWORKS, "shared"])
def nodes(request):
    if request.param == "shared":
        return shared_twice()
    return expand([read_layer(each) for each in NETWORKS[request.param]])


SHAPE = (6, 5, 1)


@pytest.fixture
def built(nodes, backend):
    """The Keras model, its layers by position, and random weights for both engines."""
    import keras

    image = keras.Input(SHAPE, dtype="float64")
    tensors, layers = {IMAGE: image}, []
    for position, node in enumerate(nodes):
        layers.append(node.build("float64") if node.shares is None else layers[node.shares])
        tensors[position] = node.layer.connect(layers[-1], [tensors[each] for each in node.inputs])
    rng = np.random.default_rng(0)
    weights = []
    for node, layer in zip(nodes, layers, strict=True):
        if node.shares is None:
            layer.set_weights([rng.uniform(0.1, 1, each.shape) for each in layer.get_weights()])
        weights.append({each.name: each.numpy() for each in layer.weights} if node.shares is None else {})
    return keras.Model(image, tensors[len(nodes) - 1]), layers, weights


def test_outputs_and_gradients_are_those_of_keras(nodes, built):
    import tensorflow as tf

    model, layers, weights = built
    rng = np.random.default_rng(1)
    images, labels = rng.normal(size=(4, *SHAPE)), np.array([0, 2, 1, 1])
    network = Network.of(nodes, SHAPE)
    targets = targets_of(labels, 3, images.dtype)
    passes = network.forward(images, weights, Mode(training=True))
    function = loss_function("categorical_crossentropy", from_logits=False)
    loss, gradient = mean_loss(function, targets, passes[-1].output)
    found = network.backward(passes, gradient)
    with tf.GradientTape() as tape:
        outputs = model(tf.constant(images), training=True)
        expected_loss = -tf.reduce_mean(tf.reduce_sum(targets * tf.math.log(outputs), axis=1))
    np.testing.assert_allclose(passes[-1].output, outputs.numpy(), rtol=1e-6)
    np.testing.assert_allclose(loss, float(expected_loss), rtol=1e-6)
    by_layer = tape.gradient(
        expected_loss, [{each.name: each.value for each in layer.trainable_variables} for layer in layers]
    )
    for node, mine, theirs in zip(nodes, found, by_layer, strict=True):
        assert set(mine) == (set(theirs) if node.shares is None else set())
        for name, each in mine.items():
            np.testing.assert_allclose(each, theirs[name].numpy(), rtol=1e-5, atol=1e-8, err_msg=node.name)


def test_a_loss_that_is_one_with_the_softmax_has_the_same_gradients(nodes, built):
    _, _, weights = built
    rng = np.random.default_rng(1)
    images, targets = rng.normal(size=(4, *SHAPE)), targets_of(np.array([0, 2, 1, 1]), 3, float, 0.1)
    gradients = []
    whole = Network.of(nodes, SHAPE)
    for network, from_logits in ((whole, False), (whole.without_softmax(), True)):
        passes = network.forward(images, weights, Mode(training=True))
        function = loss_function("categorical_crossentropy", from_logits=from_logits)
        loss, gradient = mean_loss(function, targets, passes[-1].output)
        gradients.append([loss, *network.backward(passes, gradient)])
    (loss, *expected), (fused_loss, *fused) = gradients
    np.testing.assert_allclose(fused_loss, loss, rtol=1e-9)
    for mine, theirs in zip(fused, expected, strict=True):
        assert mine.keys() == theirs.keys()
        for name, each in mine.items():
            np.testing.assert_allclose(each, theirs[name], rtol=1e-6, atol=1e-12)
