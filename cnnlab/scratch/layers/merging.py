"""Layers where branches meet. Backwards each branch gets its share of the gradient."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from cnnlab.layers import merging as described
from cnnlab.scratch.layer import Gradients, Mode, Pass, ScratchLayer, Weights


class Add(ScratchLayer[described.Add]):
    """The sum: every branch gets the whole gradient."""

    def forward(self, inputs: Sequence[np.ndarray], weights: Weights, mode: Mode) -> Pass:
        return Pass(
            reduce(np.add, inputs), lambda gradient, inputs_wanted: Gradients([gradient] * len(inputs))
        )


class Average(ScratchLayer[described.Average]):
    """The mean of n branches: every branch gets 1/n of the gradient."""

    def forward(self, inputs: Sequence[np.ndarray], weights: Weights, mode: Mode) -> Pass:
        count = len(inputs)
        return Pass(
            reduce(np.add, inputs) / count,
            lambda gradient, inputs_wanted: Gradients([gradient / count] * count),
        )


class Maximum(ScratchLayer[described.Maximum]):
    """The largest number: its branch gets the gradient.

    Of equal ones that is the first, as in Keras on TensorFlow; on JAX they share it.
    """

    def forward(self, inputs: Sequence[np.ndarray], weights: Weights, mode: Mode) -> Pass:
        winners = np.argmax(inputs, axis=0)

        def backward(gradient: np.ndarray, inputs_wanted: bool) -> Gradients:
            return Gradients([gradient * (winners == branch) for branch in range(len(inputs))])

        return Pass(reduce(np.maximum, inputs), backward)


class Concatenate(ScratchLayer[described.Concatenate]):
    """The branches one behind the other: every branch gets its part of the gradient."""

    def forward(self, inputs: Sequence[np.ndarray], weights: Weights, mode: Mode) -> Pass:
        axis = self.settings.axis
        ends = np.cumsum([each.shape[axis] for each in inputs])[:-1]
        return Pass(
            np.concatenate(inputs, axis=axis),
            lambda gradient, inputs_wanted: Gradients(np.split(gradient, ends, axis=axis)),
        )
