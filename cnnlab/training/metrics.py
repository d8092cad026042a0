"""Measures of a classifier besides loss and accuracy."""

from __future__ import annotations

import numpy as np


def measure(name: str, labels: np.ndarray, outputs: np.ndarray) -> float:
    """One metric of the config language, in [0, 1].

    Args:
        name: top_K_accuracy or macro_f1.
        labels: (N,) int. outputs: (N, num_classes) float32, probabilities or logits.
    """
    if name == "macro_f1":
        return macro_f1(labels, outputs.argmax(axis=1), outputs.shape[1])
    return top_accuracy(labels, outputs, int(name.split("_")[1]))


def top_accuracy(labels: np.ndarray, outputs: np.ndarray, k: int) -> float:
    """The share of images whose class is among the k highest outputs; ties count as lost."""
    own = np.take_along_axis(outputs, labels[:, None], axis=1)
    as_high = (outputs >= own).sum(axis=1)  # the class itself included
    return float(np.mean(as_high <= k))


def macro_f1(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> float:
    """The mean over classes of 2 · right / (images of the class + answers of the class)."""
    right = np.bincount(labels[labels == predicted], minlength=num_classes)
    there = np.bincount(labels, minlength=num_classes) + np.bincount(predicted, minlength=num_classes)
    return float(np.mean(2 * right / np.maximum(there, 1)))
