"""What vary-KEY.json says → its picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnlab.config.axes import value_text
from cnnlab.pictures.plots import Measured
from cnnlab.pictures.plots.variation import VariedPoint, variation_maps, variation_panels
from cnnlab.variation.document import Document

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def picture(document: Document) -> Figure:
    """Curves against one setting, heat maps against two.

    Args:
        document: as `cnnlab compare --vary --json` prints it.
    """
    one, other = (each["name"] for each in document["experiments"])
    labels = [[value_text(each) for each in values] for values in document["axes"]]
    points = [
        _point([value_text(each) for each in values], comparison)
        for values, comparison in zip(document["values"], document["comparisons"], strict=True)
    ]
    keys, title = document["keys"], f"{one} and {other} against {' and '.join(document['keys'])}"
    if len(keys) == 1:
        return variation_panels(
            points, (one, other), keys[0], changes=[(a, b) for a, b in document["lead_changes"]], title=title,
            note=document["trained_for"],
        )  # fmt: skip
    placed = [
        ((labels[0].index(point.labels[0]), labels[1].index(point.labels[1])), point) for point in points
    ]
    return variation_maps(
        placed, (labels[0], labels[1]), (one, other), (keys[0], keys[1]), title=title,
        note=document["trained_for"],
    )  # fmt: skip


def _point(labels: list[str], comparison: dict[str, Any]) -> VariedPoint:
    one, other = comparison["experiments"]
    test = (one["test_accuracy"], other["test_accuracy"])
    train = [each["train_accuracy"] for each in (one, other)]
    (pair,) = comparison["pairs"] or [None]
    return VariedPoint(
        tuple(labels),
        (_measured(test[0]), _measured(test[1])),
        None if None in train else (train[0]["mean"] - test[0]["mean"], train[1]["mean"] - test[1]["mean"]),
        None if None in (test[0]["std"], test[1]["std"]) else (test[0]["std"], test[1]["std"]),
        None if pair is None else _measured(pair["difference"]),
    )


def _measured(spread: dict[str, Any]) -> Measured:
    return Measured(tuple(spread["values"]), spread["mean"], spread["ci95"] and tuple(spread["ci95"]))
