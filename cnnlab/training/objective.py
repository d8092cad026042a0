"""What training minimises, and how outputs become answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import keras
import numpy as np

from cnnlab.config import ExperimentConfig


@dataclass(frozen=True)
class Objective:
    """The loss of an experiment. `tensor` stands for the backend's own arrays."""

    loss_of: keras.losses.Loss
    one_hot: bool
    num_classes: int
    logits: bool

    @classmethod
    def of(cls, config: ExperimentConfig, num_classes: int) -> Self:
        one_hot = config.training.loss == "categorical_crossentropy"
        kind = keras.losses.CategoricalCrossentropy if one_hot else keras.losses.SparseCategoricalCrossentropy
        return cls(kind(from_logits=config.gives_logits), one_hot, num_classes, config.gives_logits)

    def loss(self, labels: Any, outputs: Any) -> Any:
        """Mean loss of a batch: labels (N,) int tensor, outputs (N, num_classes) → scalar tensor."""
        targets = keras.ops.one_hot(labels, self.num_classes) if self.one_hot else labels
        return self.loss_of(targets, outputs)

    def correct(self, labels: Any, outputs: Any) -> Any:
        """How many of a batch are right, as a scalar int32 tensor."""
        answers = keras.ops.cast(keras.ops.argmax(outputs, axis=-1), labels.dtype)
        return keras.ops.sum(keras.ops.cast(keras.ops.equal(answers, labels), "int32"))

    def mean_loss(self, labels: np.ndarray, outputs: np.ndarray) -> float:
        """Mean loss over a whole split: labels (N,) int, outputs (N, num_classes) float32."""
        return float(keras.ops.convert_to_numpy(self.loss(labels.astype(np.int32), outputs)))

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """(N, num_classes) float32 outputs → probabilities, float32, rows sum to 1."""
        if not self.logits:
            return outputs
        return np.asarray(keras.ops.convert_to_numpy(keras.ops.softmax(outputs, axis=-1)))
