"""Activation functions as layers of their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnnlab.layers import activations as described
from cnnlab.scratch.activations import activate, elu, leaky_relu, softmax
from cnnlab.scratch.backward import Computed
from cnnlab.scratch.layer import Gradients, Mode, Pass, ScratchLayer, Weightless, Weights


class Activation(Weightless[described.Activation]):
    """Any of the functions by its name."""

    def compute(self, inputs: np.ndarray, mode: Mode) -> Computed:
        return activate(self.settings.activation, inputs)


class ReLU(Weightless[described.ReLU]):
    """x above the threshold, at most max_value; negative_slope · (x − threshold) below it.

    Backwards the gradient passes between the two, negative_slope times it does below the threshold.
    """

    def compute(self, inputs: np.ndarray, mode: Mode) -> Computed:
        slope, threshold = self.settings.negative_slope, self.settings.threshold
        highest = np.inf if self.settings.max_value is None else self.settings.max_value
        above = inputs > threshold
        output = np.where(above, np.minimum(inputs, highest), slope * (inputs - threshold))
        return (
            output,
            lambda gradient: gradient * np.where(above, inputs < highest, slope).astype(inputs.dtype),
        )


class LeakyReLU(Weightless[described.LeakyReLU]):
    """See `cnnlab.scratch.activations.leaky_relu`."""

    def compute(self, inputs: np.ndarray, mode: Mode) -> Computed:
        return leaky_relu(inputs, self.settings.negative_slope)


class ELU(Weightless[described.ELU]):
    """See `cnnlab.scratch.activations.elu`."""

    def compute(self, inputs: np.ndarray, mode: Mode) -> Computed:
        return elu(inputs, self.settings.alpha)


class Softmax(Weightless[described.Softmax]):
    """See `cnnlab.scratch.activations.softmax`."""

    def compute(self, inputs: np.ndarray, mode: Mode) -> Computed:
        return softmax(inputs, self.settings.axis)


class PReLU(ScratchLayer[described.PReLU]):
    """x where x > 0, else alpha · x (He et al. 2015).

    alpha's gradient is the sum of g · x where x < 0, over all numbers that share it; at 0 nothing passes.
    """

    def forward(self, inputs: Sequence[np.ndarray], weights: Weights, mode: Mode) -> Pass:
        (x,), alpha = inputs, weights["alpha"]
        shared = (0, *(axis for axis, size in enumerate(alpha.shape, start=1) if size == 1))

        def backward(gradient: np.ndarray, inputs_wanted: bool) -> Gradients:
            to_alpha = (gradient * np.minimum(x, 0)).sum(axis=shared, keepdims=True)[0]
            to_inputs = gradient * ((x > 0) + alpha * (x < 0))
            return Gradients([to_inputs], {"alpha": to_alpha})

        return Pass(np.where(x > 0, x, alpha * x), backward)
