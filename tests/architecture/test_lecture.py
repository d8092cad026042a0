"""The lecture's figures, to the last parameter."""

import pytest

from cnnlab.accounting.architecture import describe
from cnnlab.config.experiment import load_config
from cnnlab.layers.graph import expand
from cnnlab.layers.serialization import read_layer


def rows_of(name: str):
    return {row.name: row for row in load_config(name).architecture.rows}


@pytest.mark.parametrize(
    ("name", "params"),
    [
        pytest.param("dnn", 898_510),
        pytest.param("cnn", 137_660),
        pytest.param("cnn_mixed_format", 138_110),
        pytest.param("cifar10_cnn", 1_250_858),
    ],
)
def test_parameters(name, params):
    architecture = load_config(name).architecture
    assert architecture.total_params == architecture.trainable_params == params
    assert architecture.non_trainable_params == 0


def test_parameters_of_the_dnn_layer_by_layer():
    params = [row.params for row in load_config("dnn").architecture.rows]
    assert params == [0, 392_500, 250_500, 250_500, 5_010]


@pytest.mark.parametrize(
    ("name", "shape_path"),
    [
        pytest.param(
            "cnn",
            [(26, 26, 25), (13, 13, 25), (11, 11, 50), (5, 5, 50), (1250,), (100,), (10,)],
        ),
        pytest.param(
            "cnn_mixed_format",
            [(25, 26, 26), (12, 13, 26), (10, 11, 50), (5, 5, 50), (1250,), (100,), (10,)],
        ),
    ],
)
def test_shapes(name, shape_path):
    assert [row.output_shape for row in load_config(name).architecture.rows] == shape_path


def test_the_cnn_names_its_layers_as_the_notes_do():
    assert list(rows_of("cnn")) == [
        "conv2d_1", "max_pooling2d_1", "conv2d_2", "max_pooling2d_2", "flatten_1", "dense_1", "dense_2",
    ]  # fmt: skip


def test_the_cnn_as_json():
    """Every figure of the contract."""
    document = load_config("cnn").architecture.as_dict("cnn")
    layers = {layer["name"]: layer for layer in document.pop("layers")}
    assert (
        document
        | {
            "name": "cnn",
            "input_shape": (28, 28, 1),
            "total_params": 137_660,
            "trainable_params": 137_660,
            "non_trainable_params": 0,
            "macs": 1_639_350,
            "neurons": 16_900 + 6_050 + 100 + 10,
            "dense_equivalent_params": 38_959_910,
        }
        == document
    )
    assert (
        layers["conv2d_1"]
        | {
            "name": "conv2d_1",
            "type": "Conv2D",
            "output_shape": (26, 26, 25),
            "params": 250,
            "trainable_params": 250,
            "macs": 152_100,
            "neurons": 16_900,
            "receptive_field": (3, 3),
            "dense_equivalent_params": 13_266_500,
            "locality_saving": 78.5,
            "sharing_saving": 676.0,
        }
        == layers["conv2d_1"]
    )
    second = layers["conv2d_2"]
    assert (second["params"], second["macs"], second["neurons"]) == (11_300, 1_361_250, 6_050)
    assert (second["receptive_field"], second["dense_equivalent_params"]) == ((8, 8), 25_567_300)
    assert second["locality_saving"] == pytest.approx(18.7, abs=0.01)
    assert second["sharing_saving"] == 121.0
    assert layers["max_pooling2d_1"]["locality_saving"] is None
    assert layers["flatten_1"]["receptive_field"] == layers["max_pooling2d_2"]["receptive_field"] == (10, 10)
    assert layers["dense_1"]["receptive_field"] == layers["dense_2"]["receptive_field"] == (28, 28)


def test_the_two_savings_multiply_to_the_whole():
    for row in load_config("cifar10_cnn").architecture.rows:
        if row.locality_saving and row.sharing_saving:
            whole = row.dense_equivalent_params / row.params
            assert row.locality_saving * row.sharing_saving == pytest.approx(whole, rel=1e-12)


def test_a_dense_layer_on_pixels():
    """A 100×100×3 image into 1,000 neurons: thirty million weights in one layer."""
    layers = [read_layer("Flatten"), read_layer({"Dense": {"units": 1000}})]
    assert describe(expand(layers), (100, 100, 3)).total_params == 30_000 * 1_000 + 1_000
