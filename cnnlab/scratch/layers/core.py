"""Dense layers, and what prepares their input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnnlab.layers import core
from cnnlab.scratch.activations import activate
from cnnlab.scratch.backward import Computed
from cnnlab.scratch.data_formats import in_format
from cnnlab.scratch.layer import Gradients, Mode, Pass, ScratchLayer, Weightless, Weights


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


class Flatten(Weightless[core.Flatten]):
    """Each image as one row; the way back gives it its shape again."""

    def compute(self, inputs: np.ndarray, mode: Mode) -> Computed:
        order = (0, *(1 + axis for axis in self.settings.written_order(inputs.shape[1:])))
        images = inputs.transpose(order)
        return images.reshape(len(images), -1), lambda gradient: gradient.reshape(images.shape).transpose(
            np.argsort(order)
        )


class Rescaling(Weightless[core.Rescaling]):
    """input · scale + offset"""

    def compute(self, inputs: np.ndarray, mode: Mode) -> Computed:
        scale = self.settings.scale
        return inputs * scale + self.settings.offset, lambda gradient: gradient * scale


class Grayscale(Weightless[core.Grayscale]):
    """0.299 R + 0.587 G + 0.114 B (ITU-R BT.601)"""

    def compute(self, inputs: np.ndarray, mode: Mode) -> Computed:
        luma = np.array([[0.299], [0.587], [0.114]], inputs.dtype)
        return in_format(
            self.settings.data_format,
            lambda images: (images @ luma, lambda gradient: gradient @ luma.T),
            inputs,
        )
