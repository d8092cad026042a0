"""Pooling: one number for each window of each channel. Images are (N, H, W, C)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial, reduce

import numpy as np

from cnnlab.layers.window import Window
from cnnlab.scratch.backward import Computed
from cnnlab.scratch.convolution import pad, padding
from cnnlab.scratch.portions import computed_in_portions

Pair = tuple[int, int]


def max_pool(images: np.ndarray, window: Window) -> Computed:
    """The largest number of each window; its gradient goes to the one place that it came from.

    Of equal numbers that is the first, row by row, as in Keras. Padding is −∞, and never the largest.

    Returns:
        (N, H', W', C)
    """
    return computed_in_portions(partial(_max_pool, window=window), images)


def _max_pool(images: np.ndarray, window: Window) -> Computed:
    padded = pad(images, window, -np.inf)
    places = list(_places(padded, window))
    output = padded[places[0]].copy()
    # Which place of its window each number came from: the last one that exceeds all before it.
    winners = np.zeros(output.shape, np.min_scalar_type(len(places)))
    for number, place in enumerate(places[1:], start=1):
        np.maximum(winners, (padded[place] > output) * winners.dtype.type(number), out=winners)
        np.maximum(output, padded[place], out=output)

    def backward(gradient: np.ndarray) -> np.ndarray:
        to_padded = np.zeros(padded.shape, gradient.dtype)
        for number, place in enumerate(places):
            to_padded[place] += gradient * (winners == number)
        return _without_padding(to_padded, images, window)

    return output, backward


def average_pool(images: np.ndarray, window: Window) -> Computed:
    """The mean of each window; its gradient is shared equally. Padding does not count.

    Returns:
        (N, H', W', C)
    """
    padded = pad(images, window)
    inside = pad(np.ones((1, *images.shape[1:3], 1), images.dtype), window)
    counts = _summed(inside, window)
    output = _summed(padded, window) / counts

    def backward(gradient: np.ndarray) -> np.ndarray:
        shares = gradient / counts
        to_padded = np.zeros(padded.shape, gradient.dtype)
        for place in _places(padded, window):
            to_padded[place] += shares
        return _without_padding(to_padded, images, window)

    return output, backward


def global_max_pool(images: np.ndarray) -> Computed:
    """The largest number of each channel; equal ones share its gradient, as in Keras: (N, 1, 1, C)."""
    output = images.max(axis=(1, 2), keepdims=True)

    def backward(gradient: np.ndarray) -> np.ndarray:
        largest = images == output
        to_images: np.ndarray = largest * (
            gradient / largest.sum(axis=(1, 2), keepdims=True, dtype=gradient.dtype)
        )
        return to_images

    return output, backward


def global_average_pool(images: np.ndarray) -> Computed:
    """The mean of each channel (Lin, Chen & Yan 2014): (N, 1, 1, C)."""
    pixels = images.shape[1] * images.shape[2]
    return images.mean(axis=(1, 2), keepdims=True), lambda gradient: np.broadcast_to(
        gradient / pixels, images.shape
    )


def _places(padded: np.ndarray, window: Window) -> Iterator[tuple[slice, ...]]:
    """For each place of a window, row by row, the pixels (N, H', W', C) that lie there in all windows."""
    (height, width), (down, right) = window.size, window.stride
    last_row, last_column = padded.shape[1] - height, padded.shape[2] - width
    for u in range(height):
        for v in range(width):
            yield slice(None), slice(u, last_row + u + 1, down), slice(v, last_column + v + 1, right)


def _summed(padded: np.ndarray, window: Window) -> np.ndarray:
    """The sum of each window."""
    return reduce(np.add, (padded[place] for place in _places(padded, window)))


def _without_padding(padded: np.ndarray, images: np.ndarray, window: Window) -> np.ndarray:
    height, width = images.shape[1:3]
    (top, _), (left, _) = padding((height, width), window)
    return padded[:, top : top + height, left : left + width]
