"""What a network answers on a whole split, and how good that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cnnlab.datasets.content import Split
from cnnlab.training.metrics import measure
from cnnlab.training.objective import Objective
from cnnlab.training.steps import Answering


class Evaluation(NamedTuple):
    """loss: mean over the images, regularization not included; accuracy and metrics: in [0, 1]."""

    loss: float
    accuracy: float
    metrics: dict[str, float]
    probabilities: np.ndarray
    """(N, num_classes) float32"""


def evaluate(
    steps: Answering, objective: Objective, split: Split, *, batch_size: int, metrics: Sequence[str] = ()
) -> Evaluation:
    """Run a split through the network as it is now. `batch_size` limits memory; it changes no answer.

    Args:
        split: one image or more.
    """
    outputs = steps.outputs(split.images, batch_size)
    accuracy = float(np.mean(outputs.argmax(axis=1) == split.labels))
    return Evaluation(
        objective.mean_loss(split.labels, outputs),
        accuracy,
        {name: measure(name, split.labels, outputs) for name in metrics},
        objective.probabilities(outputs),
    )
