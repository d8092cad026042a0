"""Which classes are confused with which."""

from __future__ import annotations

from cnnlab.explanations.explanation import Explanation
from cnnlab.explanations.subject import Subject
from cnnlab.explanations.technique import Technique


class Confusion(Technique):
    """Count, on the test images, how often each class is taken for each."""

    name = "confusion"
    summary = "Which classes are confused with which."
    description = "Rows are the true classes, columns the predicted classes, counted on the test images."

    def explain(self, subject: Subject) -> Explanation:
        from cnnlab.analyses.mistakes import most_confused, rates
        from cnnlab.few_images import share_text
        from cnnlab.pictures.plots import confusion_matrix
        from cnnlab.run_folders.confusion import confusion_counts

        test, names = subject.data.test, subject.class_names
        counts = confusion_counts(subject.probabilities.argmax(axis=1), test.labels, num_classes=len(names))
        accuracy, recall, precision = rates(counts)
        most = "no mistakes"
        if pair := most_confused(counts):
            times = "once" if pair.times == 1 else f"{pair.times:,} times"
            most = f"most frequent mistake: {names[pair.true]} taken for {names[pair.predicted]}, {times}"
        right, number = int(counts.trace()), int(counts.sum())
        reached = f"{right:,} of {number:,} test images correct ({share_text(right, number)})"
        return Explanation(
            self, subject.explained,
            sentence=f"{subject.name}: {reached}; {most}",
            figures={
                "confusion": lambda: confusion_matrix(
                    counts, names, title=f"Confusion matrix: {subject.name}",
                    subtitle=f"On the diagonal: {reached}\n{most}",
                )
            },
            arrays={"counts": counts, "recall": recall, "precision": precision},
            facts={
                "classes": list(names), "counts": counts.tolist(), "accuracy": accuracy,
                "recall": recall.tolist(), "precision": precision.tolist(),
            },
        )  # fmt: skip
