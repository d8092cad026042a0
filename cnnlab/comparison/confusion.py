"""What an experiment takes for what, counted over its seeds."""

from __future__ import annotations

import numpy as np

from cnnlab.comparison.outcomes import Outcome
from cnnlab.run_folders.confusion import confusion_counts


def confusion(outcome: Outcome) -> np.ndarray | None:
    """(classes, classes) int64, [true, predicted]: all runs of the experiment added up.

    None where the predictions of a run are gone.
    """
    counts = []
    for record in outcome.records:
        answers = record.predictions
        if answers is None:
            return None
        classes = answers.probabilities.shape[1]
        counts.append(confusion_counts(answers.predicted, answers.labels, num_classes=classes))
    return np.asarray(np.sum(counts, axis=0))
