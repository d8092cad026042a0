"""Where the network is wrong: its surest mistakes, and which class it takes for which. No Keras."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Mistakes(NamedTuple):
    """indices: (M,) int, wrongly classified images, the surest first. predicted: (M,) int.

    confidences: (M,) float, the probability that the network gave to its wrong answer.
    true_probabilities: (M,) float, what it left for the right one.
    """

    indices: np.ndarray
    predicted: np.ndarray
    confidences: np.ndarray
    true_probabilities: np.ndarray


def surest_mistakes(probabilities: np.ndarray, labels: np.ndarray, *, count: int | None = None) -> Mistakes:
    """The wrong answers, ordered by how sure the network was of them.

    A softmax's number is not the chance to be right: networks are too sure of themselves (Guo et al. 2017,
    arXiv 1706.04599). Some of these images carry a wrong label.

    Args:
        probabilities: (N, num_classes) float.
        labels: (N,) int.
        count: at most so many; None: all.
    """
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    sure = probabilities[wrong, predicted[wrong]]
    order = np.argsort(-sure, kind="stable")[:count]
    indices = wrong[order]
    return Mistakes(indices, predicted[indices], sure[order], probabilities[indices, labels[indices]])


def confusion(predicted: np.ndarray, labels: np.ndarray, *, num_classes: int) -> np.ndarray:
    """How often each class is taken for each: (true, predicted), counts.

    A row is about one class's images; classes of different size make rows of different sums.

    Args:
        predicted: (N,) int.
        labels: (N,) int.

    Returns:
        (num_classes, num_classes) int64; its diagonal is what is right.
    """
    flat = np.bincount(labels * num_classes + predicted, minlength=num_classes**2)
    return np.asarray(flat.reshape(num_classes, num_classes))
