"""Penalties on large weights, which the loss takes up."""

from __future__ import annotations

import numpy as np


def l1_l2(weights: np.ndarray, l1: float, l2: float) -> tuple[float, np.ndarray]:
    """l1 · Σ|w| + l2 · Σw², and its gradient, l1 · sign(w) + 2 · l2 · w, of the weights' shape.

    Tibshirani 1996; Krogh & Hertz 1992.
    """
    penalty = l1 * float(np.abs(weights).sum()) + l2 * float(np.square(weights).sum())
    return penalty, (l1 * np.sign(weights) + 2 * l2 * weights).astype(weights.dtype)
