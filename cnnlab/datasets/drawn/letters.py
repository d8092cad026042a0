"""Strokes of X and O from distances. Sums, products and square roots only, which IEEE 754 defines exactly."""

from __future__ import annotations

import numpy as np

from cnnlab.datasets.drawn.random_stream import RandomStream

TAN_OF_HALF = 0.41421356237309503  # of 45°


def letters(
    labels: np.ndarray,
    stream: RandomStream,
    *,
    size: int,
    noise: float = 0.0,
    scale: float = 0.0,
    shift: float = 0.0,
    thickness: float = 0.0,
    rotation: float = 0.0,
) -> np.ndarray:
    """Draw an X (label 0) or an O (label 1) per picture: (N, size, size, 1) uint8, 0 or 255.

    A point (x, y), seen from the letter's middle, is on the X where it is near one of the diagonals of a
    square, and on the O where its distance from the middle is near half the square's side.

    Args:
        noise: the share of inverted pixels.
        scale: how far letters are distorted, of at most 1: down to half the size at 1.
        shift: up to where the letter touches the edge at 1.
        thickness: up to 1 + size / 9 pixels at 1.
        rotation: by up to 45° to either side at 1.
    """
    column = (len(labels), 1, 1)

    def between(low: np.ndarray | float, high: np.ndarray | float) -> np.ndarray:
        return low + (high - low) * stream.uniform(column)

    largest = (size - 3) / 2  # pixels from the middle to the end of a stroke, one pixel of rim left
    reach = between(largest * (1 - 0.5 * scale), largest)
    away = shift * ((size - 1) / 2 - reach)
    thick = between(1.0, 1.0 + thickness * size / 9)
    # The tangent of half an angle gives its sine and cosine without a call of either.
    tangent = between(-TAN_OF_HALF * rotation, TAN_OF_HALF * rotation)
    cosine, sine = (1 - tangent**2) / (1 + tangent**2), 2 * tangent / (1 + tangent**2)
    pixels = np.arange(size) - (size - 1) / 2
    x, y = pixels[None, None, :] - between(-away, away), pixels[None, :, None] - between(-away, away)
    x, y = cosine * x + sine * y, cosine * y - sine * x  # (N, size, size)
    on_x = (np.minimum((x - y) ** 2, (x + y) ** 2) <= thick**2 / 2) & (
        np.maximum(abs(x), abs(y)) <= reach + thick / 4
    )
    on_o = abs(np.sqrt(x**2 + y**2) - reach) <= thick / 2
    inked = np.where(labels[:, None, None] == 0, on_x, on_o)
    if noise > 0:
        inked ^= stream.uniform(inked.shape) < noise
    return np.where(inked, 255, 0).astype(np.uint8)[..., None]
