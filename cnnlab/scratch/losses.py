"""Losses with their derivatives, as Keras defines them, down to how it keeps logarithms finite."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from cnnlab.scratch.activations import softmax

LossFunction = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Targets and outputs, (N, classes) each → the loss of each image (N,), its gradient (N, classes)."""

EPSILON = 1e-7
"""Keras's: probabilities are kept this far from 0, and mostly from 1, before their logarithm is taken."""


def softmax_crossentropy(targets: np.ndarray, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """−Σ tₖ log softmax(x)ₖ, whose gradient is softmax(x) · Σ tₖ − t: of both together it is this simple.

    Bridle 1990. No probability is too small for it, since no logarithm of one is taken.
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    logarithms = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    gradients = np.exp(logarithms) * targets.sum(axis=1, keepdims=True) - targets
    return -(targets * logarithms).sum(axis=1), gradients


def categorical_crossentropy(targets: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """−Σ tₖ log pₖ; the gradient is −tₖ / pₖ, and on its way through what makes the sum of p exactly 1."""
    kept, back = _kept_above_0(probabilities)
    return -(targets * np.log(kept)).sum(axis=1), back(-targets / kept)


def sparse_categorical_crossentropy(
    targets: np.ndarray, probabilities: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The cross-entropy of softmax(log p), which is p where its sum is 1."""
    kept = np.clip(probabilities, EPSILON, 1 - EPSILON)
    losses, gradients = softmax_crossentropy(targets, np.log(kept))
    return losses, gradients / kept * _inside(probabilities, EPSILON, 1 - EPSILON)


def categorical_focal_crossentropy(
    targets: np.ndarray, probabilities: np.ndarray, alpha: float = 0.25, gamma: float = 2.0
) -> tuple[np.ndarray, np.ndarray]:
    """−Σ tₖ · alpha · (1 − pₖ)^gamma · log pₖ (Lin et al. 2017)."""
    kept, back = _kept_above_0(probabilities)
    rest, logarithms = 1 - kept, np.log(kept)
    slopes = gamma * rest ** (gamma - 1) * logarithms - rest**gamma / kept
    return -(alpha * targets * rest**gamma * logarithms).sum(axis=1), back(alpha * targets * slopes)


def categorical_hinge(targets: np.ndarray, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """max(0, 1 + largest output of a wrong class − output of the right one) (Crammer & Singer 2001)."""
    others = (1 - targets) * outputs
    largest = others.max(axis=1, keepdims=True)
    margins = 1 + largest[:, 0] - (targets * outputs).sum(axis=1)
    winners = others == largest  # equal ones share the gradient
    to_largest = (1 - targets) * winners / winners.sum(axis=1, keepdims=True, dtype=outputs.dtype)
    return np.maximum(margins, 0), (to_largest - targets) * (margins >= 0)[:, None]


def kl_divergence(targets: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Σ tₖ log(tₖ / pₖ), whose gradient is −tₖ / pₖ (Kullback & Leibler 1951)."""
    wanted, kept = np.clip(targets, EPSILON, 1), np.clip(probabilities, EPSILON, 1)
    losses: np.ndarray = (wanted * np.log(wanted / kept)).sum(axis=1)
    return losses, -wanted / kept * _inside(probabilities, EPSILON, 1)


def mean_squared_error(targets: np.ndarray, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean of (outputₖ − tₖ)² over the classes; the gradient is 2 (outputₖ − tₖ) / classes."""
    differences = outputs - targets
    return (differences**2).mean(axis=1), 2 * differences / outputs.shape[1]


OF_PROBABILITIES: Mapping[str, LossFunction] = {
    "categorical_crossentropy": categorical_crossentropy,
    "categorical_focal_crossentropy": categorical_focal_crossentropy,
    "categorical_hinge": categorical_hinge,
    "kl_divergence": kl_divergence,
    "mean_squared_error": mean_squared_error,
    "sparse_categorical_crossentropy": sparse_categorical_crossentropy,
}
"""By the names that they have in a config."""

ONE_WITH_SOFTMAX = ("categorical_crossentropy", "sparse_categorical_crossentropy")
"""Of logits, they are `softmax_crossentropy`."""


def loss_function(name: str, *, from_logits: bool) -> LossFunction:
    """A loss of a config by its name, of what a network gives: probabilities, or logits.

    Logits go through softmax; of the cross-entropies it is part.
    """
    if not from_logits:
        return OF_PROBABILITIES[name]
    if name in ONE_WITH_SOFTMAX:
        return softmax_crossentropy
    return partial(_through_softmax, OF_PROBABILITIES[name])


def targets_of(
    labels: np.ndarray, classes: int, dtype: np.typing.DTypeLike, label_smoothing: float = 0.0
) -> np.ndarray:
    """1 for the class of each image and 0 for the others, closer with smoothing (Szegedy et al. 2016).

    Args:
        labels: (N,) int. label_smoothing: the share of each label that is spread over all classes.

    Returns:
        (N, classes), each row with the sum 1.
    """
    one_hot: np.ndarray = np.eye(classes, dtype=dtype)[labels]
    return one_hot * (1 - label_smoothing) + label_smoothing / classes if label_smoothing else one_hot


def mean_loss(
    function: LossFunction, targets: np.ndarray, outputs: np.ndarray, weights: np.ndarray | None = None
) -> tuple[float, np.ndarray]:
    """The loss of a batch and its gradient with respect to the outputs (N, classes).

    Args:
        weights: (N,), how much each image counts, as its class says; the mean is over images nevertheless.
    """
    losses, gradients = function(targets, outputs)
    if weights is not None:
        losses, gradients = losses * weights, gradients * weights[:, None]
    return float(losses.mean()), gradients / len(outputs)


def _through_softmax(
    function: LossFunction, targets: np.ndarray, logits: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    probabilities, back = softmax(logits)
    losses, gradients = function(targets, probabilities)
    return losses, back(gradients)


def _kept_above_0(probabilities: np.ndarray) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """Divided by their sum, which rounding keeps from being 1, then neither 0 nor 1; and the way back."""
    sums = probabilities.sum(axis=1, keepdims=True)
    scaled = probabilities / sums

    def back(gradients: np.ndarray) -> np.ndarray:
        gradients = gradients * _inside(scaled, EPSILON, 1 - EPSILON)
        to_probabilities: np.ndarray = (gradients - (gradients * scaled).sum(axis=1, keepdims=True)) / sums
        return to_probabilities

    return np.clip(scaled, EPSILON, 1 - EPSILON), back


def _inside(values: np.ndarray, lowest: float, highest: float) -> np.ndarray:
    """Where clipping has changed nothing, and the gradient passes."""
    inside: np.ndarray = (values >= lowest) & (values <= highest)
    return inside
