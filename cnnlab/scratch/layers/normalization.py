"""Layers that bring numbers to a common scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnnlab.language.fields import Shape
from cnnlab.layers import normalization as described
from cnnlab.scratch.backward import Computed
from cnnlab.scratch.layer import Gradients, Mode, Pass, ScratchLayer, Weightless, Weights


class BatchNormalization(ScratchLayer[described.BatchNormalization]):
    """gamma · (x − mean) / √(variance + epsilon) + beta (Ioffe & Szegedy 2015).

    In training mean and variance are the batch's own, through which the gradient goes too, and the moving
    ones follow them; otherwise they are the moving ones.
    """

    def forward(self, inputs: Sequence[np.ndarray], weights: Weights, mode: Mode) -> Pass:
        (x,), momentum, epsilon = inputs, self.settings.momentum, self.settings.epsilon
        shape = weight_shape(x, (self.settings.axis,))
        if not mode.training:
            mean, variance = (weights[f"moving_{what}"].reshape(shape) for what in ("mean", "variance"))
            scale = 1 / np.sqrt(variance + epsilon)
            computed: Computed = (x - mean) * scale, lambda gradient: gradient * scale
            return scaled_and_shifted(computed, weights, shape)
        axes = tuple(axis for axis in range(x.ndim) if axis != self.settings.axis % x.ndim)
        batch = {"moving_mean": x.mean(axis=axes), "moving_variance": x.var(axis=axes)}
        state = {name: weights[name] * momentum + new * (1 - momentum) for name, new in batch.items()}
        return scaled_and_shifted(normalize(x, axes, epsilon), weights, shape, state)


class LayerNormalization(ScratchLayer[described.LayerNormalization]):
    """gamma · (x − mean) / √(variance + epsilon) + beta, mean and variance those of one image along `axis`.

    Ba, Kiros & Hinton 2016.
    """

    def forward(self, inputs: Sequence[np.ndarray], weights: Weights, mode: Mode) -> Pass:
        (x,), axis = inputs, self.settings.axis
        axes = tuple(each % x.ndim for each in ((axis,) if isinstance(axis, int) else axis))
        computed = normalize(x, axes, self.settings.epsilon)
        return scaled_and_shifted(computed, weights, weight_shape(x, axes))


class GroupNormalization(ScratchLayer[described.GroupNormalization]):
    """gamma · (x − mean) / √(variance + epsilon) + beta, mean and variance those of a group of channels.

    Wu & He 2018; each image on its own.
    """

    def forward(self, inputs: Sequence[np.ndarray], weights: Weights, mode: Mode) -> Pass:
        (x,), axis = inputs, self.settings.axis % inputs[0].ndim
        channels = x.shape[axis]
        groups = channels if self.settings.groups == -1 else self.settings.groups
        parts = x.reshape(*x.shape[:axis], groups, channels // groups, *x.shape[axis + 1 :])
        axes = tuple(each for each in range(1, parts.ndim) if each != axis)
        output, backward = normalize(parts, axes, self.settings.epsilon)
        computed: Computed = (
            output.reshape(x.shape),
            lambda gradient: backward(gradient.reshape(parts.shape)).reshape(x.shape),
        )
        return scaled_and_shifted(computed, weights, weight_shape(x, (axis,)))


class LocalResponseNormalization(Weightless[described.LocalResponseNormalization]):
    """x / (bias + alpha · Σ x²)^beta, the sum over the channels around (Krizhevsky et al. 2012).

    Backwards: g / (…)^beta − 2 · alpha · beta · x · Σ g · x / (…)^(beta + 1), the sum over the same channels.
    """

    def compute(self, inputs: np.ndarray, mode: Mode) -> Computed:
        settings, axis = self.settings, 1 + self.settings.channel_axis
        places = np.arange(inputs.shape[axis])
        near = (np.abs(places[:, None] - places) <= settings.depth_radius).astype(inputs.dtype)
        divisor = settings.bias + settings.alpha * _mixed(inputs * inputs, near, axis)

        def backward(gradient: np.ndarray) -> np.ndarray:
            through_sum = _mixed(gradient * inputs / divisor ** (settings.beta + 1), near, axis)
            direct = gradient / divisor**settings.beta
            to_x: np.ndarray = direct - 2 * settings.alpha * settings.beta * inputs * through_sum
            return to_x

        return inputs / divisor**settings.beta, backward


def normalize(x: np.ndarray, axes: tuple[int, ...], epsilon: float) -> Computed:
    """(x − mean) / √(variance + epsilon), both taken over the given axes.

    With y the output, the gradient is (g − mean(g) − y · mean(g · y)) / √(variance + epsilon): mean and
    variance depend on every x.
    """
    scale = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + epsilon)
    output = (x - x.mean(axis=axes, keepdims=True)) * scale

    def backward(gradient: np.ndarray) -> np.ndarray:
        mean = gradient.mean(axis=axes, keepdims=True)
        along_output = output * (gradient * output).mean(axis=axes, keepdims=True)
        to_x: np.ndarray = (gradient - mean - along_output) * scale
        return to_x

    return output, backward


def scaled_and_shifted(
    computed: Computed, weights: Weights, shape: Shape, state: Weights | None = None
) -> Pass:
    """gamma · y + beta, those of the two that there are; gamma's gradient is Σ g · y, beta's Σ g.

    Args:
        computed: y. shape: that of gamma and beta beside y, with 1 for axes that share them.
    """
    normalized, to_inputs = computed
    shared = tuple(axis for axis, size in enumerate(shape) if size == 1)
    gamma = weights["gamma"].reshape(shape) if "gamma" in weights else None
    output = normalized if gamma is None else gamma * normalized
    if "beta" in weights:
        output = output + weights["beta"].reshape(shape)

    def backward(gradient: np.ndarray, inputs_wanted: bool) -> Gradients:
        sums = {"gamma": gradient * normalized, "beta": gradient}
        to_weights = {
            name: each.sum(axis=shared).reshape(weights[name].shape)
            for name, each in sums.items()
            if name in weights
        }
        if not inputs_wanted:
            return Gradients([], to_weights)
        return Gradients([to_inputs(gradient if gamma is None else gradient * gamma)], to_weights)

    return Pass(output, backward, state or {})


def weight_shape(x: np.ndarray, axes: tuple[int, ...]) -> Shape:
    """The shape of gamma and beta beside x: its own along the given axes, 1 along all others."""
    along = {axis % x.ndim for axis in axes}
    return tuple(size if axis in along else 1 for axis, size in enumerate(x.shape))


def _mixed(x: np.ndarray, near: np.ndarray, axis: int) -> np.ndarray:
    """The sums over the channels near each: near · x along an axis."""
    return np.moveaxis(np.moveaxis(x, axis, -1) @ near, -1, axis)
