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
    from cnnlab.analyses.mistakes import most_confused, rates
    from cnnlab.pictures.plots import confusion_matrix
    from cnnlab.run_folders.confusion import confusion_counts

    test, names = subject.data.test, subject.class_names
    counts = confusion_counts(subject.probabilities.argmax(axis=1), test.labels, num_classes=len(names))
    accuracy, recall, precision = rates(counts)
    most = "none wrong"
    if pair := most_confused(counts):
        times = "once" if pair.times == 1 else f"{pair.times:,} times"
        most = f"most often {names[pair.true]} is taken for {names[pair.predicted]}, {times}"
    figure = confusion_matrix(
        counts, names, title=f"What is taken for what: {subject.name}",
        subtitle=f"{counts.sum():,} test images, {100 * accuracy:.2f} % right (grey); {most}",
    )  # fmt: skip
    return Explanation(
        f"{100 * accuracy:.2f} % of {counts.sum():,} test images right by {subject.name}; {most}",
        {"": figure},
        {"counts": counts, "recall": recall, "precision": precision},
        {
            "classes": list(names),
            "counts": counts.tolist(),
            "accuracy": accuracy,
            "recall": recall.tolist(),
            "precision": precision.tolist(),
        },
    )
