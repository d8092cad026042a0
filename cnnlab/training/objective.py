"""What training minimises, and how outputs become answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import keras
import numpy as np

from cnnlab.backend import computes_on_gpu
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.datasets.content import Split
from cnnlab.gradients import evaluated


@dataclass(frozen=True)
class Objective:
    """The loss of an experiment. `tensor` stands for the backend's own arrays."""

    loss_of: keras.losses.Loss
    one_hot: bool
    num_classes: int
    logits: bool
    scores: bool
    """Whether the loss takes logits as they are; the others get probabilities."""

    class_weights: np.ndarray | None
    """(num_classes,) float32"""

    @classmethod
    def of(cls, config: ExperimentConfig, class_names: tuple[str, ...], train: Split) -> Self:
        """The objective of an experiment; balanced class weights are counted in `train`."""
        training, logits = config.training, config.gives_logits
        arguments: dict[str, Any] = {}
        scores = logits and training.loss.endswith("crossentropy")
        if training.loss.endswith("crossentropy"):
            arguments["from_logits"] = logits
            if training.loss != "sparse_categorical_crossentropy":
                arguments["label_smoothing"] = training.label_smoothing
        loss = keras.losses.deserialize({"class_name": _LOSSES[training.loss], "config": arguments})
        weights = class_weights(config, class_names, train)
        one_hot = training.loss != "sparse_categorical_crossentropy"
        return cls(loss, one_hot, len(class_names), logits, scores, weights)

    def loss(self, labels: Any, outputs: Any) -> Any:
        """Mean loss of a batch: labels (N,) int tensor, outputs (N, num_classes) → scalar tensor."""
        return self._loss(labels, outputs, None)

    def training_loss(self, labels: Any, outputs: Any) -> Any:
        """The same with each image weighted by its class; the mean is over images, not over weights."""
        if self.class_weights is None:
            return self.loss(labels, outputs)
        return self._loss(labels, outputs, keras.ops.take(self.class_weights, labels))

    def _loss(self, labels: Any, outputs: Any, weights: Any) -> Any:
        targets = keras.ops.one_hot(labels, self.num_classes) if self.one_hot else labels
        if self.logits and not self.scores:
            outputs = keras.ops.softmax(outputs, axis=-1)
        return self.loss_of(targets, outputs, weights)

    def correct(self, labels: Any, outputs: Any) -> Any:
        """How many of a batch are right, as a scalar int32 tensor."""
        answers = keras.ops.cast(keras.ops.argmax(outputs, axis=-1), labels.dtype)
        return keras.ops.sum(keras.ops.cast(keras.ops.equal(answers, labels), "int32"))

    def mean_loss(self, labels: np.ndarray, outputs: np.ndarray) -> float:
        """Mean loss over a whole split: labels (N,) int, outputs (N, num_classes) float32."""
        return float(self._loss_of_split(labels.astype(np.int32), outputs)[0])

    @cached_property
    def _loss_of_split(self) -> Callable[..., tuple[np.ndarray, ...]]:
        """Labels, outputs → their mean loss: on JAX's GPU one program, which fuses its operations.

        Operation by operation, JAX compiles a dozen for each size of a split. Elsewhere that is how it stays:
        fused, a loss has other last digits.
        """

        def loss(labels: np.ndarray, outputs: np.ndarray) -> tuple[Any]:
            return (self.loss(labels, outputs),)

        if keras.backend.backend() == "jax" and computes_on_gpu():
            return evaluated(loss)
        return lambda *arrays: (np.asarray(keras.ops.convert_to_numpy(loss(*arrays)[0])),)

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """(N, num_classes) float32 outputs → probabilities, float32, rows sum to 1."""
        if not self.logits:
            return outputs
        return np.asarray(keras.ops.convert_to_numpy(keras.ops.softmax(outputs, axis=-1)))


_LOSSES = {
    "categorical_crossentropy": "CategoricalCrossentropy",
    "categorical_focal_crossentropy": "CategoricalFocalCrossentropy",
    "categorical_hinge": "CategoricalHinge",
    "kl_divergence": "KLDivergence",
    "mean_squared_error": "MeanSquaredError",
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
}


def class_weights(config: ExperimentConfig, class_names: tuple[str, ...], train: Split) -> np.ndarray | None:
    """How much each class counts: (num_classes,) float32, or None where all count alike.

    Balanced weights are N / (classes · images of the class), so that they are 1 on average over images
    (King & Zeng 2001). Named weights are 1 for the classes that are not named.
    """
    wanted = config.training.class_weights
    if wanted is None:
        return None
    if isinstance(wanted, dict):
        return np.array([wanted.get(name, 1.0) for name in class_names], np.float32)
    counts = np.bincount(train.labels, minlength=len(class_names))
    return (len(train) / (len(class_names) * np.maximum(counts, 1))).astype(np.float32)
