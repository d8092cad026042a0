"""Activation functions with their derivatives, by Keras's names and with Keras's defaults.

Where a function has a kink, its slope is the one on the left, as relu's 0 at 0, unless it says otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from cnnlab.scratch.backward import Computed


def linear(x: np.ndarray) -> Computed:
    """x as it is."""
    return x, lambda gradient: gradient


def relu(x: np.ndarray) -> Computed:
    """max(x, 0): the gradient passes where x > 0 (Nair & Hinton 2010)."""
    output = np.maximum(x, 0)
    return output, lambda gradient: gradient * (output > 0)


def relu6(x: np.ndarray) -> Computed:
    """min(max(x, 0), 6): the gradient passes where 0 < x < 6 (Howard et al. 2017)."""
    return np.clip(x, 0, 6), lambda gradient: gradient * ((x > 0) & (x < 6))


def leaky_relu(x: np.ndarray, negative_slope: float = 0.2) -> Computed:
    """x where x > 0, else negative_slope · x (Maas, Hannun & Ng 2013)."""
    return np.where(x > 0, x, negative_slope * x), lambda gradient: np.where(
        x > 0, gradient, negative_slope * gradient
    )


def elu(x: np.ndarray, alpha: float = 1.0) -> Computed:
    """x where x > 0, else alpha · (exp(x) − 1), whose slope is itself + alpha (Clevert et al. 2016)."""
    output = np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))
    return output, lambda gradient: gradient * np.where(x > 0, 1, output + alpha)


def selu(x: np.ndarray) -> Computed:
    """1.0507 · elu with alpha 1.6733; its slope at 0 is the one on the right (Klambauer et al. 2017)."""
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    output = scale * np.where(x >= 0, x, alpha * np.expm1(np.minimum(x, 0)))
    return output, lambda gradient: gradient * np.where(x >= 0, scale, output + scale * alpha)


def sigmoid(x: np.ndarray) -> Computed:
    """σ(x) = 1 / (1 + exp(−x)), whose slope is σ · (1 − σ)."""
    output = _sigmoid(x)
    return output, lambda gradient: gradient * output * (1 - output)


def hard_sigmoid(x: np.ndarray) -> Computed:
    """relu6(x + 3) / 6 (Howard et al. 2019)."""
    return np.clip(x + 3, 0, 6) / 6, lambda gradient: gradient * (np.abs(x) < 3) / 6


def log_sigmoid(x: np.ndarray) -> Computed:
    """log σ(x), whose slope is σ(−x)."""
    return -np.logaddexp(0, -x), lambda gradient: gradient * _sigmoid(-x)


def silu(x: np.ndarray) -> Computed:
    """x · σ(x), also called swish (Ramachandran, Zoph & Le 2017)."""
    gate = _sigmoid(x)
    return x * gate, lambda gradient: gradient * gate * (1 + x * (1 - gate))


def hard_silu(x: np.ndarray) -> Computed:
    """x · hard_sigmoid(x) (Howard et al. 2019)."""
    gate = np.clip(x + 3, 0, 6) / 6
    return x * gate, lambda gradient: gradient * (gate + x * (np.abs(x) < 3) / 6)


def gelu(x: np.ndarray) -> Computed:
    """x · Φ(x), Φ the normal distribution's probability of less than x (Hendrycks & Gimpel 2016)."""
    below = _normal_distribution(x)
    density = math.sqrt(1 / (2 * math.pi))
    return x * below, lambda gradient: gradient * (below + x * density * np.exp(-x * x / 2))


def mish(x: np.ndarray) -> Computed:
    """x · tanh(softplus(x)) (Misra 2020)."""
    gate = np.tanh(np.logaddexp(0, x))
    return x * gate, lambda gradient: gradient * (gate + x * (1 - gate * gate) * _sigmoid(x))


def tanh(x: np.ndarray) -> Computed:
    """The hyperbolic tangent, whose slope is 1 − tanh²(x)."""
    output = np.tanh(x)
    return output, lambda gradient: gradient * (1 - output * output)


def hard_tanh(x: np.ndarray) -> Computed:
    """x, but no less than −1 and no more than 1, where it still has slope 1."""
    return np.clip(x, -1, 1), lambda gradient: gradient * (np.abs(x) <= 1)


def tanh_shrink(x: np.ndarray) -> Computed:
    """x − tanh(x), whose slope is tanh²(x)."""
    curve = np.tanh(x)
    return x - curve, lambda gradient: gradient * curve * curve


def hard_shrink(x: np.ndarray) -> Computed:
    """x where |x| > ½, else 0."""
    outside = np.abs(x) > 0.5
    return x * outside, lambda gradient: gradient * outside


def soft_shrink(x: np.ndarray) -> Computed:
    """x, moved towards 0 by ½ but not across it."""
    return x - np.clip(x, -0.5, 0.5), lambda gradient: gradient * (np.abs(x) > 0.5)


def softplus(x: np.ndarray) -> Computed:
    """log(1 + exp(x)), whose slope is σ(x) (Dugas et al. 2001)."""
    return np.logaddexp(0, x), lambda gradient: gradient * _sigmoid(x)


def softsign(x: np.ndarray) -> Computed:
    """x / (1 + |x|), whose slope is 1 / (1 + |x|)²."""
    divisor = 1 + np.abs(x)
    return x / divisor, lambda gradient: gradient / (divisor * divisor)


def sparse_plus(x: np.ndarray) -> Computed:
    """0 up to −1, (x + 1)² / 4 up to 1, x from there on."""
    slope = np.clip((x + 1) / 2, 0, 1)
    return np.where(x < 1, slope * slope, x), lambda gradient: gradient * slope


def squareplus(x: np.ndarray) -> Computed:
    """(x + √(x² + 4)) / 2 (Barron 2021)."""
    root = np.sqrt(x * x + 4)
    return (x + root) / 2, lambda gradient: gradient * (1 + x / root) / 2


def exponential(x: np.ndarray) -> Computed:
    """exp(x), which is its own slope."""
    output = np.exp(x)
    return output, lambda gradient: gradient * output


def softmax(x: np.ndarray, axis: int = -1) -> Computed:
    """exp(xₖ) / Σ exp(xⱼ); backwards y · (g − Σ g·y) (Bridle 1990)."""
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    output = powers / powers.sum(axis=axis, keepdims=True)
    return output, lambda gradient: output * (gradient - (gradient * output).sum(axis=axis, keepdims=True))


def log_softmax(x: np.ndarray) -> Computed:
    """xₖ − log Σ exp(xⱼ); backwards g − softmax(x) · Σ g."""
    shifted = x - x.max(axis=-1, keepdims=True)
    output = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return output, lambda gradient: gradient - np.exp(output) * gradient.sum(axis=-1, keepdims=True)


ACTIVATIONS: Mapping[str, Callable[[np.ndarray], Computed]] = {
    "celu": elu,  # with alpha 1 the two are the same
    "elu": elu,
    "exponential": exponential,
    "gelu": gelu,
    "hard_shrink": hard_shrink,
    "hard_sigmoid": hard_sigmoid,
    "hard_silu": hard_silu,
    "hard_tanh": hard_tanh,
    "leaky_relu": leaky_relu,
    "linear": linear,
    "log_sigmoid": log_sigmoid,
    "log_softmax": log_softmax,
    "mish": mish,
    "relu": relu,
    "relu6": relu6,
    "selu": selu,
    "sigmoid": sigmoid,
    "silu": silu,
    "soft_shrink": soft_shrink,
    "softmax": softmax,
    "softplus": softplus,
    "softsign": softsign,
    "sparse_plus": sparse_plus,
    "squareplus": squareplus,
    "swish": silu,
    "tanh": tanh,
    "tanh_shrink": tanh_shrink,
}
"""By Keras's names.

glu is missing, which halves its input, and sparsemax, whose outputs have another sum than 1 in Keras 3.15.
"""


def activate(name: str, x: np.ndarray) -> Computed:
    """What an activation function gives, and its way back."""
    return ACTIVATIONS[name](x)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    y: np.ndarray = np.exp(-np.logaddexp(0, -x))  # 1 / (1 + exp(−x)) would overflow
    return y


def _normal_distribution(x: np.ndarray) -> np.ndarray:
    erf = np.vectorize(math.erf, otypes=[x.dtype])  # NumPy has none
    y: np.ndarray = (1 + erf(x / math.sqrt(2))) / 2
    return y
