"""Which pixels move a class's score: the gradient, its smoothed form, and the gradient times the input."""

from __future__ import annotations

import keras
import numpy as np

from cnnlab.analyses.network import class_score, image_channel_axis
from cnnlab.gradients import differentiated, in_batches


def saliency(model: keras.Model, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """How strongly each pixel moves the score of a class: |∂y_k / ∂x_ij|, the largest over channels.

    Simonyan, Vedaldi & Zisserman 2013 (arXiv 1312.6034). A gradient says where the score would change,
    not what it rests on, and it is noisy: small changes of the image change it a lot. On an even ground the
    values under a max-pooling window tie, and all of its gradient goes to one of them.

    Args:
        images: (N, *input_shape) float32, as the model was trained on.
        classes: (N,) int, the output whose score is differentiated (before softmax).

    Returns:
        (N, H, W) float32, ≥ 0, in units of score per unit of pixel.
    """
    return _largest_over_channels(model, score_gradients(model, images, classes))


def smooth_gradient(
    model: keras.Model,
    images: np.ndarray,
    classes: np.ndarray,
    *,
    samples: int = 25,
    noise: float = 0.15,
    rng: np.random.Generator,
) -> np.ndarray:
    """SmoothGrad: the saliency of the mean gradient over noisy copies of each image.

    Smilkov et al. 2017 (arXiv 1706.03825). The noise blurs the map as it calms it, and the copies lie
    off the data that the network was trained on.

    Args:
        images: (N, *input_shape) float32.
        classes: (N,) int.
        samples: noisy copies of each image.
        noise: standard deviation, as a share of each image's own range of values.

    Returns:
        (N, H, W) float32, ≥ 0, in units of score per unit of pixel.
    """
    gradient = differentiated(class_score(model))
    classes = classes.astype(np.int32)
    axes = tuple(range(1, images.ndim))
    deviation = noise * np.ptp(images, axis=axes, keepdims=True)
    total = np.zeros(images.shape, np.float64)
    for _ in range(samples):
        noisy = images + deviation * rng.standard_normal(images.shape, dtype=np.float32)
        total += in_batches(gradient, noisy.astype(np.float32), classes)[1]
    return _largest_over_channels(model, (total / samples).astype(np.float32))


def gradient_times_input(model: keras.Model, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """How much each pixel adds to the score of a class, if the network were linear: x · ∂y_k / ∂x.

    Shrikumar et al. 2016 (arXiv 1605.01713). What is black (0) never counts, however much the score
    depends on its being black.

    Args:
        images: (N, *input_shape) float32.
        classes: (N,) int.

    Returns:
        (N, *input_shape) float32, signed, in units of score.
    """
    return np.asarray(images * score_gradients(model, images, classes))


def score_gradients(model: keras.Model, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """∂y_k / ∂x, raw: (N, *input_shape) float32, signed."""
    return in_batches(differentiated(class_score(model)), images, classes.astype(np.int32))[1]


def _largest_over_channels(model: keras.Model, gradients: np.ndarray) -> np.ndarray:
    """(N, *input_shape) → (N, H, W); what is not an image keeps its shape."""
    if gradients.ndim != 4:
        return np.asarray(np.abs(gradients))
    return np.asarray(np.abs(gradients).max(axis=image_channel_axis(model)))
