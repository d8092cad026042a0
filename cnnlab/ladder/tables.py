"""What why.json says of a study → tables: one to compute with, one to read."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from cnnlab.comparison.advantages import p_text
from cnnlab.ladder.document import Document, RungEntry, StepEntry
from cnnlab.ladder.sentences import signed_points


def _rungs_with_steps(document: Document) -> Iterator[tuple[RungEntry, StepEntry | None]]:
    """Every rung, and the step that leads to it, if any."""
    steps = {step["to"]: step for step in document["steps"]}
    for rung in document["rungs"]:
        yield rung, steps.get(rung["id"])


def rung_table(document: Document) -> pd.DataFrame:
    """One row per rung, full precision, for CSV. Accuracies and differences are shares from 0 to 1."""
    rows = []
    for rung, step in _rungs_with_steps(document):
        reached = rung["test_accuracy"]
        low, high = reached["ci95"] or (None, None)
        from_low, from_high = (step and step["difference"]["ci95"]) or (None, None)
        rows.append(
            {
                "rung": rung["id"],
                "name": rung["name"],
                "kind": rung["kind"],
                "from": step and step["from"],
                "ingredient": step and step["ingredient"],
                "seeds": len(reached["values"]),
                "params": rung["params"],
                "macs": rung["macs"],
                "test_accuracy_mean": reached["mean"],
                "test_accuracy_std": reached["std"],
                "test_accuracy_ci95_low": low,
                "test_accuracy_ci95_high": high,
                "difference_mean": step and step["difference"]["mean"],
                "difference_ci95_low": from_low,
                "difference_ci95_high": from_high,
                "p": step and step["p"],
                "p_holm": step and step["p_holm"],
                "shown": step and step["shown"],
            }
        )
    return pd.DataFrame(rows)


def step_table(document: Document) -> pd.DataFrame:
    """One row per rung as text: what it reached, and how far that is from its parent, in points."""
    rows = []
    for rung, step in _rungs_with_steps(document):
        reached = rung["test_accuracy"]
        std = "" if reached["std"] is None else f" ± {100 * reached['std']:.2f}"
        rows.append(
            {
                "Rung": rung["id"],
                "Parameters": f"{rung['params']:,}",
                "Test": f"{100 * reached['mean']:.2f}{std}%",
                "From": step["from"] if step else "",
                "Points": signed_points(step["difference"]["mean"]) if step else "",
                "95% interval": _interval(step["difference"]["ci95"]) if step else "",
                "p (Holm)": _p(step["p_holm"]) if step else "",
                "Change": step["ingredient"] if step else "",
            }
        )
    return pd.DataFrame(rows)


def _interval(interval: tuple[float, float] | None) -> str:
    if interval is None:
        return "–"
    low, high = interval
    return f"{signed_points(low)} to {signed_points(high)}"


def _p(p: float | None) -> str:
    """0.031, or < 0.001."""
    return "–" if p is None else p_text(p).removeprefix("p ").removeprefix("= ")
