"""Looks at a network at the end of an epoch, without touching its training."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.datasets.content import Dataset, PixelScale, Split
from cnnlab.gradients import evaluated
from cnnlab.run_folders.records import EpochRow
from cnnlab.training.health import (
    Circumstances,
    LabelCounts,
    Observation,
    looks_suspicious,
    predictions_seen,
)

WEIGHTS_FOLLOWED = 512
"""Of each weight array, at most so many weights are followed: a copy of all would double the memory."""

MOST_IMAGES = 256
"""So many images at most go through the layers to see which units are silent."""


@dataclass
class Observer:
    """Sees each epoch's end. What it computes is a function of the weights and the images alone.

    The layers are looked into only where an epoch looks suspicious, and at the end: a run that is well pays
    for one batch of images.
    """

    config: ExperimentConfig
    model: keras.Model
    watched: Split
    """The validation images, or some training images where there are none."""

    images: np.ndarray
    """(N, *input_shape) uint8: those of `watched` that go through the layers."""

    pixels: PixelScale
    circumstances: Circumstances
    _weights: list[np.ndarray]

    @classmethod
    def of(cls, config: ExperimentConfig, model: keras.Model, data: Dataset, *, batch_size: int) -> Observer:
        """The observer of a run that is about to begin, or to go on; `batch_size` limits its memory."""
        watched = data.validation if len(data.validation) else evenly_spaced(data.train, batch_size)
        num_classes = len(data.class_names)
        training = config.training
        accumulated = training.optimizer.gradient_accumulation_steps or 1
        circumstances = Circumstances(
            train=LabelCounts.of(data.train.labels, num_classes),
            validation=LabelCounts.of(data.validation.labels, num_classes),
            watched=LabelCounts.of(watched.labels, num_classes),
            class_names=data.class_names,
            relu_layers=tuple(_summary_name(layer) for layer in relu_layers(model)),
            entropy_loss=_is_plain_entropy(config, model),
            updates_per_epoch=training.steps_per_epoch(len(data.train)) / accumulated,
            schedule=training.optimizer.learning_rate.changes,
            keeps_best=training.keep == "best",
            labels_are_known=data.provenance.status == "generated" or data.provenance.label_noise is not None,
        )
        images = evenly_spaced(watched, min(batch_size, MOST_IMAGES)).images
        return cls(config, model, watched, images, data.pixels, circumstances, _followed(model))

    def observe(self, row: EpochRow, probabilities: np.ndarray, *, last: bool) -> Observation:
        """See the network as it is after the epoch of `row`.

        Args:
            probabilities: (N, num_classes) float32, its answers on the images in `watched`.
        """
        weights = _followed(self.model)
        moved = relative_move(self._weights, weights)
        self._weights = weights
        seen = predictions_seen(probabilities)
        if last or looks_suspicious(row, seen, self.circumstances):
            dead = tuple(self._silent_shares())
        else:
            dead = (math.nan,) * len(self.circumstances.relu_layers)
        return Observation(*seen, moved, dead)

    def _silent_shares(self) -> list[float]:
        if not self.circumstances.relu_layers:
            return []
        return [float(np.mean(highest <= 0)) for highest in self._highest(self.pixels.apply(self.images))]

    @cached_property
    def _highest(self) -> Callable[..., tuple[np.ndarray, ...]]:
        """(N, *input_shape) float32 → by ReLU layer the highest output of each unit."""
        layers = relu_layers(self.model)
        inner = keras.Model(self.model.input, [layer.output for layer in layers], name="relu_layers")
        data_format = self.config.dataset.data_format if self.config.dataset else "channels_last"
        axes = [_other_axes(layer, data_format) for layer in layers]

        def highest(images: Any) -> tuple[Any, ...]:
            outputs = keras.tree.flatten(inner(images, training=False))
            return tuple(
                keras.ops.cast(keras.ops.max(output, axis=axis), "float32")
                for output, axis in zip(outputs, axes, strict=True)
            )

        return evaluated(highest, network=inner)


def evenly_spaced(split: Split, most: int) -> Split:
    """At most so many images, from all over a split: where images are sorted, the first are of one class."""
    count = min(most, len(split))
    if count == len(split):
        return split
    chosen = np.linspace(0, len(split) - 1, count).round().astype(np.int64)
    return Split(split.images[chosen], split.labels[chosen])


def seen_before(arrays: np.ndarray, epochs: int, model: keras.Model) -> list[Observation]:
    """The observations that a checkpoint holds, (epochs, values); NaN for epochs of which it has none."""
    unseen = Observation(math.nan, math.nan, math.nan, (math.nan,) * len(relu_layers(model)))
    if len(arrays) != epochs:
        return [unseen] * epochs
    return [Observation.from_array(each) for each in arrays]


def relu_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers that end in a ReLU, in order."""
    return [
        layer
        for layer in _layers(model)
        if (isinstance(layer, keras.layers.ReLU) and not layer.negative_slope)
        or getattr(layer, "activation", None) is keras.activations.relu
    ]


def first_not_finite(model: keras.Model, inputs: np.ndarray) -> str | None:
    """The first layer that gives a number that is infinite or none; None where all outputs are finite.

    Args:
        inputs: (N, *input_shape) float32.
    """
    layers = _layers(model)
    inner = keras.Model(model.input, [layer.output for layer in layers], name="all_layers")
    outputs = inner(inputs, training=False)
    for layer, output in zip(layers, keras.tree.flatten(outputs), strict=True):
        if not np.isfinite(keras.ops.convert_to_numpy(keras.ops.cast(output, "float32"))).all():
            return _summary_name(layer)
    return None


def _layers(model: keras.Model) -> list[keras.layers.Layer]:
    """All layers but the input, in order; one that is called several times is left out."""
    return [
        layer
        for layer in model.layers
        if not isinstance(layer, keras.layers.InputLayer) and len(layer._inbound_nodes) == 1
    ]


def _other_axes(layer: keras.layers.Layer, data_format: str) -> tuple[int, ...]:
    """All axes of a layer's output but the one that counts its units.

    Args:
        data_format: of the images, for layers that have none of their own.
    """
    rank = len(layer.output.shape)
    first = getattr(layer, "data_format", None) or data_format
    units = 1 if rank == 4 and first == "channels_first" else rank - 1
    return tuple(axis for axis in range(rank) if axis != units)


def _summary_name(layer: keras.layers.Layer) -> str:
    return str(layer.name).replace(">", "/")


def _is_plain_entropy(config: ExperimentConfig, model: keras.Model) -> bool:
    training = config.training
    plain = training.loss in ("categorical_crossentropy", "sparse_categorical_crossentropy")
    return plain and training.class_weights is None and not model.losses


def _followed(model: keras.Model) -> list[np.ndarray]:
    """Copies of some weights of each array."""
    sampled = []
    for variable in model.trainable_variables:
        values = np.asarray(keras.ops.convert_to_numpy(variable)).reshape(-1)
        sampled.append(np.array(values[:: max(1, values.size // WEIGHTS_FOLLOWED)], np.float64))
    return sampled


def relative_move(before: Sequence[np.ndarray], after: Sequence[np.ndarray]) -> float:
    """‖after − before‖ / ‖before‖ over all arrays together; NaN without weights, or where all were 0."""
    with np.errstate(invalid="ignore", over="ignore"):  # a network that has diverged says so elsewhere
        distance = sum(float(np.sum((b - a) ** 2)) for a, b in zip(before, after, strict=True))
    norm = sum(float(np.sum(a**2)) for a in before)
    return math.sqrt(distance / norm) if norm else math.nan
