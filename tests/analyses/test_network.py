import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from cnnlab.analyses.network import (
    find_layer,
    in_float32,
    last_convolution,
    layer_of_most_interest,
    logits_of,
    maps_of,
    predict,
    probabilities_of,
    scores_behind,
    summary_name,
)
from cnnlab.errors import UserError
from cnnlab.gradients import evaluated


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def test_scores_are_what_the_softmax_sees(any_network, images_for):
    images = images_for(any_network)
    outputs, scores = predict(any_network, images), predict(logits_of(any_network), images)
    probabilities = predict(probabilities_of(any_network), images)
    tolerance = 1e-5 if not any_network.name.startswith("mixed") else 5e-3
    assert scores.dtype == probabilities.dtype == np.float32
    assert_allclose(softmax(scores), probabilities, atol=tolerance)
    assert_allclose(scores if any_network.name == "logits" else probabilities, outputs, atol=tolerance)
    assert np.ptp(scores) > 0.1


def test_maps_have_channels_last(small_network, rng):
    last, first = small_network("plain"), small_network("channels_first")
    first.set_weights(last.get_weights())
    images = rng.random((3, 8, 8, 2)).astype(np.float32)
    for name in ("conv2d_1", "max_pooling2d_1"):
        maps = predict(maps_of(last, name), images)
        assert_allclose(predict(maps_of(first, name), images.transpose(0, 3, 1, 2)), maps, atol=1e-6)


def test_before_activation_there_are_negative_values(any_network, images_for):
    images = images_for(any_network)
    after = predict(maps_of(any_network, "conv2d_1"), images)
    before = predict(maps_of(any_network, "conv2d_1", before_activation=True), images)
    assert before.min() < 0
    assert_allclose(np.maximum(before, 0), after, atol=1e-2 if any_network.name.startswith("mixed") else 1e-6)


def test_the_part_behind_a_layer(any_network, images_for):
    images = images_for(any_network)
    name = "residual_1/conv2d_1"
    layer = find_layer(any_network, name)
    (maps,) = evaluated(lambda x: (keras.Model(any_network.input, layer.output)(x),))(images)
    part = scores_behind(any_network, name)
    (behind,) = evaluated(lambda x, maps: (part([x, maps]),))(images, maps)
    assert_allclose(behind, predict(logits_of(any_network), images), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_becomes_float32(small_network, images_for, policy):
    model = small_network(policy)
    exact = small_network("plain")
    exact.set_weights(model.get_weights())
    images = images_for(model)
    twin = in_float32(model)
    assert {layer.compute_dtype for layer in twin.layers} == {"float32"}
    assert_allclose(predict(twin, images), predict(exact, images), atol=1e-6)


def test_the_last_convolution_is_not_the_shortcut_s():
    image = keras.Input((8, 8, 2))
    once = keras.layers.Conv2D(4, 3, padding="same", name="one")(image)
    twice = keras.layers.Conv2D(4, 3, padding="same", name="two")(once)
    shortcut = keras.layers.Conv2D(4, 1, name="shortcut")(image)
    for inputs in ([twice, shortcut], [shortcut, twice]):
        x = keras.layers.GlobalAveragePooling2D()(keras.layers.Add()(inputs))
        assert last_convolution(keras.Model(image, keras.layers.Dense(2)(x))).name == "two"


def test_without_a_convolution_the_last_hidden_dense_layer_is_looked_at():
    def network(*layers):
        return keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), *layers])

    two = network(
        keras.layers.Dense(4, name="hidden"),
        keras.layers.BatchNormalization(),  # has weights, and no neurons of its own
        keras.layers.Dense(3, name="classes"),
        keras.layers.Softmax(),
    )
    assert layer_of_most_interest(two).name == "hidden"
    assert layer_of_most_interest(network(keras.layers.Dense(3, name="classes"))).name == "classes"
    with pytest.raises(UserError, match="neither a convolution nor a dense layer"):
        layer_of_most_interest(network(keras.layers.Softmax()))


def test_layers_go_by_the_summary_s_names(small_network):
    model = small_network()
    assert summary_name(find_layer(model, "residual_1/conv2d_1")) == "residual_1/conv2d_1"
    assert find_layer(model, "residual_1.conv2d_1") is find_layer(model, "residual_1/conv2d_1")
    with pytest.raises(UserError) as error:
        find_layer(model, "conv2d1")
    assert str(error.value) == "unknown layer 'conv2d1'; did you mean conv2d_1?"
