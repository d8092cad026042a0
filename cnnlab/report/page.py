"""Everything a page says, gathered from a comparison and filled into page.html."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup, escape

from cnnlab.accounting.quantities import exactly
from cnnlab.comparison import (
    Comparison,
    Outcome,
    Pair,
    caption,
    class_table,
    conclusion,
    cost_table,
    rounded_table,
)
from cnnlab.comparison.confusion import confusion
from cnnlab.comparison.experiments import seeds_text
from cnnlab.comparison.verdicts import p_text, verdict
from cnnlab.layers.base import times
from cnnlab.pictures.plots import Answers
from cnnlab.report import charts, images, network
from cnnlab.report.templates import pages

_MOST_CLASSES = 30
"""Confusion matrices of more classes are no longer readable as tables."""


def render_report(comparison: Comparison, answers: Answers | None = None) -> str:
    """The page as text: HTML with its style, script and pictures inside. The same input gives the same text.

    Args:
        answers: test images with what each experiment takes them for; without them the page has no images.
    """
    environment = pages()
    environment.filters |= {
        "points": _points,
        "p": p_text,
        "times": times,
        "seeds": seeds_text,
        "exactly": exactly,
    }
    environment.filters["typed"] = _typed
    histories = {
        outcome.name: {record.seed: record.history for record in outcome.records}
        for outcome in comparison.experiments
    }
    drawn = [charts.chart(histories, "loss"), charts.chart(histories, "accuracy")]
    names = [outcome.name for outcome in comparison.experiments]
    return environment.get_template("page.html").render(
        title=" vs ".join(names) if len(names) < 4 else f"{len(names)} experiments",
        comparison=comparison,
        conclusion=conclusion(comparison),
        verdicts=[verdict(pair) for pair in comparison.pairs],
        tables=[
            _table("Accuracy", rounded_table(comparison), caption(comparison)),
            _table("Cost", cost_table(comparison), "What the accuracy costs; means over the seeds"),
        ],
        class_table=_table("Class by class", class_table(comparison), "Test accuracy of each class"),
        charts=drawn,
        chart_data=[each.data() for each in drawn],
        frame=charts,
        seeds=sorted({seed for outcome in comparison.experiments for seed in outcome.seeds}),
        pairs=[_pair(pair) for pair in comparison.pairs],
        confusions=_confusions(comparison.experiments),
        networks=[
            (outcome, architecture, network.drawing(architecture))
            for outcome in comparison.experiments
            for architecture in (outcome.records[0].config.architecture,)
        ],
        network_height=network.HEIGHT,
        groups=images.groups(answers) if answers is not None else (),
        provenance=[_provenance(outcome) for outcome in comparison.experiments],
    )


def _table(title: str, table: pd.DataFrame, about: str) -> dict[str, Any]:
    """Cells with what they are sorted by: the number they begin with, if they do."""
    rows = [[(str(cell), _sort_key(str(cell))) for cell in row] for row in table.to_numpy().tolist()]
    return {"title": title, "caption": about, "columns": list(table.columns), "rows": rows}


def _sort_key(cell: str) -> str:
    number = cell.replace(",", "").replace("−", "-").split(" ")[0].rstrip("%")
    try:
        return number if math.isfinite(float(number)) else cell
    except ValueError:
        return cell


def _pair(pair: Pair) -> dict[str, Any]:
    """A pair's table: one row per seed."""
    place = {outcome.name: dict(zip(outcome.seeds, outcome.test_accuracy.values, strict=True))
             for outcome in (pair.a, pair.b)}  # fmt: skip
    rows = [
        {
            "seed": seed,
            "a": place[pair.a.name][seed],
            "b": place[pair.b.name][seed],
            "difference": difference,
            "mcnemar": answers,
        }
        for seed, difference, answers in zip(pair.seeds, pair.difference.values, pair.mcnemar, strict=True)
    ]
    return {"pair": pair, "rows": rows}


def _confusions(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """A matrix per experiment in percent of the true class; for two, their difference too."""
    dataset = outcomes[0].records[0].config.dataset
    matrices = [(outcome.name, confusion(outcome)) for outcome in outcomes]
    if dataset is None or len(dataset.class_names) > _MOST_CLASSES:
        return []
    shares = [
        (name, 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))
        for name, counts in matrices
        if counts is not None
    ]
    if len(shares) < len(matrices):
        return []
    tables = [_matrix(name, values, dataset.class_names, signed=False) for name, values in shares]
    if len(shares) == 2:
        (first, of_first), (second, of_second) = shares
        tables.append(_matrix(f"{first} − {second}", of_first - of_second, dataset.class_names, signed=True))
    return tables


def _matrix(name: str, values: np.ndarray, classes: Sequence[str], *, signed: bool) -> dict[str, Any]:
    """Cells as (text, how much colour in percent, its sign); the root lets small errors be seen."""
    reach = max(1.0, float(np.abs(values).max()))

    def cell(value: float) -> tuple[str, int, str]:
        text = f"{value:+.1f}" if signed else f"{value:.1f}"
        if float(text) == 0:
            return "", 0, ""
        color = abs(value) / reach if signed else math.sqrt(value / 100)
        return text.replace("-", "−"), round(100 * color), "less" if value < 0 else "more"

    rows = [(classes[index], [cell(float(value)) for value in row]) for index, row in enumerate(values)]
    return {"name": name, "classes": classes, "rows": rows, "signed": signed}


def _provenance(outcome: Outcome) -> dict[str, Any]:
    first = outcome.records[0]
    environment = dict(first.environment)
    dataset = environment.pop("dataset", {})
    return {
        "name": outcome.name,
        "digest": outcome.digest,
        "seeds": seeds_text(outcome.seeds),
        "folders": [str(record.path) for record in outcome.records],
        # The page is handed on: where the files lie on this machine is said in environment.json only.
        "dataset": {key: value for key, value in dataset.items() if value is not None and key != "origin"},
        "environment": {
            key.replace("_", " "): value for key, value in environment.items() if value is not None
        },
        "config": first.config.to_yaml(),
    }


def _typed(text: str) -> Markup:
    """A sentence in which the options to type stay in one piece, to be read and copied."""
    return Markup(re.sub(r"--seeds [\d,-]+", r'<code class="typed">\g<0></code>', str(escape(text))))


def _points(share: float) -> str:
    """+1.20: a difference of accuracies in percentage points."""
    return f"{100 * share:+.2f}".replace("-", "−")
