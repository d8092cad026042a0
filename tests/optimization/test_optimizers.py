"""Optimizers of the config language against Keras's own."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import numpy as np
import pytest

from cnnlab.backend import Backend
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.optimizers import OPTIMIZERS, Optimizer
from cnnlab.training.optimization import build_optimizer


def config_with(optimizer: dict[str, object], **training: object) -> ExperimentConfig:
    return ExperimentConfig.model_validate(
        {
            "name": "tiny",
            "dataset": "colors",
            "model": {"layers": ["Flatten", {"Dense": {"units": 6, "activation": "softmax"}}]},
            "training": {"optimizer": optimizer, **training},
        }
    )


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_defaults_are_those_of_keras(name: str, backend: Backend) -> None:
    ours = OPTIMIZERS[name]()
    theirs = inspect.signature(getattr(keras.optimizers, ours.keras_class).__init__).parameters
    assert ours.learning_rate.initial == theirs["learning_rate"].default
    assert {key: theirs[key].default for key in ours.arguments()} == ours.arguments()


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="plain"),
        pytest.param({"use_ema": True}, id="average"),
        pytest.param({"gradient_accumulation_steps": 4}, id="accumulated"),
    ],
)
def test_memory_for_slots_is_enough_and_not_wasted(
    name: str, more: dict[str, object], backend: Backend
) -> None:
    config = config_with({"name": name, **more})
    optimizer = build_optimizer(config, train_count=100)
    kernel = keras.Variable(keras.ops.zeros((50, 40)))
    optimizer.build([kernel])
    numbers = sum(variable.value.shape.num_elements() for variable in optimizer.variables)
    assert numbers // 2000 <= config.training.optimizer.slots <= numbers // 2000 + 1


def test_arguments_reach_keras(backend: Backend) -> None:
    settings = {"name": "sgd", "learning_rate": 0.2, "momentum": 0.8, "nesterov": True, "clipnorm": 3.0}
    optimizer = build_optimizer(config_with(settings | {"weight_decay": 0.1}), train_count=100)
    assert isinstance(optimizer, keras.optimizers.SGD)
    assert (optimizer.momentum, optimizer.nesterov, optimizer.clipnorm) == (0.8, True, 3.0)
    assert (optimizer.weight_decay, round(float(optimizer.learning_rate), 6)) == (0.1, 0.2)


@pytest.mark.parametrize(
    "settings",
    [
        {"name": "adam"},
        {"name": "adam", "beta_1": 0.5, "epsilon": 0.1, "amsgrad": True},
        {"name": "adam", "gradient_accumulation_steps": 3},
        {"name": "adam", "use_ema": True, "ema_overwrite_frequency": 4},
        {"name": "adamw", "clipnorm": 1.0},
        {"name": "lion"},
        {"name": "rmsprop"},
        {"name": "rmsprop", "momentum": 0.8},
        {"name": "rmsprop", "momentum": 0.8, "centered": True},
        {"name": "sgd", "weight_decay": 0.1},
        {"name": "sgd", "momentum": 0.9},
        {"name": "sgd", "momentum": 0.9, "nesterov": True, "clipvalue": 0.3},
    ],
    ids=lambda settings: "-".join(map(str, settings.values())),
)
def test_steps_are_those_of_keras(settings: dict[str, object], backend: Backend) -> None:
    """All weights and all state after 40 steps, to 1e-5 of the larger of 1 and the value."""
    ours = build_optimizer(config_with(settings, batch_size=10), train_count=100)
    theirs = getattr(keras.optimizers, type(ours).__name__).from_config(ours.get_config())
    found, wanted = (after_steps(each) for each in (ours, theirs))
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    again = after_steps(build_optimizer(config_with(settings, batch_size=10), train_count=100))
    for one, other in zip(found, again, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("settings", "operation"),
    [
        ({"name": "adam", "clipnorm": 1.0}, "ResourceApplyAdam"),
        ({"name": "adamw", "gradient_accumulation_steps": 2}, "ResourceApplyAdam"),
        ({"name": "rmsprop", "momentum": 0.8}, "ResourceApplyRMSProp"),
        ({"name": "sgd"}, "ResourceApplyGradientDescent"),
        ({"name": "sgd", "momentum": 0.9}, "ResourceApplyKerasMomentum"),
    ],
)
def test_an_update_is_one_operation(settings: dict[str, object], operation: str, backend: Backend) -> None:
    import tensorflow as tf

    optimizer = build_optimizer(config_with(settings), train_count=100)
    variables = [keras.Variable(keras.ops.ones(shape)) for shape in ((3, 2), (2,))]
    optimizer.build(variables)
    step = tf.function(lambda: optimizer.apply([keras.ops.ones(each.shape) for each in variables], variables))
    graph = step.get_concrete_function().graph.as_graph_def()
    nodes = [node.op for part in (graph, *graph.library.function) for node in nodes_of(part)]
    assert nodes.count(operation) == len(variables)


def nodes_of(part: Any) -> Any:
    """The operations of a graph, or of a function in its library."""
    return part.node if hasattr(part, "node") else part.node_def


def after_steps(optimizer: keras.optimizers.Optimizer) -> list[np.ndarray]:
    """What an optimizer makes of a matrix and a vector, and of its own state."""
    draw = np.random.default_rng(0)
    variables = [keras.Variable(draw.normal(size=shape).astype(np.float32)) for shape in ((30, 20), (20,))]
    optimizer.build(variables)
    for _ in range(40):
        gradients = [
            keras.ops.convert_to_tensor(draw.normal(size=each.shape), "float32") for each in variables
        ]
        optimizer.apply(gradients, variables)
    return [keras.ops.convert_to_numpy(each) for each in (*variables, *optimizer.variables)]


def test_half_precision_scales_the_loss(backend: Backend) -> None:
    config = config_with({"name": "adam"}).model_copy(
        update={
            "runtime": config_with({"name": "adam"}).runtime.model_copy(update={"precision": "mixed_float16"})
        }
    )
    optimizer = build_optimizer(config, train_count=100)
    assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer)


def test_a_schedule_counts_in_epochs_of_batches(backend: Backend) -> None:
    schedule = {"name": "step", "initial": 0.1, "factor": 0.1, "every": 2}
    config = config_with({"name": "sgd", "learning_rate": schedule}, epochs=5, batch_size=10)
    optimizer = build_optimizer(config, train_count=95)  # ten steps an epoch, the last one shorter
    variable = keras.Variable([1.0])
    optimizer.build([variable])
    for _ in range(20):
        assert float(optimizer.learning_rate) == pytest.approx(0.1)
        optimizer.apply([keras.ops.zeros(1)], [variable])
    assert float(optimizer.learning_rate) == pytest.approx(0.01)


def test_every_optimizer_is_documented() -> None:
    assert all(each.__doc__ and each.__doc__ != Optimizer.__doc__ for each in OPTIMIZERS.values())
