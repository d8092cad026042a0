"""Keras models as experiments in Python: what they become, how they train, what is refused."""

import keras
import numpy as np
import pytest

import cnnlab
from cnnlab.cli import run as command_line

COLORS = {"name": "colors", "train_size": 200, "validation_size": 50}


def sequential():
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 3)),
            layers.Conv2D(4, 5, strides=2, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(6, activation="softmax"),
        ]
    )


def with_shortcut():
    layers = keras.layers
    image = keras.Input((28, 28, 3))
    x = layers.Conv2D(4, 5, strides=3, activation="relu")(image)
    x = layers.BatchNormalization()(x)
    x = layers.Add()([layers.Conv2D(4, 3, padding="same", activation="relu")(x), x])
    return keras.Model(image, layers.Dense(6, activation="softmax")(layers.Flatten()(x)))


MODELS = pytest.mark.parametrize("build", [sequential, with_shortcut])


@pytest.fixture(autouse=True)
def started(backend):
    """Every test here runs on the session's backend, which is deterministic."""


@MODELS
def test_built_twice_it_is_one_experiment(build):
    first = cnnlab.Experiment.from_keras(build(), dataset=COLORS)
    second = cnnlab.Experiment.from_keras(build(), dataset=COLORS)  # Keras goes on counting: conv2d_7
    assert first == second
    assert first.digest == second.digest
    other = cnnlab.Experiment.from_keras(build(), dataset=COLORS, training={"epochs": 3})
    assert other.digest != first.digest


@MODELS
def test_the_summary_counts_what_keras_counts(build):
    model = build()
    summary = cnnlab.Experiment.from_keras(model, dataset="colors").summary()
    assert summary.total_params == model.count_params()
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert summary.trainable_params == trainable
    assert summary.architecture.output_shape == model.output_shape[1:]


@MODELS
def test_it_goes_to_yaml_and_back(build, tmp_path):
    experiment = cnnlab.Experiment.from_keras(build(), dataset="colors", description="From Keras.", seed=3)
    experiment.to_yaml(tmp_path / "it.yaml")
    assert cnnlab.load(tmp_path / "it.yaml") == experiment
    assert cnnlab.load(experiment, {"training.epochs": 2}).config.training.epochs == 2


def test_settings_are_those_of_a_config():
    experiment = cnnlab.Experiment.from_keras(
        sequential(),
        dataset=COLORS,
        training={"epochs": 2, "optimizer": {"name": "sgd", "learning_rate": 0.1}},
        name="mine",
        seed=7,
        runtime={"device": "cpu"},
    )
    assert (experiment.name, experiment.seed) == ("mine", 7)
    assert experiment.config.training.optimizer.name == "sgd"
    runtime = experiment.config.runtime
    assert (runtime.backend, runtime.device) == (keras.backend.backend(), "cpu")


def test_a_backend_that_is_given_counts():
    experiment = cnnlab.Experiment.from_keras(sequential(), dataset="colors", runtime={"backend": "jax"})
    assert experiment.config.runtime.backend == "jax"


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (None, "keras_model"),
        ("sequential_3", "keras_model"),
        ("lenet", "lenet"),
        ("mobilenet_1.00_32", "mobilenet_1_00_32"),
    ],
)
def test_it_is_called_as_the_model_is(own, expected):
    model = keras.Sequential(sequential().layers, name=own)
    assert cnnlab.Experiment.from_keras(model, dataset="colors").name == expected


def test_a_functional_model_that_keras_named():
    assert cnnlab.Experiment.from_keras(with_shortcut(), dataset="colors").name == "keras_model"


@pytest.fixture(scope="module")
def trained(tmp_path_factory, backend):
    """One finished run of the model with a shortcut."""
    experiment = cnnlab.Experiment.from_keras(
        with_shortcut(), dataset=COLORS, training={"epochs": 1}, name="shortcut", seed=1
    )
    (run,) = cnnlab.train(experiment, out=tmp_path_factory.mktemp("from_keras"))
    return run


def test_the_file_alone_trains_the_same_weights(trained, tmp_path, capsys):
    file = tmp_path / "alone.yaml"
    file.write_bytes((trained.folder / "config.yaml").read_bytes())
    assert command_line(["train", str(file), "--out", str(tmp_path / "again"), "--quiet"]) == 0
    (again,) = cnnlab.runs(out=tmp_path / "again")
    assert again.folder.parent.name == trained.folder.parent.name  # NAME-DIGEST
    for one, other in zip(trained.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_weights_of_the_model_stay_behind(tmp_path):
    """Each seed starts from fresh weights, whatever the model has learned."""
    first, second = sequential(), sequential()
    second.set_weights([weight + 1 for weight in second.get_weights()])
    losses = [
        cnnlab.train(
            cnnlab.Experiment.from_keras(model, dataset=COLORS, training={"epochs": 1}),
            out=tmp_path / str(index),
        )[0].result.test_loss
        for index, model in enumerate((first, second))
    ]
    assert losses[0] == losses[1]


def test_the_run_knows_its_experiment(trained):
    assert trained.result.params == with_shortcut().count_params()
    assert trained.experiment == cnnlab.Experiment.from_keras(
        with_shortcut(), dataset=COLORS, training={"epochs": 1}, name="shortcut", seed=1
    )


def test_saliency_of_the_run(trained):
    saliency = trained.explain("saliency", image=[0, 18], method=["gradient"])
    assert saliency.arrays["gradient"].shape == (2, 28, 28)
    assert saliency.arrays["gradient"].max() > 0


def test_filters_of_the_run(trained):
    filters = trained.explain("filters")
    kernel = trained.model.get_layer("conv2d_1").get_weights()[0]  # (height, width, channels, filters)
    assert any(kernel.size == array.size for array in filters.arrays.values())


def test_a_lambda_is_refused_by_name():
    model = sequential()
    model.add(keras.layers.Lambda(lambda x: x, name="mystery"))
    with pytest.raises(cnnlab.UserError) as caught:
        cnnlab.Experiment.from_keras(model, dataset="colors")
    assert str(caught.value) == (
        f"{model.name}: layer mystery: Lambda cannot be used here: it holds Python code, and a config never "
        "runs code; use a layer that Keras ships instead"
    )


class Doubled(keras.layers.Layer):
    def call(self, inputs):
        return 2 * inputs


class Whole(keras.Model):
    def call(self, inputs):
        return inputs


def test_a_layer_of_ones_own_is_refused_by_name():
    model = keras.Sequential([keras.Input((28, 28, 3)), Doubled(), *sequential().layers], name="own")
    with pytest.raises(cnnlab.UserError) as caught:
        cnnlab.Experiment.from_keras(model, dataset="colors")
    assert str(caught.value) == (
        "own: layer doubled: Doubled is not one of the layers that Keras ships, and a config never runs "
        "other code"
    )


def test_a_model_class_of_ones_own_is_refused_by_name():
    with pytest.raises(cnnlab.UserError) as caught:
        cnnlab.Experiment.from_keras(Whole(), dataset="colors")
    assert str(caught.value) == (
        "Whole is a class of its own, whose code a config cannot hold; "
        "expected keras.Sequential, or keras.Model(inputs, outputs)"
    )


def test_a_model_for_other_images_is_refused():
    with pytest.raises(cnnlab.UserError) as caught:
        cnnlab.Experiment.from_keras(sequential(), dataset="mnist", name="mine")
    assert "the model takes 28×28×3; the shape of mnist's images is 28×28×1" in str(caught.value)
