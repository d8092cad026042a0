"""A spatial transformer: resampling against SciPy, gradients against differences, counts one by one."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cnnlab.accounting.architecture import LayerShapeError
from cnnlab.config.experiment import ExperimentConfig, load_config
from cnnlab.errors import UserError
from cnnlab.layers.spatial_transformer import IDENTITY, AffineSampling

HOUSE = Path(__file__).parents[2]
SCRIPT = Path(__file__).parent / "scripts" / "affine_gradients.py"

IMAGES = np.random.default_rng(0).random((3, 7, 9, 2), np.float32)
MAPS = (np.random.default_rng(1).normal(0, 0.4, (3, 6)) + IDENTITY).astype(np.float32)
INNER = ["MaxPooling2D", "Flatten", {"Dense": {"units": 5, "activation": "relu"}}]


def network(*layers, input_shape=(8, 8, 2), **runtime) -> ExperimentConfig:
    model = {"input_shape": list(input_shape), "layers": list(layers)}
    return ExperimentConfig.model_validate({"name": "straight", "model": model, "runtime": runtime})


def sampled(images, maps, data_format="channels_last", dtype="float32", **fields) -> np.ndarray:
    """Channels-last images through the layer, in the format asked for, as channels last again."""
    layer = AffineSampling(data_format=data_format, **fields).build("sampling", dtype)
    if data_format == "channels_last":
        return np.asarray(layer([images, maps]), np.float32)
    return np.asarray(layer([images.transpose(0, 3, 1, 2), maps]), np.float32).transpose(0, 2, 3, 1)


def expected(images, maps, rows, columns) -> np.ndarray:
    """The same with SciPy, from the definition: relative coordinates, and zeros outside."""
    from scipy.ndimage import map_coordinates

    _, height, width, channels = images.shape
    y = ((2 * np.arange(rows) + 1) / rows - 1)[:, None]
    x = ((2 * np.arange(columns) + 1) / columns - 1)[None, :]
    found = np.empty((len(images), rows, columns, channels))
    for number, (a, b, c, d, e, f) in enumerate(maps.astype(float)):
        at_y = ((d * x + e * y + f + 1) * height - 1) / 2
        at_x = ((a * x + b * y + c + 1) * width - 1) / 2
        for channel in range(channels):
            framed = np.pad(images[number, :, :, channel], 1)  # SciPy has zeros only where nothing is near
            found[number, :, :, channel] = map_coordinates(
                framed, [at_y + 1, at_x + 1], order=1, mode="grid-constant"
            )
    return found


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("output_size", [None, (7, 9), (4, 5), (10, 1)])
def test_resampling_is_bilinear_interpolation(output_size, data_format, backend):
    found = sampled(IMAGES, MAPS, data_format, output_size=output_size)
    np.testing.assert_allclose(found, expected(IMAGES, MAPS, *(output_size or (7, 9))), atol=2e-6)


def test_what_lies_outside_is_zero(backend):
    far = np.array([[1, 0, 3, 0, 1, 0], [0, 0, 0, 0, 0, 1 + 1 / 7], [0, 0, 0, 0, 0, 1]], np.float32)
    found = sampled(np.ones_like(IMAGES), far)
    assert not found[0].any()
    assert not found[1].any()  # half a pixel beyond the edge, the center of the first zero
    np.testing.assert_allclose(found[2], 0.5, rtol=1e-5)  # the edge itself


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_at_first_it_changes_nothing(precision, data_format, backend):
    """Whatever the precision, each pixel is hit exactly."""
    from cnnlab.analyses.network import maps_of
    from cnnlab.model import build_model

    images = (
        np.round(np.random.default_rng(4).random((2, 8, 8, 3), np.float32) * 64) / 64
    )  # exact with 8 bits
    is_first = data_format == "channels_first"
    given = images.transpose(0, 3, 1, 2) if is_first else images
    transformer = {"layers": ["Flatten", {"Dense": {"units": 5}}], "data_format": data_format}
    layers = [{"SpatialTransformer": transformer}, "Flatten", {"Dense": {"units": 3}}]
    model = build_model(network(*layers, input_shape=given.shape[1:], precision=precision))
    maps = maps_of(model, "spatial_transformer_1/sampling")
    np.testing.assert_array_equal(np.asarray(maps(given)), images)


def interpreter_of(name: str) -> str | None:
    """A Python that has the backend: this one, or the one that CNNLAB_NAME_PYTHON names."""
    given = os.environ.get(f"CNNLAB_{name.upper()}_PYTHON")
    return given or (sys.executable if importlib.util.find_spec(name) else None)


@pytest.mark.parametrize("name", ["tensorflow", "jax", "torch"])
def test_gradients_are_those_of_differences(name):
    """In a process of its own: to the image and to the map, away from kinks and at the identity."""
    interpreter = interpreter_of(name)
    if interpreter is None:
        pytest.skip(f"{name} is not installed, and CNNLAB_{name.upper()}_PYTHON names no Python that has it")
    environment = {**os.environ, "PYTHONPATH": str(HOUSE)}
    environment.pop("KERAS_BACKEND", None)
    done = subprocess.run(
        [interpreter, str(SCRIPT), name], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "away from kinks: image, map; at the identity: map\n"


def test_rows_and_counts():
    config = network({"SpatialTransformer": {"layers": INNER}}, "Flatten", {"Dense": {"units": 3}})
    rows = config.architecture.rows
    assert [(row.name.removeprefix("spatial_transformer_1/"), row.type, row.params) for row in rows] == [
        ("max_pooling2d_1", "MaxPooling2D", 0),
        ("flatten_1", "Flatten", 0),
        ("dense_1", "Dense", 32 * 5 + 5),
        ("affine_map", "Dense", 5 * 6 + 6),
        ("sampling", "AffineSampling", 0),
        ("flatten_1", "Flatten", 0),
        ("dense_1", "Dense", 128 * 3 + 3),
    ]
    sampling = rows[4]
    assert sampling.output_shape == (8, 8, 2)
    assert sampling.receptive_field == (8, 8)
    assert sampling.input_stride == (1, 1)


@pytest.mark.parametrize("output_size", [None, (3, 5)])
def test_multiplications_against_counting_them(output_size):
    count = 0

    def multiplied(one: float, other: float) -> float:
        nonlocal count
        count += 1
        return one * other

    height, width, channels = 4, 6, 3
    rows, columns = output_size or (height, width)
    for row in range(rows):
        for column in range(columns):
            x = multiplied(0.5, column) + multiplied(0.1, row) + 0.2
            y = multiplied(0.1, column) + multiplied(0.5, row) + 0.2
            near_x, near_y = (1 - x % 1, x % 1), (1 - y % 1, y % 1)
            weights = [multiplied(one, other) for one in near_y for other in near_x]
            for _channel in range(channels):
                sum(multiplied(weight, 1.0) for weight in weights)
    assert AffineSampling(output_size=output_size).macs((height, width, channels)) == count


def test_a_smaller_output_has_a_wider_stride():
    block = {"SpatialTransformer": {"layers": ["Flatten"], "output_size": [4, 2]}}
    pooled = {"MaxPooling2D": {"pool_size": 2}}
    config = network(pooled, block, "Flatten", {"Dense": {"units": 3}}, input_shape=(16, 16, 1))
    row = next(row for row in config.architecture.rows if row.name.endswith("sampling"))
    assert (row.output_shape, row.input_stride, row.receptive_field) == ((4, 2, 1), (4, 8), (16, 16))


def test_the_keras_model_has_the_same_parameters_and_learns_to_move(backend):
    """From the identity on: its gradient is not 0 there, though every position is that of a pixel."""
    import keras

    from cnnlab.model import build_model

    config = network({"SpatialTransformer": {"layers": INNER}}, "Flatten", {"Dense": {"units": 3}})
    model = build_model(config)
    assert model.count_params() == config.architecture.total_params
    kernel, bias = model.get_layer("spatial_transformer_1>affine_map").get_weights()
    assert not kernel.any()
    np.testing.assert_array_equal(bias, IDENTITY)
    images = np.random.default_rng(2).random((16, 8, 8, 2), np.float32)
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(images, np.arange(16) % 3, epochs=1, verbose=0)
    moved_kernel, moved_bias = model.get_layer("spatial_transformer_1>affine_map").get_weights()
    assert np.abs(moved_kernel).max() > 1e-5
    assert np.all(moved_bias != IDENTITY)


def test_it_survives_saving(tmp_path, backend):
    from cnnlab.analyses.network import load_model
    from cnnlab.model import build_model

    transformer = {"layers": INNER, "output_size": [6, 5]}
    model = build_model(network({"SpatialTransformer": transformer}, "Flatten", {"Dense": {"units": 3}}))
    affine = model.get_layer("spatial_transformer_1>affine_map")
    affine.set_weights([affine.get_weights()[0] + 0.01, affine.get_weights()[1]])
    images = np.random.default_rng(3).random((4, 8, 8, 2), np.float32)
    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(images, verbose=0), model.predict(images, verbose=0))
    fresh = type(model).from_config(model.get_config())
    fresh_bias = fresh.get_layer("spatial_transformer_1>affine_map").get_weights()[1]
    np.testing.assert_array_equal(fresh_bias, IDENTITY)


def test_layers_that_do_not_end_flat_are_refused():
    with pytest.raises(LayerShapeError) as caught:
        network({"SpatialTransformer": {"layers": ["MaxPooling2D"]}}, "Flatten").architecture  # noqa: B018
    assert caught.value.problem == (
        "the inner layers end in 4×4×2; expected a flat output, from which the affine map is predicted"
    )
    assert caught.value.remedy == "end them with Flatten, and perhaps Dense"


def test_a_flat_input_is_refused():
    with pytest.raises(LayerShapeError) as caught:
        network("Flatten", {"SpatialTransformer": {"layers": [{"Dense": {"units": 4}}]}}).architecture  # noqa: B018
    assert caught.value.problem == "expected an image, (height, width, channels), received 128"


def test_an_inner_layer_cannot_take_the_name_of_the_map(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "model:\n  input_shape: [8, 8, 1]\n  layers:\n    - SpatialTransformer:\n        layers:\n"
        "          - Flatten\n          - Dense: {units: 6, name: affine_map}\n"
    )
    with pytest.raises(UserError) as caught:
        load_config(str(path))
    assert str(caught.value) == (
        f"{path}:7:37: model.layers[0].layers[1].name: affine_map is the name of the block's own layer; "
        "choose another"
    )


def test_only_inner_layers_are_resized():
    """--match changes widths; the map has six numbers."""
    from cnnlab.studies.widths import resized, widths_of

    config = network({"SpatialTransformer": {"layers": INNER}}, "Flatten", {"Dense": {"units": 3}})
    assert widths_of(config) == [5]
    assert resized(config, [9]).architecture.rows[3].params == 9 * 6 + 6


def test_a_drawing_shows_both_ways():
    from cnnlab.pictures.diagrams.elements import Fork, Volume, network_elements

    config = network({"SpatialTransformer": {"layers": INNER}}, "Flatten", {"Dense": {"units": 3}})
    fork = next(
        each
        for each in network_elements(config.layers, config.architecture).elements
        if isinstance(each, Fork)
    )
    assert (fork.name, fork.labels) == ("spatial_transformer_1", ("", "identity"))
    predicted = fork.branches[0].elements[-1]
    assert isinstance(predicted, Volume)
    assert (predicted.title, predicted.shape, predicted.params) == ("Dense", (6,), 36)
    assert isinstance(fork.end, Volume)
    assert (fork.end.title, fork.end.shape) == ("AffineSampling", (8, 8, 2))


@pytest.fixture
def turning(backend):
    """A network whose transformer turns, and its images: (4, 8, 8, 2)."""
    from cnnlab.model import build_model

    model = build_model(
        network({"SpatialTransformer": {"layers": INNER}}, "Flatten", {"Dense": {"units": 3}})
    )
    affine = model.get_layer("spatial_transformer_1>affine_map")
    kernel, _ = affine.get_weights()
    rng = np.random.default_rng(5)
    affine.set_weights([rng.normal(0, 0.1, kernel.shape), np.array([0.9, 0.3, 0.1, -0.3, 0.8, 0.05])])
    return model, rng.random((4, 8, 8, 2), np.float32)


def test_features_hold_the_straightened_images(turning):
    from cnnlab.analyses.features import features, straightened_images

    model, images = turning
    stages, _ = features(model, images)
    values = {stage.layer: stage.values for stage in stages}
    found = straightened_images(model, stages)
    assert found.layer == "spatial_transformer_1/sampling"
    maps = values["spatial_transformer_1/affine_map"]
    np.testing.assert_allclose(found.values, sampled(images, maps), atol=1e-5)


def test_what_is_resampled_later_is_no_straightened_image(backend):
    from cnnlab.analyses.features import features, straightened_images
    from cnnlab.model import build_model

    block = {"SpatialTransformer": {"layers": ["Flatten"]}}
    model = build_model(network("ReLU", block, "Flatten", {"Dense": {"units": 3}}))
    stages, _ = features(model, np.zeros((1, 8, 8, 2), np.float32))
    assert straightened_images(model, stages) is None


def test_saliency_goes_through_it(turning):
    """To the pixels themselves, and by way of the map that follows from them."""
    from cnnlab.analyses.network import logits_of, predict
    from cnnlab.analyses.saliency import saliency

    model, images = turning
    classes = np.array([0, 1, 2, 0])
    step, pixels = 2e-3, np.eye(images[0].size, dtype=np.float32).reshape(-1, 1, *images.shape[1:])
    ahead, behind = (
        predict(logits_of(model), (images + sign * step * pixels).reshape(-1, *images.shape[1:])).reshape(
            len(pixels), 4, 3
        )[:, range(4), classes]
        for sign in (1, -1)
    )
    wanted = ((ahead - behind) / (2 * step)).T.reshape(images.shape)
    found = saliency(model, images, classes)
    np.testing.assert_allclose(found, np.abs(wanted).max(axis=-1), atol=5e-3)


def test_a_keras_model_that_resamples_is_refused_by_name(backend):
    """A config holds only layers that Keras ships; cnnlab's language has the block."""
    import keras

    import cnnlab
    from cnnlab.layers.custom import AffineSampling as KerasLayer

    image = keras.Input((28, 28, 1), name="image")
    numbers = keras.layers.Dense(6, name="map")(keras.layers.Flatten(name="row")(image))
    flat = keras.layers.Flatten(name="flat")(KerasLayer(name="sampling")([image, numbers]))
    model = keras.Model(image, keras.layers.Dense(10, activation="softmax", name="digits")(flat), name="mine")
    with pytest.raises(UserError) as caught:
        cnnlab.Experiment.from_keras(model, dataset="mnist")
    assert str(caught.value) == (
        "mine: layer sampling: AffineSampling is not one of the layers that Keras ships, and a config never "
        "runs other code"
    )
