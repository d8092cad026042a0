"""One step uphill on the pixels, every image for itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def uphill(
    slope: Callable[[np.ndarray], np.ndarray],
    images: np.ndarray,
    *,
    spatial: tuple[int, ...],
    jitter: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """The direction in which each image's value climbs, of root mean square 1; 0 where there is no slope.

    Args:
        slope: (N, *input_shape) images → gradients of the same shape.
        spatial: the axes of height and width.
        jitter: the slope is taken of the image moved by up to so many pixels, so that no pattern can settle
            on the grid of the strides (Mordvintsev et al. 2015).
    """
    shift = tuple(rng.integers(-jitter, jitter + 1, size=len(spatial))) if jitter else (0,) * len(spatial)
    gradients = slope(np.roll(images, shift, spatial))
    gradients = np.roll(gradients, tuple(-each for each in shift), spatial)
    length = np.sqrt(np.mean(np.square(gradients), axis=tuple(range(1, images.ndim)), keepdims=True))
    return np.asarray(gradients / np.maximum(length, 1e-12))
