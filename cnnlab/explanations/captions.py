"""What the techniques say about images and predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from cnnlab.explanations.subject import Chosen, Subject
from cnnlab.pictures.kit.formats import percent

if TYPE_CHECKING:
    import numpy as np

    from cnnlab.pictures.rendering import Move


def targets(subject: Subject, chosen: Chosen, class_name: str | None) -> tuple[np.ndarray, np.ndarray]:
    """The class whose score is explained for each image, by default the predicted; all probabilities."""
    import numpy as np

    from cnnlab.analyses.network import predict, probabilities_of

    probabilities = predict(probabilities_of(subject.model), chosen.inputs)
    index = subject.class_index(class_name)
    classes = probabilities.argmax(axis=1) if index is None else np.full(len(chosen), index)
    return classes, probabilities


class Units(NamedTuple):
    """What the units of a layer, and their values, are called."""

    kind: str
    names: list[str]
    value: str


def named_units(subject: Subject, layer: str, units: np.ndarray) -> Units:
    """Units go by their number; those of the output layer are the classes."""
    from cnnlab.analyses.network import is_output

    if is_output(subject.model, layer):
        return Units("class", [subject.class_names[unit] for unit in units], "score before the softmax")
    return Units("unit", [str(unit) for unit in units], "activation")


def moves_of(subject: Subject, labels: Sequence[int], predicted: Sequence[int] | None = None) -> list[Move]:
    """What is marked on images that are boards: their class, unless that is −1, and the predicted one."""
    from cnnlab.pictures.rendering import Move

    names = subject.class_names
    taken = [None] * len(labels) if predicted is None else [names[each] for each in predicted]
    played = [names[label] if label >= 0 else None for label in labels]
    return [Move(*each) for each in zip(played, taken, strict=True)]


def prediction_labels(
    subject: Subject, chosen: Chosen, probabilities: np.ndarray, classes: np.ndarray
) -> tuple[list[str], list[bool]]:
    """A label for each image: what it is, the predicted class, how it was prepared; and whether it errs."""
    names = subject.class_names
    labels, wrong = [], []
    for name, label, row, wanted, notes in zip(
        chosen.names, chosen.labels.tolist(), probabilities, classes.tolist(), chosen.notes, strict=True
    ):
        predicted = int(row.argmax())
        wrong.append(label not in (-1, predicted))
        said = f"{names[predicted]}, {percent(row[predicted])}"
        if wrong[-1]:
            said = f"{names[label]}, classified as\n{said}"
        if wanted != predicted:
            said += f"\n{names[wanted]}: {percent(row[wanted])}"
        labels.append("\n".join([name, said, *notes]))
    return labels, wrong
