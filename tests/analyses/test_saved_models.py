"""Models as Keras saves them, read by `cnnlab explain`: compiled or not, whole or with something foreign."""

import json
import zipfile

import keras
import numpy as np
import pytest

from cnnlab.analyses.network import load_model
from cnnlab.errors import UserError

pytestmark = pytest.mark.usefixtures("backend")


def network(*inside):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            keras.layers.Conv2D(2, 3, name="conv"),
            keras.layers.Flatten(name="flatten"),
            *inside,
            keras.layers.Dense(2, activation="softmax", name="dense"),
        ]
    )


def adam():
    return "adam"


def scheduled():
    return keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 10), momentum=0.9)


@pytest.mark.parametrize("optimizer", [adam, scheduled])
@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("inner", [False, True])
@pytest.mark.filterwarnings("ignore::UserWarning")  # Keras's, of an optimizer that is not loaded
def test_a_compiled_model_is_read(optimizer, trained, inner, tmp_path):
    submodel = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4, name="in")], name="submodel")
    submodel.compile(optimizer(), "mse")
    model = network(*([submodel] if inner else []))
    model.compile(optimizer(), "sparse_categorical_crossentropy", metrics=["accuracy"])
    images = np.random.default_rng(0).random((4, 4, 4, 1), np.float32)
    if trained:
        model.fit(images, np.array([0, 1, 0, 1]), verbose=0)
    model.save(tmp_path / "it.keras")
    loaded = load_model(tmp_path / "it.keras")
    np.testing.assert_array_equal(loaded.predict(images, verbose=0), model.predict(images, verbose=0))


class Mine(keras.layers.Layer):
    def call(self, inputs):
        return inputs


def own_activation(inputs):
    return inputs


def refusal(path):
    with pytest.raises(UserError) as caught:
        load_model(path)
    prefix = f"{path}: not a model that Keras can read: "
    assert str(caught.value).startswith(prefix)
    return str(caught.value).removeprefix(prefix)


@pytest.mark.parametrize("nested", [False, True])
def test_a_class_of_ones_own_is_named_with_its_layer(nested, tmp_path):
    mine = Mine(name="my_layer")
    inside = keras.Sequential([keras.Input((8,)), mine], name="submodel") if nested else mine
    network(inside).save(tmp_path / "it.keras")
    said = f"layer 'my_layer': '{Mine.__module__}.Mine' is neither Keras's nor cnnlab's"
    assert refusal(tmp_path / "it.keras") == said


def test_python_code_is_named_with_its_layer(tmp_path):
    network(keras.layers.Lambda(lambda inputs: inputs, name="same")).save(tmp_path / "it.keras")
    assert refusal(tmp_path / "it.keras") == "layer 'same': Lambda holds Python code, which is not run"


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ('"units": 2', '"units": -2', "Received an invalid value for `units`, expected a positive integer"),
        ('"softmax"', '"sofmax"', "Could not interpret activation function identifier: sofmax"),
        ("[3, 3]", "[30, 3]", "Computed output size would be zero or negative"),
        ('"config"', '"settings"', "expected a model's settings in config.json, found something else"),
    ],
)
def test_what_keras_refuses_is_said_in_its_last_words(before, after, sentence, tmp_path):
    network().save(tmp_path / "whole.keras")
    with (
        zipfile.ZipFile(tmp_path / "whole.keras") as whole,
        zipfile.ZipFile(tmp_path / "it.keras", "w") as it,
    ):
        for name in whole.namelist():
            content = whole.read(name)
            if name == "config.json":
                text = content.decode()
                assert before in text
                content = json.dumps(json.loads(text.replace(before, after))).encode()
            it.writestr(name, content)
    assert refusal(tmp_path / "it.keras") == sentence
