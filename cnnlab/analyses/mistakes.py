"""Where the network is wrong: its surest mistakes, and what a matrix of confusions says. No Keras."""

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


class Rates(NamedTuple):
    """What a matrix of confusions says.

    accuracy: share of all images that is right. recall: (num_classes,) float64, of each class's images the
    share that is found. precision: (num_classes,) float64, of the answers of each class the share that is
    right. Both are 0 where there is nothing to take a share of.
    """

    accuracy: float
    recall: np.ndarray
    precision: np.ndarray


class Confused(NamedTuple):
    """The class, what it is taken for most often, and how many times."""

    true: int
    predicted: int
    times: int


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


def rates(counts: np.ndarray) -> Rates:
    """Accuracy, recall and precision from a matrix of confusions.

    Args:
        counts: (true, predicted), as `confusion_counts` gives them; at least one image.
    """
    right = np.diag(counts)
    return Rates(
        float(right.sum() / counts.sum()),
        right / np.maximum(counts.sum(axis=1), 1),
        right / np.maximum(counts.sum(axis=0), 1),
    )


def most_confused(counts: np.ndarray) -> Confused | None:
    """The pair of different classes that is confused most often; None where all is right.

    Args:
        counts: (true, predicted), as `confusion_counts` gives them.
    """
    wrong = counts - np.diag(np.diag(counts))
    true, predicted = np.unravel_index(wrong.argmax(), wrong.shape)
    times = int(wrong[true, predicted])
    return Confused(int(true), int(predicted), times) if times else None
