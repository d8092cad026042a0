import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from cnnlab.analyses.dream import DreamSettings, any_size, dream
from cnnlab.analyses.network import predict
from cnnlab.analyses.style import gram, transfer_style
from cnnlab.errors import UserError

LAYERS = ["conv2d_1", "residual_1/conv2d_1"]


def test_the_layers_answer_more_to_a_dream(any_network, rng):
    """At another size than the network was trained for."""
    first = any_network.name == "channels_first"
    picture = rng.random((1, 2, 20, 17) if first else (1, 20, 17, 2)).astype(np.float32)
    settings = DreamSettings(octaves=2, steps=10)
    one, two = (
        dream(any_network, picture, layers=LAYERS, settings=settings, rng=np.random.default_rng(2))
        for _ in range(2)
    )
    assert_array_equal(one, two)
    assert one.shape == picture.shape
    assert 0 <= one.min() <= one.max() <= 1
    network = any_size(any_network, LAYERS[-1:])
    assert np.mean(np.square(predict(network, one))) > 1.3 * np.mean(np.square(predict(network, picture)))


def test_no_steps_no_dream(small_network, rng):
    """Octaves lose nothing of the picture: what shrinking takes away is put back."""
    picture = rng.random((2, 20, 17, 2)).astype(np.float32)
    settings = DreamSettings(octaves=3, steps=0)
    assert_allclose(
        dream(small_network(), picture, layers=LAYERS, settings=settings, rng=rng), picture, atol=1e-5
    )


def test_behind_flatten_the_size_is_fixed(small_network):
    with pytest.raises(UserError) as error:
        any_size(small_network(), ["dense_1"])
    assert str(error.value).startswith("dense_1 has no maps; choose a convolution")


def test_gram_is_the_matrix_of_products(rng):
    maps = rng.random((2, 3, 4, 5)).astype(np.float32)
    wanted = np.einsum("nyxi,nyxj->nij", maps, maps) / 12
    assert_allclose(keras.ops.convert_to_numpy(gram(maps, 3)), wanted, rtol=1e-5)
    assert_allclose(keras.ops.convert_to_numpy(gram(maps.transpose(0, 3, 1, 2), 1)), wanted, rtol=1e-5)


def test_style_moves_the_statistics_and_keeps_the_content(any_network, rng):
    first = any_network.name == "channels_first"

    def picture(height, width):
        return rng.random((1, 2, height, width) if first else (1, height, width, 2)).astype(np.float32)

    content, style = picture(12, 14), picture(16, 10) ** 3
    layers = {"content_layers": LAYERS[1:], "style_layers": LAYERS[:1]}
    found = transfer_style(any_network, content, style, **layers, steps=20)
    assert found.image.shape == content.shape
    assert found.losses[-1] < 0.2 * found.losses[0]
    axis = 1 if first else 3
    network = any_size(any_network, LAYERS[:1])
    statistics = [
        keras.ops.convert_to_numpy(gram(predict(network, each).astype(np.float32), axis))
        for each in (found.image, style, content)
    ]
    distance = [np.square(each - statistics[1]).mean() for each in statistics]
    assert distance[0] < 0.1 * distance[2]
    again = transfer_style(any_network, content, style, **layers, steps=20)
    assert_array_equal(again.image, found.image)


def test_without_style_the_content_stays(small_network, rng):
    content = rng.random((1, 9, 9, 2)).astype(np.float32)
    found = transfer_style(
        small_network(), content, content, content_layers=LAYERS, style_layers=LAYERS, steps=5
    )
    assert_array_equal(found.image, content)
    assert_allclose(found.losses, 0, atol=1e-12)


def test_how_large_the_maps_are_does_not_end_the_search(small_network, rng):
    """A hundredth of the weights: losses of a 100-millionth, and the same picture."""
    content, style = (rng.random((1, 12, 12, 2)).astype(np.float32) for _ in range(2))
    network = small_network()
    way = {"content_layers": (), "style_layers": ["conv2d_1"], "steps": 30}
    found = transfer_style(network, content, style**3, **way)
    layer = network.get_layer("conv2d_1")
    layer.set_weights([each / 100 for each in layer.get_weights()])
    fainter = transfer_style(network, content, style**3, **way)
    assert_allclose(fainter.losses[0], found.losses[0] / 100**4, rtol=1e-4)
    assert len(fainter.losses) > 5
    assert_allclose(fainter.image, found.image, atol=0.02)


def test_weights_for_one_size_only():
    """Channels last behind channels first: the picture's width has become the number of channels."""
    image = keras.Input((1, 12, 12))
    x = keras.layers.Conv2D(4, 3, data_format="channels_first", name="conv2d_1")(image)
    model = keras.Model(image, keras.layers.Conv2D(3, 3, name="conv2d_2")(x), name="mixed")
    with pytest.raises(UserError) as error:
        any_size(model, ["conv2d_2"])
    assert str(error.value) == "mixed: the weights up to conv2d_2 fit one size of picture only"
