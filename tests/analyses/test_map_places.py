"""Where maps stand on the image: at the middles of their receptive fields."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from cnnlab.accounting.architecture import describe
from cnnlab.analyses.grad_cam import grad_cam
from cnnlab.analyses.map_places import AxisPlaces, MapPlaces, evenly_on_image, map_places, on_image
from cnnlab.analyses.own_architecture import architecture_of
from cnnlab.config.experiment import load_config, parse_config
from cnnlab.language.source import read_yaml
from cnnlab.layers.graph import expand
from cnnlab.layers.serialization import read_layer
from cnnlab.model import build_model

GEOMETRIES = {
    "valid": [("Conv2D", 3, {}), ("Conv2D", 5, {})],
    "pooled": [("Conv2D", 3, {}), ("MaxPooling2D", 2, {}), ("Conv2D", 3, {})],
    "pooled twice": [("Conv2D", 5, {}), ("MaxPooling2D", 2, {}), ("Conv2D", 3, {}), ("MaxPooling2D", 2, {})],
    "strides": [("Conv2D", 3, {"strides": 2}), ("Conv2D", 3, {"padding": "same"})],
    "padded strides": [("Conv2D", 3, {"strides": 2, "padding": "same"}), ("Conv2D", 3, {})],
    "unequal": [("Conv2D", [3, 7], {"strides": [1, 2]}), ("AveragePooling2D", [3, 1], {})],
    "dilated": [("Conv2D", 3, {"dilation_rate": 2}), ("MaxPooling2D", 3, {"strides": 1})],
}
HEIGHT, WIDTH = 21, 26


def network_of(tmp_path, layers, *, data_format="channels_last"):
    """A network whose convolutions copy the middle of their window, and that adds all of it up."""
    listed = [
        {kind: {"kernel_size" if kind == "Conv2D" else "pool_size": size, "data_format": data_format, **more}
         | ({"filters": 1} if kind == "Conv2D" else {})}
        for kind, size, more in layers
    ]  # fmt: skip
    path = tmp_path / "net.yaml"
    shape = [HEIGHT, WIDTH, 1] if data_format == "channels_last" else [1, HEIGHT, WIDTH]
    ends = [{"Flatten": {}}, {"Dense": {"units": 2, "activation": "softmax"}}]
    path.write_text(f"model: {{input_shape: {shape}, layers: {listed + ends}}}".replace("'", '"'))
    config = parse_config(read_yaml(path), default_name="net")
    model = build_model(config)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            kernel = np.zeros(layer.kernel.shape)
            kernel[kernel.shape[0] // 2, kernel.shape[1] // 2] = 1
            layer.set_weights([kernel, np.zeros(1)])
        elif isinstance(layer, keras.layers.Dense):
            weights = np.zeros(layer.kernel.shape)
            weights[:, 1] = 1
            layer.set_weights([weights, np.zeros(2)])
    return config, model


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("layers", GEOMETRIES.values(), ids=GEOMETRIES)
def test_the_map_is_brightest_on_the_one_bright_pixel(tmp_path, layers, data_format):
    config, model = network_of(tmp_path, layers, data_format=data_format)
    axis = -1 if data_format == "channels_last" else 1
    row = config.architecture.rows[len(layers) - 1]
    spatial = row.output_shape[:2] if data_format == "channels_last" else row.output_shape[1:]
    places = map_places(config.architecture, row.name)
    spots = [(top, left) for top in range(HEIGHT) for left in range(WIDTH)]
    images = np.zeros((len(spots), HEIGHT, WIDTH), np.float32)
    images[(range(len(spots)), *zip(*spots, strict=True))] = 1
    cams = grad_cam(model, np.expand_dims(images, axis), np.ones(len(spots), int), layer=row.name)
    assert cams.shape == (len(spots), *spatial)
    pixels = on_image(cams, places)
    found = cams.any(axis=(1, 2))  # not between the places of a stride, nor at the edge
    assert found.sum() > 50
    for spot, each in zip(np.array(spots)[found], pixels[found], strict=True):
        brightest = np.argwhere(each >= each.max() * (1 - 1e-5))
        away = np.abs(brightest - spot) / row.input_stride  # finer than its stride a map cannot tell
        assert (away.max(axis=1).min()) <= 0.5, spot
        if row.input_stride == (1, 1):
            assert each[tuple(spot)] == pytest.approx(each.max())


def test_the_lecture_s_second_convolution():
    """Fields of 8 pixels, 2 apart: middles at 3.5, 5.5, … 23.5, not stretched over 0 to 27."""
    places = map_places(load_config("cnn").architecture, "conv2d_2")
    assert_array_equal(places.rows.centers, 3.5 + 2 * np.arange(11))
    assert_array_equal(places.columns.centers, places.rows.centers)
    cam = np.zeros((1, 11, 11), np.float32)
    cam[0, 0, 10] = 1
    pixels = on_image(cam, places)[0]
    assert_array_equal(pixels[:4, 24:], 1)  # from the outermost middle on the value stays
    assert_allclose(pixels[4, 27], 0.75)  # a quarter of the way from 3.5 to 5.5
    assert_array_equal(pixels[6:], 0)


def test_what_no_field_reaches_is_zero():
    """A 2×2 pooling of five pixels leaves the last one out."""
    architecture = describe(expand([read_layer("MaxPooling2D")]), (5, 4, 1))
    pixels = on_image(np.ones((1, 2, 2)), map_places(architecture, "max_pooling2d_1"))
    assert_array_equal(pixels[0, :, 0], [1, 1, 1, 1, 0])
    assert_array_equal(pixels[0, 0], [1, 1, 1, 1])


def test_axes_that_the_maps_do_not_have():
    """In the mixed-format network the map's columns are the image's rows; its own columns are channels."""
    places = map_places(load_config("cnn_mixed_format").architecture, "conv2d_2")
    assert (places.rows.map_axis, places.columns) == (1, None)
    cam = np.zeros((1, 10, 11), np.float32)
    cam[0, 3, 5] = 1  # the field of column 5 is centred on row 13.5
    pixels = on_image(cam, places)[0]
    assert_array_equal(pixels, np.repeat(pixels[:, :1], 28, axis=1))
    assert_array_equal(np.flatnonzero(pixels[:, 0] == pixels.max()), [13, 14])


def test_maps_that_lie_on_their_side(tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text("model: {input_shape: [4, 6, 1], layers: [Permute: {dims: [2, 1, 3]}]}")
    places = map_places(parse_config(read_yaml(path), default_name="net").architecture, "permute_1")
    maps = np.arange(24, dtype=np.float32).reshape(1, 6, 4)
    assert_array_equal(on_image(maps, places), maps.swapaxes(1, 2))


def test_behind_a_dense_layer_no_place_is_known():
    layers = [
        "Flatten", {"Dense": {"units": 9}}, {"Reshape": {"target_shape": [3, 3, 1]}},
        {"Conv2D": {"filters": 1, "kernel_size": 2}},
    ]  # fmt: skip
    architecture = describe(expand([read_layer(each) for each in layers]), (6, 6, 1))
    assert not map_places(architecture, "conv2d_1").are_known
    spread = evenly_on_image(np.array([[[1.0, 3.0], [1.0, 3.0]]]), (4, 4))
    assert_allclose(spread[0], [[1, 1.5, 2.5, 3]] * 4)


def test_a_map_of_one_place_reaches_as_far_as_its_field():
    one = AxisPlaces(0, np.array([2.0]), np.array([4.0]))
    pixels = on_image(np.full((1, 1, 1), 5.0), MapPlaces((7, 1), one, None))
    assert_array_equal(pixels[0, :, 0], [0, 0, 5, 5, 5, 0, 0])


def test_a_model_that_no_config_describes():
    """Layers go by the names that Keras has for them, however far it has counted."""
    layers = keras.layers
    shared = layers.Conv2D(4, 3)
    model = keras.Sequential(
        [layers.Input((28, 28, 1)), shared, layers.MaxPooling2D(), layers.Conv2D(2, 3), layers.Flatten(),
         layers.Dense(3)]
    )  # fmt: skip
    flat = keras.Model(model.inputs[0], model.outputs[0])
    architecture, names = architecture_of(flat)
    places = map_places(architecture, names[model.layers[2].name])
    assert_array_equal(places.rows.centers, 3.5 + 2 * np.arange(11))


def test_a_layer_that_keras_does_not_ship():
    class Own(keras.layers.Layer):
        def call(self, x):
            return x

    image = keras.Input((8, 8, 1))
    model = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(Own()(image))))
    assert architecture_of(model) is None
