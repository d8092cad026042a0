"""How far apart two arrays are."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

_AT_ONCE = 1 << 20
"""Numbers compared at once: a Dense layer of VGG has 100 million weights."""


def relative_difference(one: np.ndarray, other: np.ndarray, least: float) -> float:
    """The largest difference of two numbers at the same place, relative to the largest number of both arrays.

    Args:
        least: what it is relative to at least. A saturated softmax lets so little of a gradient through that
            only rounding is left of it; relative to that, nothing would be equal.

    Returns:
        0 and more; infinite where the shapes differ, NaN where a number is.
    """
    if one.shape != other.shape:
        return math.inf
    apart = 0.0
    flat, beside = one.reshape(-1), other.reshape(-1)
    for start in range(0, flat.size, _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        apart = float(np.maximum(apart, np.abs(flat[part] - beside[part]).max()))  # NaN stays NaN
    return apart / max(largest([one, other]), least) if apart else 0.0


def largest(arrays: Iterable[np.ndarray]) -> float:
    """The largest magnitude in several arrays; 0 where there are no numbers."""
    extremes = [(each.min(), each.max()) for each in arrays if each.size]
    return max((float(np.abs(each).max()) for each in extremes), default=0.0)


def smallest_scale(gradient: float, factors: float, dtype: np.dtype) -> float:
    """`least` for a layer.

    Args:
        gradient: the largest number of the gradient that is sent back; 1 for outputs.
        factors: the largest number that it is multiplied by, an input or a weight.
        dtype: √ε of it is what is still worth comparing.
    """
    return math.sqrt(float(np.finfo(dtype).eps)) * gradient * max(1.0, factors)
