"""Optimizers of the config language against Keras's own."""

from __future__ import annotations

import inspect

import keras
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
