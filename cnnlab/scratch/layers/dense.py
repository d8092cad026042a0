"""Dense layers, and what prepares their input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnnlab.layers import core
from cnnlab.scratch.activations import activate
from cnnlab.scratch.data_formats import from_channels_last, to_channels_last
from cnnlab.scratch.layer import Gradients, Mode, Pass, ScratchLayer, Weights


class Dense(ScratchLayer[core.Dense]):
    """output = activation(input · kernel + bias)

    With the gradient g of what goes into the activation: inputᵀ · g is the kernel's, the sum of g over the
    batch the bias's, g · kernelᵀ the input's (Rumelhart, Hinton & Williams 1986).
    """

    def forward(self, inputs: Sequence[np.ndarray], weights: Weights, mode: Mode) -> Pass:
        (rows,), kernel = inputs, weights["kernel"]
        output, through_activation = activate(
            self.settings.output_activation, rows @ kernel + weights.get("bias", 0)
        )

        def backward(gradient: np.ndarray, inputs_wanted: bool) -> Gradients:
            gradient = through_activation(gradient)
            to_weights = {"kernel": rows.T @ gradient}
            if self.settings.use_bias:
                to_weights["bias"] = gradient.sum(axis=0)
            return Gradients([gradient @ kernel.T] if inputs_wanted else [], to_weights)

        return Pass(output, backward)


class Flatten(ScratchLayer[core.Flatten]):
    """Each image as one row; the way back gives it its shape again."""

    def forward(self, inputs: Sequence[np.ndarray], weights: Weights, mode: Mode) -> Pass:
        (images,) = inputs
        last = to_channels_last(images, self.settings.data_format)

        def backward(gradient: np.ndarray, inputs_wanted: bool) -> Gradients:
            return Gradients([from_channels_last(gradient.reshape(last.shape), self.settings.data_format)])

        return Pass(last.reshape(len(images), -1), backward)
