"""Experiments in Python: the same checks, the same messages, to YAML and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cnnlab
from cnnlab.config.experiment import load_config, shipped_configs
from cnnlab.layers.convolution import Conv2D
from cnnlab.layers.core import Dense, Flatten

NAMES = sorted(path.stem for path in shipped_configs().glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_experiment_goes_to_yaml_and_back(name, tmp_path):
    experiment = cnnlab.load(name)
    path = tmp_path / "again.yaml"
    assert path.write_text(experiment.to_yaml(), encoding="utf-8")
    assert cnnlab.load(path) == experiment
    assert cnnlab.load(path).digest == experiment.digest == load_config(name).digest
    assert cnnlab.load(experiment.as_dict()) == experiment


def test_layers_as_objects_are_layers_as_yaml():
    objects = [Conv2D(filters=4, kernel_size=3), Flatten(), Dense(units=6, activation="softmax")]
    written = [
        {"Conv2D": {"filters": 4, "kernel_size": [3, 3]}},
        "Flatten",
        {"Dense": {"units": np.int64(6), "activation": "softmax"}},
    ]
    a, b = (cnnlab.Experiment(dataset="colors", layers=layers) for layers in (objects, written))
    assert a == b
    assert a.digest == b.digest
    assert hash(a) == hash(b)


def test_all_mistakes_are_in_one_message():
    with pytest.raises(cnnlab.UserError) as caught:
        cnnlab.Experiment(
            name="mine",
            dataset="mnsit",
            layers=["Flatten", {"Dense": {"unit": 10}}],
            training={"epochs": True},
        )
    assert str(caught.value).splitlines() == [
        "mine: dataset.name: unknown dataset 'mnsit'; did you mean mnist?",
        "mine: model.layers[1].units: missing; this key is required",
        "mine: model.layers[1].unit: unknown key; did you mean units?",
        "mine: training.epochs: expected a whole number, found true",
    ]


def test_shapes_are_checked():
    with pytest.raises(cnnlab.UserError, match="the 40×40 kernel does not fit its 28×28 input"):
        cnnlab.Experiment(
            dataset="mnist",
            layers=[Conv2D(filters=4, kernel_size=40), Flatten(), Dense(units=10, activation="softmax")],
        )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"training.epochs": 0}, "--set training.epochs: expected 1 or more, found 0"),
        ({"training.epoch": 3}, "--set training.epoch: unknown key; did you mean epochs?"),
        ({"model.layers[9].units": 3}, "--set model.layers[9].units: expected an index from 0 to 6, found 9"),
        ({"training..epochs": 3}, "--set training..epochs: expected a key such as training.epochs"),
        (
            {"training.epochs": object},
            "--set training.epochs: expected a value, found the class object; write object()",
        ),
        ({"training": {3: 4}}, "--set training: expected a plain word as key, found 3"),
    ],
)
def test_a_wrong_setting_is_named(settings, message):
    with pytest.raises(cnnlab.UserError) as caught:
        cnnlab.load("cnn", settings)
    assert str(caught.value).startswith(message)


@given(
    epochs=st.integers(1, 1000),
    rate=st.floats(1e-6, 10, allow_nan=False),
    filters=st.integers(1, 300),
    seed=st.integers(0, 2**32 - 1),
)
def test_settings_in_python_are_settings_on_the_command_line(epochs, rate, filters, seed):
    values = {
        "training.epochs": epochs,
        "training.optimizer.learning_rate": rate,
        "model.layers.conv2d_1.filters": filters,
        "seed": seed,
    }
    on_the_command_line = load_config("cnn", [f"{key}={value!r}" for key, value in values.items()])
    assert cnnlab.load("cnn", values).config == on_the_command_line
    as_numpy = values | {
        "training.epochs": np.int32(epochs),
        "training.optimizer.learning_rate": np.float64(rate),
    }
    assert cnnlab.load("cnn", as_numpy).config == on_the_command_line


@pytest.mark.parametrize("source", [3, None, ["cnn"]])
def test_what_is_no_experiment(source):
    with pytest.raises(cnnlab.UserError, match="expected an experiment's name, a path, a mapping"):
        cnnlab.load(source)


def test_an_experiment_is_a_value():
    cnn = cnnlab.load("cnn")
    assert cnn.with_settings({"training.epochs": 20}) == cnn  # what it had before
    other = cnn.with_seed(3)
    assert (other.seed, cnn.seed) == (3, 0)
    assert other != cnn
    assert other.digest == cnn.digest  # the seed does not count
    assert repr(cnn) == "<Experiment cnn: MNIST, 7 layers, 137,660 parameters, 20 epochs, seed 0>"
