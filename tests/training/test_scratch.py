"""`backend: scratch`: the engine trains what Keras trains, step by step, and its runs are like any other."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from cnnlab.config.experiment import ExperimentConfig, parse_config
from cnnlab.config.sections import RuntimeConfig
from cnnlab.datasets.content import Dataset
from cnnlab.language.source import parse_yaml

pytestmark = pytest.mark.usefixtures("unrendered")

LAYERS = """
    - Conv2D: {filters: 3, kernel_size: 5, strides: 3, use_bias: false, kernel_regularizer: l2}
    - BatchNormalization
    - Residual: {layers: [Conv2D: {filters: 3, kernel_size: 3, padding: same, activation: relu}]}
    - Parallel: {branches: [[MaxPooling2D], [AveragePooling2D]], merge: concatenate}
    - Flatten
    - Dense: {units: 10, activation: softmax, bias_regularizer: {l1: 0.01}}
"""
LOGITS = """
    - DepthwiseConv2D: {kernel_size: 7, strides: 4, activation: tanh, depthwise_regularizer: l1}
    - Flatten
    - Dense: {units: 8, activation: elu}
    - Dropout: {rate: 0}
    - Dense: {units: 10}
"""
SCHEDULED = """
    epochs: 3, batch_size: 16, label_smoothing: 0.1, class_weights: balanced,
    optimizer: {name: sgd, momentum: 0.9, nesterov: true,
                learning_rate: {name: cosine, initial: 0.02, warm_up: 1}}
"""
REDUCED = """
    epochs: 3, batch_size: 16, loss: sparse_categorical_crossentropy,
    optimizer: {name: rmsprop, clipnorm: 0.5, weight_decay: 0.01},
    reduce_on_plateau: {monitor: loss, patience: 1, min_delta: 5, factor: 0.5}
"""
DROPOUT = """
    - Dropout: {rate: 0.3}
    - Conv2D: {filters: 2, kernel_size: 9, strides: 5}
    - BatchNormalization
    - Dropout: {rate: 0.5}
    - Flatten
    - Dense: {units: 10, activation: softmax}
"""


@pytest.fixture
def by_engine(backend: object) -> Callable[..., ExperimentConfig]:
    """by_engine(config, convolution="im2col") → the same, trained by the engine."""

    def call(config: ExperimentConfig, convolution: str = "im2col") -> ExperimentConfig:
        runtime = RuntimeConfig.model_validate({"backend": "scratch", "convolution": convolution})
        return config.model_copy(update={"runtime": runtime})

    return call


def numbers(record: Any, *, without: tuple[str, ...] = ("seconds", "images_per_second")) -> np.ndarray:
    """The history, times aside: (epochs, columns)."""
    return np.array([[value for key, value in row.items() if key not in without] for row in record.history])


@pytest.mark.parametrize(
    ("layers", "training"),
    [pytest.param(LAYERS, SCHEDULED, id="probabilities"), pytest.param(LOGITS, REDUCED, id="logits")],
)
def test_the_engine_trains_as_keras_does(
    trained, experiment, dataset, weights_of, by_engine, layers: str, training: str
) -> None:
    """From the same weights, on the same images in the same order: the same curves."""
    config, data = experiment(layers, training=training), dataset(factor=2.0, offset=-1.0)
    by_keras, by_hand = trained(config, data), trained(by_engine(config), data)
    np.testing.assert_allclose(numbers(by_hand), numbers(by_keras), rtol=2e-4)
    for found, expected in zip(weights_of(by_hand), weights_of(by_keras), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=2e-5)
    assert by_hand.result.test_accuracy == by_keras.result.test_accuracy


def test_keras_gives_the_outputs_that_the_engine_has_trained(trained, experiment, dataset, by_engine) -> None:
    """Moving means and variances included; and what the run has written of them."""
    from cnnlab.training.train import prepare

    data = dataset()
    config = by_engine(experiment(LAYERS, training="epochs: 1, batch_size: 16"))
    learner, steps = prepare(config, data)
    steps.run(np.arange(64, dtype=np.int32).reshape(4, 16), 0, 4)
    expected = keras.ops.convert_to_numpy(learner.model(data.pixels.apply(data.test.images), training=False))
    np.testing.assert_allclose(steps.outputs(data.test.images, 7), expected, atol=1e-5)
    record = trained(config, data)
    saved = keras.models.load_model(record.path / "model.keras")
    answers = keras.ops.convert_to_numpy(saved(data.pixels.apply(data.test.images), training=False))
    np.testing.assert_allclose(record.predictions.probabilities, answers, atol=1e-3)  # float16


def test_an_interrupted_run_ends_with_the_same_bits(
    trained, interrupted, experiment, dataset, weights_of, by_engine, tmp_path
) -> None:
    """Moments of Adam, moving means and the drawing of dropout go on where they were."""
    config, data = by_engine(experiment(DROPOUT, training="epochs: 4, batch_size: 16")), dataset()
    whole = trained(config, data)
    interrupted(config, data, tmp_path / "torn", after=2)
    resumed = trained(config, data, out=tmp_path / "torn")
    np.testing.assert_array_equal(numbers(resumed), numbers(whole))
    for found, expected in zip(weights_of(resumed), weights_of(whole), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_dropout_is_drawn_anew_in_each_step_and_by_the_runs_seed(experiment, dataset, by_engine) -> None:
    from cnnlab.training.train import prepare

    layers = "[Dropout: {rate: 0.5}, Flatten, Dense: {units: 10, activation: softmax}]"
    training = "epochs: 1, optimizer: {name: sgd, learning_rate: 1e-30}"  # the weights stay what they are
    batches = np.zeros((2, 32), np.int32)

    def losses(seed: int) -> tuple[float, ...]:
        config = by_engine(experiment(layers, training=training, seed=seed))
        learner, steps = prepare(config, dataset())
        for variable in learner.model.trainable_variables:
            variable.assign(np.linspace(-1, 1, math.prod(variable.shape)).reshape(variable.shape))
        return tuple(steps.run(batches, 0, 2).losses)

    first, second = losses(0)
    assert first != second
    assert losses(0) == (first, second)
    assert losses(1)[0] not in (first, second)


@pytest.mark.parametrize("convolution", ["loops", "numba"])
def test_all_three_convolutions_train_alike(experiment, dataset, by_engine, convolution: str) -> None:
    from cnnlab.training.train import prepare

    if convolution == "numba":
        pytest.importorskip("numba")
    layers = """
        - AveragePooling2D: {pool_size: 7}
        - Conv2D: {filters: 2, kernel_size: 2}
        - Conv2D: {filters: 2, kernel_size: 2}
        - Flatten
        - Dense: {units: 10, activation: softmax}
    """
    config, batches = experiment(layers), np.arange(24, dtype=np.int32).reshape(3, 8)

    def trained(how: str) -> tuple[np.ndarray, list[np.ndarray]]:
        learner, steps = prepare(by_engine(config, how), dataset())
        return steps.run(batches, 0, 3).losses, learner.model.get_weights()

    (losses, weights), (expected, expected_weights) = trained(convolution), trained("im2col")
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    for found, wanted in zip(weights, expected_weights, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-6)


SHARED = """
dataset: {name: xo, train_count: 40, test_count: 20}
model:
  keras:
    class_name: Functional
    config:
      layers:
        - {class_name: InputLayer, config: {name: image, shape: [16, 16, 1]}}
        - {class_name: Conv2D, config: {name: same, filters: 1, kernel_size: [3, 3], padding: same,
           kernel_regularizer: {class_name: L2, config: {l2: 0.5}}}, inbound_nodes: [[image], [same]]}
        - {class_name: BatchNormalization, config: {name: normal, axis: 3, momentum: 0.8},
           inbound_nodes: [[same_call2], [normal]]}
        - {class_name: Flatten, config: {name: flat}, inbound_nodes: [[normal_call2]]}
        - {class_name: Dense, config: {name: letters, units: 2, activation: softmax}, inbound_nodes: [[flat]]}
      input_layers: [image]
      output_layers: [letters]
training: {epochs: 2, batch_size: 8}
"""


def test_a_layer_that_is_called_twice_has_one_kernel(trained, by_engine) -> None:
    """Its gradient is the sum of both calls, and its penalty counts once."""
    from cnnlab.datasets import DataPaths, load_dataset

    config = parse_config(parse_yaml(SHARED, "shared.yaml"), default_name="shared")
    assert config.dataset is not None
    data: Dataset = load_dataset(config.dataset, DataPaths.from_environment(None))
    np.testing.assert_allclose(
        numbers(trained(by_engine(config), data)), numbers(trained(config, data)), rtol=2e-4
    )


def test_a_loss_that_is_no_number_is_told_as_ever(trained, experiment, dataset, by_engine) -> None:
    from cnnlab.training.epoch import Diverged

    training = (
        "epochs: 1, batch_size: 16, loss: mean_squared_error, optimizer: {name: sgd, learning_rate: 1e30}"
    )
    layers = "[Flatten, Dense: {units: 5}, Dense: {units: 10}]"
    with pytest.raises(Diverged, match=r"training diverged: the loss is \w+ in epoch 1 at step \d of 5"):
        trained(by_engine(experiment(layers, training=training)), dataset())


def test_the_learning_rate_is_keras_own(experiment, dataset, by_engine) -> None:
    """At every step of a schedule, as float32; and after it has been set."""
    from cnnlab.training.optimization import build_optimizer
    from cnnlab.training.optimizer_scratch import ScratchOptimizer

    for schedule in (
        "{name: one_cycle, warm_up: 0.5}",
        "{name: step, initial: 0.1, every: 1}",
        "{name: exponential, initial: 0.3, factor: 0.7}",
    ):
        config = experiment(training=f"epochs: 3, batch_size: 16, optimizer: {{learning_rate: {schedule}}}")
        by_keras = build_optimizer(config, train_count=70)
        by_hand = ScratchOptimizer(by_engine(config), train_count=70)
        for step in range(15):
            by_keras.iterations.assign(step)
            by_hand.iterations.assign(np.array(step))
            np.testing.assert_allclose(by_hand.learning_rate, float(by_keras.learning_rate), rtol=1e-6)
    by_hand.learning_rate = 0.1
    assert by_hand.learning_rate == np.float32(0.1)


ON_ANOTHER_HOST = """
import json
from pathlib import Path

import cnnlab

experiment = cnnlab.Experiment(
    dataset={{"name": "xo", "train_count": 40, "test_count": 20}},
    layers=["Flatten", {{"Dense": {{"units": 2, "activation": "softmax"}}}}],
    training={{"epochs": 1}},
    runtime={{"backend": "scratch"}},
)
(run,) = cnnlab.train(experiment, out={out!r})
environment = json.loads(Path(run.folder, "environment.json").read_text())
assert (environment["backend"], environment["host"]) == ("scratch", {other!r})
assert run.predict([run.predictions.labels[:1].repeat(256).reshape(16, 16).astype("uint8")]).classes
"""


def test_keras_hosts_it_on_what_is_installed(elsewhere, other: str, tmp_path) -> None:
    elsewhere(ON_ANOTHER_HOST.format(out=str(tmp_path), other=other))


def test_what_loops_take_is_counted_layer_by_layer(experiment, by_engine, monkeypatch) -> None:
    """Where no weights lie before a convolution, nobody asks for the gradient of its input."""
    from cnnlab.scratch import loop_cost
    from cnnlab.scratch.loop_cost import LoopSeconds
    from cnnlab.training import slow_convolutions

    layers = """
        - MaxPooling2D
        - Conv2D: {filters: 4, kernel_size: 3, groups: 1}
        - DepthwiseConv2D: {kernel_size: 2}
        - LocallyConnected2D: {filters: 3, kernel_size: 5}
        - Flatten
        - Dense: {units: 10, activation: softmax}
    """
    asked = []

    def told(*kernel: int) -> LoopSeconds:
        asked.append(kernel)
        return LoopSeconds(correlate=1.0, to_images=10.0, to_kernel=100.0)

    monkeypatch.setattr(loop_cost, "loop_seconds", told)
    config = by_engine(experiment(layers), "loops")
    macs = [12 * 12 * 9 * 4, 11 * 11 * 4 * 4, 7 * 7 * 3 * 25 * 4]
    seconds = slow_convolutions.seconds_in_loops(config)
    assert seconds == (sum(macs), macs[0] * 101 + (macs[1] + macs[2]) * 111)
    assert asked == [(3, 3, 1, 4), (2, 2, 1, 1), (5, 5, 4, 3)]
    warning = slow_convolutions.slow_convolutions(config, 100)
    assert warning == (
        f"test: convolutions in loops take about {100 * seconds.training / 3600:,.0f} hours per epoch here; "
        "im2col and numba compute the same (runtime.convolution)"
    )
    assert slow_convolutions.slow_convolutions(by_engine(config), 100) is None
