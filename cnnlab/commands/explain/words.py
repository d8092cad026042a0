"""What the techniques say about images and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnlab.commands.explain.subject import Chosen, Subject
from cnnlab.pictures.shares import share

if TYPE_CHECKING:
    import numpy as np


def targets(subject: Subject, chosen: Chosen, class_name: str | None) -> tuple[np.ndarray, np.ndarray]:
    """The class whose score is explained for each image, by default the answer; and all probabilities."""
    import numpy as np

    from cnnlab.analyses.network import predict, probabilities_of

    probabilities = predict(probabilities_of(subject.model), chosen.seen)
    index = subject.class_index(class_name)
    classes = probabilities.argmax(axis=1) if index is None else np.full(len(chosen), index)
    return classes, probabilities


def unit_names(subject: Subject, layer: str, units: np.ndarray) -> list[str]:
    """unit 3, or of the output layer the class."""
    from cnnlab.analyses.network import is_output

    if is_output(subject.model, layer):
        return [subject.class_names[unit] for unit in units]
    return [f"unit {unit}" for unit in units]


def answers(
    subject: Subject, chosen: Chosen, probabilities: np.ndarray, classes: np.ndarray
) -> tuple[list[str], list[bool]]:
    """A label for each image: what it is, the network's answer, how it was prepared; and whether it errs."""
    names = subject.class_names
    labels, wrong = [], []
    for name, label, row, wanted, notes in zip(
        chosen.names, chosen.labels.tolist(), probabilities, classes.tolist(), chosen.notes, strict=True
    ):
        answer = int(row.argmax())
        wrong.append(label not in (-1, answer))
        said = f"{names[answer]}, {share(row[answer])}"
        if wrong[-1]:
            said = f"{names[label]}, seen as\n{said}"
        if wanted != answer:
            said += f"\n{names[wanted]}: {share(row[wanted])}"
        labels.append("\n".join([name, said, *notes]))
    return labels, wrong
