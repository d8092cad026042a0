"""The optimizer of the engine as fit and checkpoints know Keras's: a learning rate, and variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.scratch.optimizers import Slots, slot_names, step_of_all


class Variable:
    """A NumPy array that can be assigned, as a checkpoint puts it back."""

    def __init__(self, value: np.ndarray) -> None:
        self.value = value

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    def assign(self, value: np.ndarray) -> None:
        """Take over a value of the same shape."""
        self.value = np.array(value, self.value.dtype)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.value, dtype)


class ScratchOptimizer:
    """An optimizer of a config. Its state is in `variables`: how many steps it has made, then its slots.

    Attributes:
        iterations: the steps so far.
    """

    def __init__(self, config: ExperimentConfig, *, train_count: int) -> None:
        """The optimizer of an experiment that trains on `train_count` images."""
        training, optimizer = config.training, config.training.optimizer
        self._name, self._settings = optimizer.name, optimizer.arguments()
        self._schedule, self._epochs = optimizer.learning_rate, training.epochs
        self._steps_per_epoch = training.steps_per_epoch(train_count)
        self._reduced: float | None = None
        self.iterations = Variable(np.array(0, np.int64))
        shapes = [
            weight.shape for step in config.architecture.steps for weight in step.weights if weight.trainable
        ]
        names = slot_names(self._name, self._settings)
        self._slots = [{name: Variable(np.zeros(shape, np.float32)) for name in names} for shape in shapes]

    @property
    def variables(self) -> list[Variable]:
        return [self.iterations, *(slot for slots in self._slots for slot in slots.values())]

    @property
    def learning_rate(self) -> float:
        """That of the next step, rounded to float32 as Keras's is."""
        rate: Any = self._reduced
        if rate is None:
            epoch = np.float32(self.iterations.value) / np.float32(self._steps_per_epoch)
            rate = self._schedule.rate(epoch, self._epochs, np)
        return float(np.float32(rate))

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        """From now on it is this one."""
        self._reduced = rate

    def step(self, weights: Sequence[np.ndarray], gradients: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The weights after one more step, in the order of the config's layers."""
        made = int(self.iterations.value) + 1
        slots: list[Slots] = [{name: slot.value for name, slot in each.items()} for each in self._slots]
        after, slots = step_of_all(
            self._name, self._settings, weights, gradients, slots, self.learning_rate, made
        )
        for variables, values in zip(self._slots, slots, strict=True):
            for name, value in values.items():
                variables[name].assign(value)
        self.iterations.assign(np.array(made))
        return after
