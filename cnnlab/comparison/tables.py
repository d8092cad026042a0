"""A comparison as tables: one to compute with, one to read."""

from __future__ import annotations

import pandas as pd

from cnnlab.comparison.comparing import Comparison
from cnnlab.comparison.experiments import seeds_text
from cnnlab.comparison.spread import Spread

_TABULATED = ("train_accuracy", "validation_accuracy", "test_accuracy", "seconds_per_epoch")


def accuracy_table(comparison: Comparison) -> pd.DataFrame:
    """One row per experiment, full precision, for CSV. Accuracies are shares from 0 to 1.

    `seeds` lists them ("0 1 2"); what was not measured, and the `_std` of one seed, is NaN.
    """
    rows = []
    for outcome in comparison.experiments:
        row: dict[str, object] = {
            "experiment": outcome.name,
            "seeds": " ".join(str(seed) for seed in outcome.seeds),
            "params": outcome.params,
            "macs": outcome.macs,
        }
        for key in _TABULATED:
            measured: Spread | None = getattr(outcome, key)
            row[f"{key}_mean"] = measured.mean if measured else None
            row[f"{key}_std"] = measured.std if measured else None
        rows.append(row)
    numbers = {f"{key}_{part}": "float64" for key in _TABULATED for part in ("mean", "std")}
    return pd.DataFrame(rows).astype(numbers)


def rounded_table(comparison: Comparison) -> pd.DataFrame:
    """One row per experiment as text, for a terminal or Markdown; `caption` says what ± is."""
    return pd.DataFrame(
        [
            {
                "Experiment": outcome.name,
                "Seeds": f"{len(outcome.seeds)} ({seeds_text(outcome.seeds)})",
                "Parameters": f"{outcome.params:,}",
                "MACs": f"{outcome.macs:,}",
                "Train": percent(outcome.train_accuracy),
                "Validation": percent(outcome.validation_accuracy),
                "Test": percent(outcome.test_accuracy),
                "s/epoch": _seconds(outcome.seconds_per_epoch),
            }
            for outcome in comparison.experiments
        ]
    )


def caption(comparison: Comparison) -> str:
    """What the columns of `rounded_table` are."""
    repeated = any(len(outcome.seeds) > 1 for outcome in comparison.experiments)
    over_seeds = ", mean ± standard deviation over the seeds" if repeated else ""
    return f"{comparison.dataset_title}: accuracy on training, validation and test images{over_seeds}"


def percent(accuracy: Spread | None) -> str:
    """98.12 ± 0.10 %, without ± for one seed, – where nothing was measured."""
    if accuracy is None:
        return "–"
    std = "" if accuracy.std is None else f" ± {100 * accuracy.std:.2f}"
    return f"{100 * accuracy.mean:.2f}{std} %"


def _seconds(seconds: Spread | None) -> str:
    """Some three digits: 0.042, 1.37, 12.5, 180."""
    if seconds is None:
        return "–"
    decimals = next((digits for bound, digits in ((0.1, 3), (10, 2), (100, 1)) if seconds.mean < bound), 0)
    std = "" if seconds.std is None else f" ± {seconds.std:.{decimals}f}"
    return f"{seconds.mean:.{decimals}f}{std}"
