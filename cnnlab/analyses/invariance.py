"""Accuracy on images that are shifted, rotated or scaled: how robust a network is."""

from __future__ import annotations

from typing import Literal

import keras
import numpy as np

from cnnlab.analyses.network import image_channel_axis, logits_of
from cnnlab.gradients import evaluated, in_batches

Change = Literal["shift", "rotation", "scale"]

UNITS: dict[Change, str] = {"shift": "pixels to the right", "rotation": "degrees", "scale": "times"}

LOSS = 0.1
"""The loss of accuracy up to which a network counts as robust."""

UNCHANGED: dict[Change, float] = {"shift": 0.0, "rotation": 0.0, "scale": 1.0}

AMOUNTS: dict[Change, tuple[float, ...]] = {
    "shift": tuple(range(-8, 9)),
    "rotation": tuple(range(-90, 91, 10)),
    "scale": (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8, 2.0),
}


def accuracy_under(
    model: keras.Model, images: np.ndarray, labels: np.ndarray, *, change: Change, amounts: np.ndarray
) -> np.ndarray:
    """The network's accuracy on the same images, changed by each amount.

    Goodfellow et al. 2009 measure invariance so for single neurons. A digit shifted out of the picture, or
    a 6 turned by 180°, is not the network's failure; and an image is blurred a little by being resampled.

    Args:
        images: (N, *input_shape) float32.
        labels: (N,) int.
        amounts: (A,) float: pixels to the right, degrees anticlockwise, or times.

    Returns:
        (A,) float64 in [0, 1].
    """
    scores = logits_of(model)
    axis = image_channel_axis(model)
    right = evaluated(
        lambda x, wanted: (keras.ops.equal(keras.ops.argmax(scores(x, training=False), axis=-1), wanted),)
    )
    wanted = labels.astype(np.int32)
    accuracies = []
    for amount in amounts:
        (answers,) = in_batches(right, changed(images, change, float(amount), channel_axis=axis), wanted)
        accuracies.append(answers.mean())
    return np.array(accuracies, np.float64)


def reach(
    amounts: np.ndarray, accuracies: np.ndarray, *, unchanged: float, loss: float = LOSS
) -> tuple[float, float]:
    """The amounts, around the unchanged image, at which accuracy has not fallen by more than `loss`.

    Args:
        amounts: (A,) ascending. accuracies: (A,).
    """
    middle = low = high = int(np.argmin(np.abs(amounts - unchanged)))
    kept = accuracies >= accuracies[middle] - loss
    while low > 0 and kept[low - 1]:
        low -= 1
    while high < len(amounts) - 1 and kept[high + 1]:
        high += 1
    return float(amounts[low]), float(amounts[high])


def changed(images: np.ndarray, change: Change, amount: float, *, channel_axis: int = 3) -> np.ndarray:
    """Shift, rotate or scale images about their middle, bilinearly; what comes in repeats the border.

    Args:
        images: (N, H, W, C), or (N, C, H, W) with channel_axis 1; float32.

    Returns:
        Images of the same shape, float32.
    """
    matrix, offset = np.eye(2), np.zeros(2)
    if change == "shift":
        offset[1] = -amount
    elif change == "rotation":
        angle = np.deg2rad(amount)
        matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    else:
        matrix = np.eye(2) / amount
    moved = warp(np.moveaxis(images, channel_axis, -1), matrix, offset)
    return np.ascontiguousarray(np.moveaxis(moved, -1, channel_axis))


def warp(images: np.ndarray, matrix: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Take the pixel at p, counted from the middle, from the place matrix · p + offset, bilinearly.

    Args:
        images: (N, H, W, C) float32.
        matrix: (2, 2), on (row, column).
        offset: (2,), in pixels.
    """
    height, width = images.shape[1:3]
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    grid = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), axis=-1) - middle
    places = grid @ matrix.T + offset + middle  # (H, W, 2)
    # Sines are a hair off: without rounding, a turn by 0° would mix neighbours.
    places = np.clip(np.round(places, 9), 0, [height - 1, width - 1])
    corner = np.minimum(places.astype(int), [max(height - 2, 0), max(width - 2, 0)])
    (top, left), (down, right) = np.moveaxis(corner, -1, 0), np.moveaxis(places - corner, -1, 0)
    down, right = (each.astype(np.float32)[..., None] for each in (down, right))
    below, beside = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    upper = images[:, top, left] * (1 - right) + images[:, top, beside] * right
    lower = images[:, below, left] * (1 - right) + images[:, below, beside] * right
    return np.asarray(upper * (1 - down) + lower * down, np.float32)
