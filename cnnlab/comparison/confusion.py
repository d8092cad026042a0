"""What an experiment takes for what, counted over its seeds."""

from __future__ import annotations

import numpy as np

from cnnlab.comparison.outcomes import Outcome


def confusion(outcome: Outcome) -> np.ndarray | None:
    """(classes, classes) int64, [true, predicted]: all runs of the experiment added up.

    None where the predictions of a run are gone.
    """
    answers = [record.predictions for record in outcome.records]
    first = answers[0]
    if first is None:
        return None
    classes = first.probabilities.shape[1]
    counts = np.zeros((classes, classes), dtype=np.int64)
    for answer in answers:
        if answer is None:
            return None
        np.add.at(counts, (answer.labels, answer.predicted), 1)
    return counts
