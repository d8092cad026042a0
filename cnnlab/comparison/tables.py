"""A comparison as tables: one to compute with, one to read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from cnnlab.accounting.quantities import exactly
from cnnlab.comparison.advantages import ranked
from cnnlab.comparison.comparing import ComparedOutcomes
from cnnlab.comparison.conditions import difference_note, trained_on
from cnnlab.comparison.experiments import seeds_text
from cnnlab.comparison.outcomes import ClassAccuracy, Outcome
from cnnlab.comparison.spread import Spread

_TABULATED = (
    "train_accuracy",
    "validation_accuracy",
    "test_accuracy",
    "seconds_per_epoch",
    "seconds",
    "images_per_second",
    "peak_memory_bytes",
)


def accuracy_table(comparison: ComparedOutcomes) -> pd.DataFrame:
    """One row per experiment, full precision, for CSV, in the order given. Accuracies are shares from 0 to 1.

    `seeds` lists them ("0 1 2"); what was not measured, and the `_std` of one seed, is NaN. `rank` is that
    of the mean test accuracy, 1 for the highest.
    """
    rows = []
    best_first = ranked(comparison.experiments)
    for outcome in comparison.experiments:
        row: dict[str, object] = {
            "experiment": outcome.name,
            "seeds": " ".join(str(seed) for seed in outcome.seeds),
            **({} if outcome.folds is None else {"folds": outcome.folds}),
            "params": outcome.params,
            "macs": outcome.macs,
        }
        for key in _TABULATED:
            measured: Spread | None = getattr(outcome, key)
            row[f"{key}_mean"] = measured.mean if measured else None
            row[f"{key}_std"] = measured.std if measured else None
        low, high = outcome.test_accuracy.ci95 or (None, None)
        row |= {"test_accuracy_ci95_low": low, "test_accuracy_ci95_high": high}
        row["points_per_1000_params"] = outcome.points_per_1000_params
        row["rank"] = 1 + best_first.index(outcome)
        rows.append(row)
    numbers = {f"{key}_{part}": "float64" for key in _TABULATED for part in ("mean", "std")}
    numbers |= {f"test_accuracy_ci95_{end}": "float64" for end in ("low", "high")}
    numbers |= {"points_per_1000_params": "float64"}
    return pd.DataFrame(rows).astype(numbers)


def rounded_table(comparison: ComparedOutcomes) -> pd.DataFrame:
    """One row per experiment as text; `caption` says what ± is. Of three or more, the best comes first."""
    return pd.DataFrame(
        [
            {
                "Experiment": outcome.name,
                "Seeds": f"{len(outcome.seeds)} ({seeds_text(outcome.seeds)})",
                **({} if outcome.folds is None else {"Folds": outcome.folds}),
                "Parameters": f"{outcome.params:,}",
                "MACs": exactly(outcome.macs),
                "Train": percent(outcome.train_accuracy),
                "Validation": percent(outcome.validation_accuracy),
                "Test": percent(outcome.test_accuracy),
                "s/epoch": _seconds(outcome.seconds_per_epoch),
            }
            for outcome in in_order(comparison)
        ]
    )


COST_KEY = "Points per 1,000 parameters: test accuracy in percent ÷ parameters in thousands"
"""What a column of `cost_table` is."""


def cost_table(comparison: ComparedOutcomes) -> pd.DataFrame:
    """What each experiment's accuracy costs, as text, in the order of `rounded_table`."""
    return pd.DataFrame(
        [
            {
                "Experiment": outcome.name,
                "Test, 95% CI": _interval(outcome.test_accuracy),
                "Seconds": _seconds(outcome.seconds),
                "Images/s": _count(outcome.images_per_second),
                "Peak memory": _memory(outcome.peak_memory_bytes),
                "Points per 1,000 parameters": "–"
                if outcome.points_per_1000_params is None
                else f"{outcome.points_per_1000_params:.3g}",
            }
            for outcome in in_order(comparison)
        ]
    )


def fold_table(comparison: ComparedOutcomes) -> pd.DataFrame:
    """Seeds × folds as text: the test accuracy of each run, and of two experiments the difference in points.

    Empty without folds.
    """
    folds = comparison.folds
    if folds is None:
        return pd.DataFrame()

    def rows(name: str, seeds: Sequence[int], cells: Sequence[str]) -> Iterator[dict[str, object]]:
        for place, seed in enumerate(seeds):
            row = cells[place * folds : (place + 1) * folds]
            yield {"Experiment": name, "Seed": seed} | {f"Fold {fold}": cell for fold, cell in enumerate(row)}

    found: list[dict[str, object]] = []
    for outcome in (outcomes := in_order(comparison)):
        found += rows(outcome.name, outcome.seeds, [f"{each:.2%}" for each in outcome.test_accuracy.values])
    if len(outcomes) == 2:
        for pair in comparison.pairs:
            differences = [f"{100 * each:+.2f}".replace("-", "−") for each in pair.difference.values]
            found += rows(pair.named, pair.seeds, differences)
    return pd.DataFrame(found)


def class_table(comparison: ComparedOutcomes) -> pd.DataFrame:
    """One row per class as text: the test accuracy of each experiment on its images.

    For two experiments with a common seed, the difference too: the first minus the second, in points.
    """
    outcomes = in_order(comparison)
    pair = comparison.pairs[0] if len(outcomes) == 2 and comparison.pairs else None
    rows = []
    for index, of_class in enumerate(_known_classes(outcomes)):
        row = {"Class": of_class.name, "Images": f"{of_class.images:,}"}
        row |= {
            outcome.name: percent(outcome.classes[index].accuracy) if outcome.classes else "–"
            for outcome in outcomes
        }
        if pair is not None and pair.classes is not None:
            row[pair.named] = _points(pair.classes[index].difference)
        rows.append(row)
    return pd.DataFrame(rows)


def class_accuracies(comparison: ComparedOutcomes) -> pd.DataFrame:
    """One row per experiment and class, full precision, for CSV."""
    return pd.DataFrame(
        [
            {
                "experiment": outcome.name,
                "class": each.name,
                "images": each.images,
                "test_accuracy_mean": each.accuracy.mean,
                "test_accuracy_std": each.accuracy.std,
            }
            for outcome in comparison.experiments
            for each in outcome.classes or ()
        ],
        columns=["experiment", "class", "images", "test_accuracy_mean", "test_accuracy_std"],
    )


def in_order(comparison: ComparedOutcomes) -> list[Outcome]:
    """Two experiments as given; three or more from the most accurate down."""
    outcomes = list(comparison.experiments)
    return outcomes if len(outcomes) == 2 else ranked(outcomes)


def _known_classes(outcomes: list[Outcome]) -> tuple[ClassAccuracy, ...]:
    return next((outcome.classes for outcome in outcomes if outcome.classes), ())


def caption(comparison: ComparedOutcomes) -> str:
    """What the columns of `rounded_table` are, on what the networks were trained, and what else differs."""
    repeated = any(len(outcome.records) > 1 for outcome in comparison.experiments)
    over_runs = f", mean ± standard deviation over the {varied(comparison)}" if repeated else ""
    columns = f"{comparison.dataset_title}: accuracy on training, validation and test images{over_runs}"
    note = difference_note(comparison.experiments)
    return "; ".join([columns, trained_on(comparison.experiments), *([note] if note else [])])


def varied(comparison: ComparedOutcomes) -> str:
    """What the runs of an experiment differ in: seeds, folds, or seeds and folds."""
    if comparison.folds is None:
        return "seeds"
    several = any(len(outcome.seeds) > 1 for outcome in comparison.experiments)
    return "seeds and folds" if several else "folds"


def percent(accuracy: Spread | None) -> str:
    """98.12 ± 0.10%, without ± for one seed, – where nothing was measured."""
    if accuracy is None:
        return "–"
    std = "" if accuracy.std is None else f" ± {100 * accuracy.std:.2f}"
    return f"{100 * accuracy.mean:.2f}{std}%"


def _seconds(seconds: Spread | None) -> str:
    """Some three digits: 0.042, 1.37, 12.5, 180."""
    if seconds is None:
        return "–"
    decimals = next((digits for bound, digits in ((0.1, 3), (10, 2), (100, 1)) if seconds.mean < bound), 0)
    std = "" if seconds.std is None else f" ± {seconds.std:.{decimals}f}"
    return f"{seconds.mean:.{decimals}f}{std}"


def _interval(accuracy: Spread) -> str:
    if accuracy.ci95 is None:
        return "–"
    low, high = (100 * min(max(each, 0), 1) for each in accuracy.ci95)  # no accuracy lies beyond
    return f"{low:.2f} to {high:.2f}%"


def _points(difference: Spread) -> str:
    """+1.20 ± 0.31: in points, with the standard deviation over the seeds."""
    std = "" if difference.std is None else f" ± {100 * difference.std:.2f}"
    return f"{100 * difference.mean:+.2f}{std}".replace("-", "−")


def _count(number: Spread | None) -> str:
    return "–" if number is None else f"{number.mean:,.0f}"


def _memory(memory: Spread | None) -> str:
    return "–" if memory is None else f"{memory.mean / 2**20:,.0f} MiB"
