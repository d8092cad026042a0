"""What sweep.json says → tables: one to compute with, one to read. Neither has test accuracies."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cnnlab.config.axes import value_text
from cnnlab.search.document import Document, PointEntry


def point_table(document: Document) -> pd.DataFrame:
    """One row per point in the order they were tried, full precision, for CSV. Accuracies are shares."""
    rows = []
    for point in document["points"]:
        accuracy = point["validation_accuracy"]
        ci95 = (accuracy and accuracy["ci95"]) or (None, None)
        rows.append(
            {
                **{key: _cell(value) for key, value in point["settings"].items()},
                "digest": point["digest"],
                "seeds": len(point["seeds"]),
                "state": point["state"],
                "validation_accuracy_mean": accuracy and accuracy["mean"],
                "validation_accuracy_std": accuracy and accuracy["std"],
                "validation_accuracy_ci95_low": ci95[0],
                "validation_accuracy_ci95_high": ci95[1],
                "params": point["params"],
                "rank": point["rank"],
                "error": point["error"],
            }
        )
    return pd.DataFrame(rows).astype({"rank": "Int64"})


def reading_table(document: Document) -> pd.DataFrame:
    """One row per point as text, the best first, then those that did not finish."""
    tied = set(document["tied"])
    points = sorted(document["points"], key=lambda each: each["rank"] or len(document["points"]) + 1)
    return pd.DataFrame(
        [
            {
                "Rank": _rank(point, tied),
                **{key: value_text(value) for key, value in point["settings"].items()},
                "Seeds": str(len(point["seeds"])),
                "Parameters": "–" if point["params"] is None else f"{point['params']:,}",
                "Validation": _accuracy(point),
            }
            for point in points
        ]
    )


def _rank(point: PointEntry, tied: set[str]) -> str:
    if point["rank"] is None:
        return "–"
    return f"{point['rank']}{' =' if point['digest'] in tied else ''}"


def _accuracy(point: PointEntry) -> str:
    accuracy = point["validation_accuracy"]
    if point["state"] != "finished" or accuracy is None:
        return point["state"]
    std = "" if accuracy["std"] is None else f" ± {100 * accuracy['std']:.2f}"
    return f"{100 * accuracy['mean']:.2f}{std}%"


def _cell(value: Any) -> Any:
    return value if isinstance(value, str | int | float) else value_text(value)
