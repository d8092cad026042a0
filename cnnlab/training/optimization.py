"""The Keras optimizer of a config, with the schedule of its learning rate."""

from __future__ import annotations

from typing import Any

import keras

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.schedules import Schedule


class EpochSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule of the config language; it follows from the step alone, so training resumes right."""

    def __init__(self, schedule: Schedule, *, steps_per_epoch: float, epochs: int) -> None:
        self.schedule = schedule
        self.steps_per_epoch = steps_per_epoch
        self.epochs = epochs

    def __call__(self, step: Any) -> Any:
        """The learning rate of a step, counted from 0: a float32 scalar tensor."""
        epoch = keras.ops.cast(step, "float32") / self.steps_per_epoch
        return keras.ops.cast(self.schedule.rate(epoch, self.epochs, keras.ops), "float32")

    def get_config(self) -> dict[str, Any]:
        """Keras asks for it when an optimizer is saved."""
        return {
            "schedule": self.schedule.model_dump(),
            "steps_per_epoch": self.steps_per_epoch,
            "epochs": self.epochs,
        }


def build_optimizer(config: ExperimentConfig, *, train_count: int) -> keras.optimizers.Optimizer:
    """The optimizer of an experiment that trains on `train_count` images; mixed_float16 scales the loss."""
    training = config.training
    settings = training.optimizer
    rate: Any = settings.learning_rate.initial
    if settings.learning_rate.changes:
        steps = training.steps_per_epoch(train_count)
        rate = EpochSchedule(settings.learning_rate, steps_per_epoch=steps, epochs=training.epochs)
    build = _optimizer_class(settings.keras_class)
    optimizer = build(learning_rate=rate, **settings.arguments())
    if config.runtime.precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


def _optimizer_class(name: str) -> type[keras.optimizers.Optimizer]:
    """Keras's optimizer, or the backend's faster form of it."""
    keras_class: type[keras.optimizers.Optimizer] = getattr(keras.optimizers, name)
    if keras.backend.backend() != "tensorflow":
        return keras_class
    from cnnlab.training import optimizers_tensorflow

    return getattr(optimizers_tensorflow, name, keras_class)
