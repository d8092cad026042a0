"""What is said of a Keras model equals what Keras says of it, and is the same each time it is built."""

import importlib.util
import json
import math
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from cnnlab.accounting.explanation import explain
from cnnlab.analyses.receptive_fields import receptive_boxes
from cnnlab.config.experiment import parse_config
from cnnlab.language.source import parse_yaml
from cnnlab.layers.base import Layer
from cnnlab.layers.from_keras.layer import KerasLayer
from cnnlab.layers.from_keras.reading import keras_section, read_keras
from cnnlab.model import build_model, connect

_SPEC = importlib.util.spec_from_file_location("models_of_keras", Path(__file__).with_name("models.py"))
models = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(models)

EACH = pytest.mark.parametrize("name", models.MODELS)


def leaves(model, path=""):
    """All layers of a model and of the models within, with their names by path."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from leaves(layer, f"{path}{layer.name}/")
        elif not isinstance(layer, keras.layers.InputLayer):
            yield path + layer.name, layer


@EACH
def test_parameters_and_shapes_are_kerass(name, experiment):
    model = models.MODELS[name]()
    config = experiment(model)
    architecture = config.architecture
    assert architecture.total_params == model.count_params()
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    assert architecture.trainable_params == trainable
    assert architecture.output_shape == model.output_shape[1:]

    rows = [row for row in architecture.rows if "_call" not in row.name]
    by_type = sorted((row.type, row.params) for row in rows)
    assert by_type == sorted((type(layer).__name__, layer.count_params()) for _, layer in leaves(model))


@EACH
def test_each_row_is_a_layer_of_the_model_that_is_built(name, experiment):
    config = experiment(models.MODELS[name]())
    with keras.StatelessScope(initialize_variables=False):
        built = connect(config)
    calls = [row for row in config.architecture.rows if "_call" not in row.name]
    assert sorted(layer.name for layer in built.layers[1:]) == sorted(
        row.name.replace("/", ">") for row in calls
    )
    for row in calls:
        layer = built.get_layer(row.name.replace("/", ">"))
        assert layer.count_params() == row.params
        if all(
            row.name != other.name.partition("_call")[0] for other in config.architecture.rows if other != row
        ):
            traced = tuple(layer.output.shape[1:])
            assert all(size in (None, ours) for size, ours in zip(traced, row.output_shape, strict=True))


def written_names(section, path=""):
    """What the layers are called in the summary, in the order of `leaves`."""
    for layer in section["config"]["layers"]:
        name = path + layer["config"]["name"]
        if "layers" in layer["config"]:
            yield from written_names(layer, f"{name}/")
        elif layer["class_name"] != "InputLayer":
            yield name


@EACH
def test_with_the_same_weights_it_computes_the_same(name, experiment, rng):
    model = models.MODELS[name]()
    config = experiment(model)
    built = build_model(config)
    for written, (_, layer) in zip(written_names(config.model.keras), leaves(model), strict=True):
        built.get_layer(written.replace("/", ">")).set_weights(layer.get_weights())
    images = rng.normal(size=(3, *model.input_shape[1:])).astype(np.float32)
    expected = keras.ops.convert_to_numpy(model(images, training=False))
    found = keras.ops.convert_to_numpy(built(images, training=False))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_the_name_of_the_whole_model_decides_nothing(experiment):
    image = keras.Input((8, 8, 1))
    scores = keras.layers.Dense(3)(keras.layers.Flatten()(image))
    one, other = (keras.Model(image, scores, name=name) for name in ("one", "mobilenet_1.00_32"))
    assert experiment(one) == experiment(other)


@EACH
def test_built_twice_it_has_one_digest(name, experiment):
    first = experiment(models.MODELS[name]())
    second = experiment(models.MODELS[name]())  # Keras counts on: conv2d_7
    assert second.model == first.model
    assert second.digest == first.digest


@EACH
def test_the_file_holds_everything(name, experiment):
    config = experiment(models.MODELS[name]())
    again = parse_config(parse_yaml(config.to_yaml(), "again.yaml"), default_name="again")
    assert again == config
    assert again.digest == config.digest
    assert read_keras(config.model.keras) == config.model.keras


@EACH
def test_what_keras_writes_reads_the_same_as_the_short_form(name):
    model = models.MODELS[name]()
    assert read_keras(json.loads(model.to_json())) == keras_section(model)


def test_another_process_has_the_same_digest(experiment):
    script = (
        "import importlib.util, sys; from cnnlab.backend import start_backend\n"
        "from cnnlab.config.sections import RuntimeConfig; start_backend(RuntimeConfig())\n"
        "spec = importlib.util.spec_from_file_location('models', sys.argv[1])\n"
        "models = importlib.util.module_from_spec(spec); spec.loader.exec_module(models)\n"
        "from cnnlab.config.experiment import ExperimentConfig\n"
        "from cnnlab.layers.from_keras.reading import keras_section\n"
        "models.lecture(); model = {'keras': keras_section(models.mobile())}\n"
        "print(ExperimentConfig(name='it', model=model).digest)\n"
    )
    file = str(Path(__file__).with_name("models.py"))
    run = subprocess.run([sys.executable, "-c", script, file], capture_output=True, text=True, check=True)
    config = experiment(models.mobile())
    model = config.model.model_copy(update={"input_shape": None})
    assert run.stdout.strip() == config.model_copy(update={"model": model}).digest


def test_names_that_keras_counted_up_are_counted_anew_and_given_ones_stay(experiment):
    image = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(2, 3, name="first")(image)
    x = keras.layers.Conv2D(2, 3, name="conv2d_41")(x)
    x = keras.layers.Dense(3, name="scores")(keras.layers.Flatten(name="conv2d_1")(x))
    rows = experiment(keras.Model(image, x)).architecture.rows
    assert [row.name for row in rows] == ["first", "conv2d_2", "conv2d_1", "scores"]


def test_a_layer_that_cnnlab_knows_is_cnnlabs_own(experiment):
    nodes = experiment(models.mobile()).nodes
    foreign = {node.layer.type() for node in nodes if isinstance(node.layer, KerasLayer)}
    assert foreign == {"Multiply"}
    for node in experiment(models.efficient()).nodes:
        assert isinstance(node.layer, Layer)
        assert isinstance(node.layer, KerasLayer) == (node.name == "rescaling_1")
    dense = [node for node in experiment(models.transformer()).nodes if node.layer.type() == "Dense"]
    assert [isinstance(node.layer, KerasLayer) for node in dense] == [True, True, False]  # the last is flat


def test_counts_that_nobody_knows_are_null(experiment):
    architecture = experiment(models.recurrent()).architecture
    document = architecture.as_dict("recurrent")
    assert (document["macs"], document["flops"], document["dense_equivalent_params"]) == (None, None, None)
    lstm = next(row for row in document["layers"] if row["type"] == "Bidirectional")
    assert (lstm["macs"], lstm["flops"], lstm["dense_equivalent_params"], lstm["neurons"]) == (
        None,
        None,
        None,
        0,
    )
    last = document["layers"][-1]
    assert last["macs"] == 6 * 6  # a Dense layer of cnnlab's own

    known = experiment(models.mobile()).architecture
    assert known.macs == sum(row.macs for row in known.rows)  # Multiply has no weights
    assert known.rows[-1].receptive_field == (32, 32)


def test_what_an_output_sees_is_unknown_behind_a_layer_of_kerass(experiment):
    image = keras.Input((20, 20, 1))
    x = keras.layers.Conv2D(2, 3)(image)
    x = keras.layers.Resizing(9, 9)(x)
    x = keras.layers.Conv2D(2, 3)(x)
    x = keras.layers.Dense(3)(keras.layers.Flatten()(x))
    fields = {row.type: row.receptive_field for row in experiment(keras.Model(image, x)).architecture.rows}
    assert fields == {"Conv2D": None, "Resizing": None, "Flatten": None, "Dense": (20, 20)}
    assert experiment(keras.Model(image, x)).architecture.rows[0].receptive_field == (3, 3)


def test_boxes_are_the_whole_image_behind_a_layer_of_kerass(experiment):
    image = keras.Input((20, 20, 1))
    x = keras.layers.Conv2D(2, 3)(keras.layers.Resizing(9, 9)(keras.layers.Conv2D(2, 3)(image)))
    config = experiment(keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(x))))
    position = np.array([[2, 4]])
    assert receptive_boxes(config.architecture, "conv2d_1", position).tolist() == [[2, 4, 5, 7]]
    assert receptive_boxes(config.architecture, "conv2d_2", position).tolist() == [[0, 0, 20, 20]]


def test_boxes_where_a_smaller_tensor_is_broadcast(experiment):
    """Keras repeats the scores of the channels at every position; they depend on the whole image."""
    image = keras.Input((20, 20, 2))
    scores = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(image))
    x = keras.layers.Multiply()([keras.layers.Conv2D(2, 3, padding="same")(image), scores])
    config = experiment(keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(x))))
    (row,) = (row for row in config.architecture.rows if row.type == "Multiply")
    assert row.receptive_field == (20, 20)
    assert receptive_boxes(config.architecture, row.name, np.array([2, 4])).tolist() == [0, 0, 20, 20]


@EACH
def test_every_layer_explains_itself(name, experiment):
    architecture = experiment(models.MODELS[name]()).architecture
    for step, row in zip(architecture.steps, architecture.rows, strict=True):
        sections = {each.title: each.lines for each in explain(architecture, row.name)}
        assert sections["What it does"][0]
        parameters = sections[f"Parameters: {row.params:,}"]
        if step.node.shares is not None:
            owner = architecture.rows[step.node.shares].name
            assert parameters == (f"None of its own: it shares the weights of {owner}.",)
        if row.macs is None:
            (line,) = sections["Multiplications: unknown"]
            assert line == "cnnlab does not count the multiplications of this Keras layer."
        else:
            assert f"Multiplications: {row.macs:,} MACs" in sections


def test_shared_weights_are_counted_once_and_are_the_same(experiment):
    config = experiment(models.shared())
    calls = [row for row in config.architecture.rows if row.name.startswith("conv2d_2")]
    assert [(row.name, row.params > 0) for row in calls] == [
        ("conv2d_2", True), ("conv2d_2_call2", False), ("conv2d_2_call3", False),
    ]  # fmt: skip
    assert len({row.macs for row in calls}) == 1  # the work is done each time
    assert {row.name for row in config.architecture.rows if row.name.startswith("twice")} == {
        "twice/conv2d_1", "twice/batch_normalization_1", "twice/conv2d_1_call2",
        "twice/batch_normalization_1_call2",
    }  # fmt: skip
    assert build_model(config).count_params() == config.architecture.total_params


def test_asking_keras_leaves_no_trace(experiment):
    import random

    model = models.recurrent()
    before = random.getstate()
    assert experiment(model, name="unseen").architecture.total_params
    assert random.getstate() == before
