"""Attribution that adds up: gradients along the way from a baseline to the image."""

from __future__ import annotations

import keras
import numpy as np

from cnnlab.analyses.network import class_score
from cnnlab.gradients import differentiated, in_batches


def integrated_gradients(
    model: keras.Model,
    images: np.ndarray,
    classes: np.ndarray,
    *,
    baseline: np.ndarray,
    steps: int = 50,
) -> np.ndarray:
    """(x − x⁰) · ∫ ∂y_k / ∂x along the straight line from the baseline x⁰ to the image x.

    Sundararajan, Taly & Yan 2017 (arXiv 1703.01365). Completeness: the attributions of an image sum to
    y_k(x) − y_k(x⁰), up to the error of `steps` midpoints. They depend on the baseline: against black,
    black pixels get nothing, even where the class is recognised by them.

    Args:
        images: (N, *input_shape) float32.
        classes: (N,) int.
        baseline: float32, broadcastable to `images`: what counts as nothing to see.
        steps: points on the line at which the gradient is taken.

    Returns:
        (N, *input_shape) float32, signed, in units of score.
    """
    gradient = differentiated(class_score(model))
    classes = classes.astype(np.int32)
    way = images - baseline
    total = np.zeros(images.shape, np.float64)
    for step in range(steps):
        points = (baseline + (step + 0.5) / steps * way).astype(np.float32)
        total += in_batches(gradient, points, classes)[1]
    return np.asarray(way * total / steps, np.float32)
