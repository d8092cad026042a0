"""Activation functions with their derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

Backward = Callable[[np.ndarray], np.ndarray]
"""The gradient with respect to the output → the gradient with respect to the input."""


def linear(inputs: np.ndarray) -> tuple[np.ndarray, Backward]:
    """The input as it is."""
    return inputs, lambda gradient: gradient


def relu(inputs: np.ndarray) -> tuple[np.ndarray, Backward]:
    """max(x, 0): the gradient passes where x > 0 (Nair & Hinton 2010)."""
    output = np.maximum(inputs, 0)
    return output, lambda gradient: gradient * (output > 0)


def softmax(inputs: np.ndarray) -> tuple[np.ndarray, Backward]:
    """exp(xₖ) / Σ exp(xⱼ) along the last axis; backwards y · (g − Σ g·y) (Bridle 1990)."""
    powers = np.exp(inputs - inputs.max(axis=-1, keepdims=True))
    output: np.ndarray = powers / powers.sum(axis=-1, keepdims=True)

    def backward(gradient: np.ndarray) -> np.ndarray:
        to_inputs: np.ndarray = output * (gradient - (gradient * output).sum(axis=-1, keepdims=True))
        return to_inputs

    return output, backward


ACTIVATIONS: Mapping[str, Callable[[np.ndarray], tuple[np.ndarray, Backward]]] = {
    "linear": linear,
    "relu": relu,
    "softmax": softmax,
}
"""By Keras's names."""


def activate(name: str, inputs: np.ndarray) -> tuple[np.ndarray, Backward]:
    """What an activation function gives, and its way back."""
    return ACTIVATIONS[name](inputs)
