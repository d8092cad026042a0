"""What vary-KEY.json says → tables: one to compute with, one to read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from cnnlab.comparison.advantages import p_text
from cnnlab.config.axes import value_text
from cnnlab.pictures.kit.formats import signed
from cnnlab.variation.document import Document


def _rows(document: Document) -> Iterator[tuple[list[str], dict[str, Any], float | None]]:
    """Of each value its texts, the comparison, and the adjusted p."""
    for values, comparison, p in zip(
        document["values"], document["comparisons"], document["p_holm"], strict=True
    ):
        yield [value_text(each) for each in values], comparison, p


def value_table(document: Document) -> pd.DataFrame:
    """One row per value and experiment, full precision, for CSV. Accuracies are shares from 0 to 1.

    `difference` is that of the test accuracies, the first experiment minus the second.
    """
    rows = []
    for number, (_, comparison, p) in enumerate(_rows(document)):
        values = [each if _is_scalar(each) else value_text(each) for each in document["values"][number]]
        (pair,) = comparison["pairs"] or [None]
        difference = pair["difference"] if pair else {}
        for place, each in enumerate(comparison["experiments"]):
            test, train = each["test_accuracy"], each["train_accuracy"]
            rows.append(
                {
                    **dict(zip(document["keys"], values, strict=True)),
                    "experiment": each["name"],
                    "seeds": len(each["seeds"]),
                    "epochs": document["epochs"][number][place],
                    "steps": document["steps"][number][place],
                    "params": each["params"],
                    "train_accuracy_mean": train and train["mean"],
                    "test_accuracy_mean": test["mean"],
                    "test_accuracy_std": test["std"],
                    "test_accuracy_ci95_low": (test["ci95"] or (None, None))[0],
                    "test_accuracy_ci95_high": (test["ci95"] or (None, None))[1],
                    "difference_mean": difference.get("mean"),
                    "difference_ci95_low": (difference.get("ci95") or (None, None))[0],
                    "difference_ci95_high": (difference.get("ci95") or (None, None))[1],
                    "p_holm": p,
                }
            )
    return pd.DataFrame(rows)


def reading_table(document: Document) -> pd.DataFrame:
    """One row per value as text: what both reached, and how far the first lies above the second."""
    one, other = (each["name"] for each in document["experiments"])
    rows = []
    for texts, comparison, p in _rows(document):
        (pair,) = comparison["pairs"] or [None]
        row = dict(zip(document["keys"], texts, strict=True))
        row |= {each["name"]: _accuracy(each["test_accuracy"]) for each in comparison["experiments"]}
        ci95 = pair and pair["difference"]["ci95"]
        rows.append(
            row
            | {
                f"{one} − {other}": "–" if pair is None else _points(pair["difference"]["mean"]),
                "95% interval": "–" if not ci95 else f"{_points(ci95[0])} to {_points(ci95[1])}",
                "p (Holm)": "–" if p is None else p_text(p).removeprefix("p ").removeprefix("= "),
                "Gap": " / ".join(map(_gap, comparison["experiments"])),
            }
        )
    return pd.DataFrame(rows)


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int | float)


def _accuracy(spread: dict[str, Any]) -> str:
    std = "" if spread["std"] is None else f" ± {100 * spread['std']:.2f}"
    return f"{100 * spread['mean']:.2f}{std}%"


def _points(share: float) -> str:
    """+1.34, in percentage points."""
    return signed(100 * share, 2) if round(100 * share, 2) else "0.00"


def _gap(experiment: dict[str, Any]) -> str:
    """How far training lies above test accuracy, in points."""
    train = experiment["train_accuracy"]
    return "–" if train is None else _points(train["mean"] - experiment["test_accuracy"]["mean"])
