"""How much memory one training step takes, from the shapes alone: an estimate, made without Keras."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from cnnlab.accounting.architecture import NUMBER_BYTES, Architecture

EVALUATION_BYTES = 2**28
"""What images take while they are evaluated; see `evaluation_batch`."""


@dataclass(frozen=True)
class TrainingMemory:
    """Bytes that training on one batch holds at once, part by part.

    Weights, gradients and the optimizer's slots (Adam: two numbers for each weight) are float32 in mixed
    precision too. Activations are the images and the outputs of all layers, which wait for the backward
    pass: half as large in mixed precision. With them counts what some layers compute on the way, as float32:
    the samples of a spatial transformer, the windows of a locally connected layer; and for as many images as
    are computed at once, the windows of a convolution, where these are written out (im2col). What a framework
    needs besides, such as the workspace of a convolution, its own code and the data set, comes on top.
    """

    batch_size: int
    optimizer: str
    weights_bytes: int
    gradients_bytes: int
    optimizer_bytes: int
    activations_bytes: int

    @property
    def total_bytes(self) -> int:
        return self.weights_bytes + self.gradients_bytes + self.optimizer_bytes + self.activations_bytes

    def as_dict(self) -> dict[str, Any]:
        return {**self.__dict__, "total_bytes": self.total_bytes}


def training_memory(
    architecture: Architecture,
    *,
    batch_size: int,
    optimizer: str,
    slots: int,
    precision: str,
    windows_at_once: int = 0,
) -> TrainingMemory:
    """What a step of training takes.

    Args:
        slots: numbers that the optimizer keeps for each trainable weight.
        windows_at_once: of how many images convolutions write out all windows as a matrix at the same time.
    """
    trainable_bytes = NUMBER_BYTES * architecture.trainable_params
    halves = 1 if precision == "float32" else 2
    return TrainingMemory(
        batch_size=batch_size,
        optimizer=optimizer,
        weights_bytes=architecture.params_bytes,
        gradients_bytes=trainable_bytes,
        optimizer_bytes=slots * trainable_bytes,
        activations_bytes=batch_size * architecture.activation_bytes // halves
        + batch_size * architecture.working_bytes
        + min(windows_at_once, batch_size) * _window_bytes(architecture),
    )


def evaluation_batch(architecture: Architecture, *, windows: bool = False) -> int:
    """How many images are evaluated at once: few enough that they take no more than `EVALUATION_BYTES`.

    Args:
        windows: whether convolutions write them out. Of one image: what is evaluated at once must not
            depend on the number of threads.
    """
    outputs = sum(math.prod(row.output_shape) for row in architecture.rows)
    taken = NUMBER_BYTES * outputs + architecture.working_bytes
    left = EVALUATION_BYTES - (_window_bytes(architecture) if windows else 0)
    return max(1, min(500, left // max(1, taken)))


def _window_bytes(architecture: Architecture) -> int:
    """The windows of one image, written out, in the convolution where they take most."""
    numbers = (step.node.layer.window_numbers(step.input_shape) for step in architecture.steps)
    return NUMBER_BYTES * max(numbers, default=0)
