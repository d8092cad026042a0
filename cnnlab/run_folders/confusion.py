"""Answers → how often each class is taken for each."""

from __future__ import annotations

import numpy as np


def confusion_counts(predicted: np.ndarray, labels: np.ndarray, *, num_classes: int) -> np.ndarray:
    """How often each class is taken for each: (true, predicted), counts.

    A row is about one class's images; classes of different size make rows of different sums.

    Args:
        predicted: (N,) int.
        labels: (N,) int.

    Returns:
        (num_classes, num_classes) int64; its diagonal is what is right.
    """
    shape = (num_classes, num_classes)
    cells = np.ravel_multi_index((labels, predicted), shape)  # in int64, whatever small type labels have
    return np.bincount(cells, minlength=num_classes**2).reshape(shape)
