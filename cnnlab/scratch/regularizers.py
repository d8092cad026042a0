"""Penalties on weights, which are part of the loss."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from cnnlab.layers.base import Layer
from cnnlab.layers.penalties import Regularizer


def penalty(weight: np.ndarray, l1: float, l2: float) -> tuple[float, np.ndarray]:
    """l1 · Σ|w| + l2 · Σw², and its gradient l1 · sign(w) + 2 · l2 · w.

    Tibshirani 1996, Hoerl & Kennard 1970.
    """
    value = l1 * np.abs(weight).sum() + l2 * (weight * weight).sum()
    return float(value), l1 * np.sign(weight) + 2 * l2 * weight


def regularizers_of(layer: Layer, weights: Collection[str]) -> dict[str, Regularizer]:
    """By the name of the weights, what a config's layer adds to the loss for them; `weights`: their names."""
    found = {}
    for field in type(layer).model_fields:
        regularizer, what = getattr(layer, field), field.removesuffix("_regularizer")
        if isinstance(regularizer, Regularizer) and what not in (field, "activity"):
            # A DepthwiseConv2D's depthwise_regularizer is about its kernel, which is all it has.
            names = (name for name in (what, f"{what}_kernel", "kernel") if name in weights)
            found[next(names)] = regularizer
    return found
