"""Wrong labels, drawn from a seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cnnlab.datasets.content import Dataset
from cnnlab.datasets.drawn.random_stream import RandomStream
from cnnlab.datasets.label_noise import LabelNoise

_STREAM = 0x1ABE
"""Keeps these random numbers apart from those that images are drawn, distorted and permuted with."""


def label_steps(count: int, num_classes: int, noise: LabelNoise) -> np.ndarray:
    """How many classes further each training label goes, past the last one from the first on.

    Which labels are wrong follows from the seed and an image's place among the training images.

    Returns:
        (count,) int64: 0 where the label stays, else 1 to num_classes − 1, each as likely; exactly
        share · count of them, rounded, are not 0.
    """
    steps = np.zeros(count, np.int64)
    tickets = RandomStream(noise.seed, _STREAM, 0).raw(count)
    wrong = np.argsort(tickets, kind="stable")[: round(noise.share * count)]
    steps[wrong] = RandomStream(noise.seed, _STREAM, 1).integers(1, num_classes, count)[wrong]
    return steps


def mislabeled(labels: np.ndarray, num_classes: int, noise: LabelNoise) -> np.ndarray:
    """Training labels with those that are wrong on purpose: (N,) int64."""
    return np.asarray((labels + label_steps(len(labels), num_classes, noise)) % num_classes)


def true_labels(labels: np.ndarray, num_classes: int, noise: LabelNoise | None) -> np.ndarray:
    """What `mislabeled` made these labels from; themselves where nothing was done to them."""
    if noise is None:
        return labels
    return np.asarray((labels - label_steps(len(labels), num_classes, noise)) % num_classes)


def with_label_noise(data: Dataset, noise: LabelNoise) -> Dataset:
    """A dataset with wrong labels in training; its provenance says how many there are."""
    labels = mislabeled(data.train.labels, len(data.class_names), noise)
    changed = int(np.sum(labels != data.train.labels))
    return replace(
        data,
        train=replace(data.train, labels=labels),
        provenance=replace(data.provenance, label_noise=noise.model_dump() | {"changed": changed}),
    )
