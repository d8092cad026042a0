"""cnnlab explain confusion"""

from __future__ import annotations

from cnnlab.commands.explain.subject import Subject
from cnnlab.commands.explain.technique import Explanation, technique


@technique
def command(subject: Subject) -> Explanation:
    """Which class is taken for which, on the test images.

    \b
    cnnlab explain confusion cnn
    """
    import numpy as np

    from cnnlab.analyses.mistakes import confusion
    from cnnlab.pictures.drawings.sets import confusion_matrix

    test, names = subject.data.test, subject.class_names
    counts = confusion(subject.probabilities.argmax(axis=1), test.labels, num_classes=len(names))
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    row, column = np.unravel_index(wrong.argmax(), wrong.shape)
    accuracy = np.trace(counts) / counts.sum()
    times = "once" if wrong[row, column] == 1 else f"{wrong[row, column]:,} times"
    most = f"most often {names[row]} is taken for {names[column]}, {times}" if wrong.any() else "none wrong"
    figure = confusion_matrix(
        counts, names, title=f"What is taken for what: {subject.name}",
        subtitle=f"{counts.sum():,} test images, {accuracy:.2%} right (grey); {most}",
    )  # fmt: skip
    recall = np.diag(counts) / np.maximum(counts.sum(axis=1), 1)
    precision = np.diag(counts) / np.maximum(counts.sum(axis=0), 1)
    return Explanation(
        f"{accuracy:.2%} of {counts.sum():,} test images right by {subject.name}; {most}",
        {"": figure},
        {"counts": counts, "recall": recall, "precision": precision},
        {
            "classes": list(names),
            "counts": counts.tolist(),
            "accuracy": float(accuracy),
            "recall": recall.tolist(),
            "precision": precision.tolist(),
        },
    )
