import keras
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from cnnlab.analyses.equivalence import dense_twin, prove
from cnnlab.errors import UserError


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({}, id="plain"),
        pytest.param({"padding": "same"}, id="same"),
        pytest.param({"strides": (2, 3)}, id="strides"),
        pytest.param({"strides": 2, "padding": "same"}, id="strides, same"),
        pytest.param({"dilation_rate": 2}, id="dilation"),
        pytest.param({"kernel_size": (2, 4), "padding": "same"}, id="even kernel"),
        pytest.param({"use_bias": False}, id="no bias"),
        pytest.param({"groups": 2}, id="groups"),
        pytest.param({"activation": "relu"}, id="activation"),
        pytest.param({"data_format": "channels_first"}, id="channels first"),
    ],
)
def test_both_layers_give_the_same(rng, arguments):
    shape = (4, 9, 10) if arguments.get("data_format") == "channels_first" else (9, 10, 4)
    if "groups" in arguments:
        pytest.importorskip("tensorflow")
    image = keras.Input(shape)
    layer = keras.layers.Conv2D(6, **{"kernel_size": 3, **arguments}, name="conv2d_1")
    model = keras.Model(image, layer(image))
    layer.set_weights([rng.normal(size=each.shape) for each in layer.get_weights()])
    twin = dense_twin(model, "conv2d_1")
    proof = prove(model, "conv2d_1", twin, rng.normal(size=(5, *shape)).astype(np.float32))
    assert proof.largest_output > 1
    assert proof.largest_difference < 1e-5 * proof.largest_output


def test_deep_layers_are_proved_on_what_the_network_makes_of_the_images(any_network, images_for):
    twin = dense_twin(any_network, "residual_1/conv2d_1")
    proof = prove(any_network, "residual_1/conv2d_1", twin, images_for(any_network))
    tolerance = 1e-2 if any_network.name.startswith("mixed") else 1e-5
    assert proof.largest_difference < tolerance * proof.largest_output


def test_the_lecture_s_six_by_six_image():
    """The first output of a 3×3 kernel sees pixels 1, 2, 3, 7, 8, 9, 13, 14, 15, its neighbour "
    "one further."""
    image = keras.Input((6, 6, 1))
    model = keras.Model(image, keras.layers.Conv2D(1, 3, name="conv2d_1")(image))
    twin = dense_twin(model, "conv2d_1")
    shared = twin.shared.toarray()  # (36, 16)
    assert_array_equal(np.flatnonzero(shared[:, 0]) + 1, [1, 2, 3, 7, 8, 9, 13, 14, 15])
    assert_array_equal(np.flatnonzero(shared[:, 1]) + 1, [2, 3, 4, 8, 9, 10, 14, 15, 16])
    for column in shared.T:
        assert_array_equal(column[column > 0], range(1, 10))  # the same nine weights for every output


def test_only_convolutions(small_network):
    with pytest.raises(UserError) as error:
        dense_twin(small_network(), "dense_1")
    assert str(error.value) == "dense_1 is a Dense; choose a Conv2D"
