"""How far apart two arrays are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

_AT_ONCE = 1 << 20
"""Numbers compared at once: a Dense layer of VGG has 100 million weights."""

_SHARE = 0.01


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


class SmallestScales(NamedTuple):
    """`least` for what a layer computes: 1% of what its numbers are products of."""

    output: float
    to_inputs: float
    to_weights: float


def smallest_scales(
    inputs: Sequence[np.ndarray], trainable: Sequence[np.ndarray], gradient: np.ndarray
) -> SmallestScales:
    """An input's gradient is a sum of weights times what is sent back, a weight's one of inputs times that.

    Weights that are not trained do not count: a moving variance is the square of an input.

    Args:
        trainable: weights. gradient: what is sent back.
    """
    back = _SHARE * largest([gradient])
    return SmallestScales(
        _SHARE * largest([*inputs, *trainable]),
        back * (largest(trainable) or 1.0),
        back * (largest(inputs) or 1.0),
    )
