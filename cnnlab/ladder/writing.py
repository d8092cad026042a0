"""A study → its folder: JSON, tables, picture, and the config of every rung."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cnnlab.comparison import Style, as_text
from cnnlab.comparison.spread import Spread
from cnnlab.comparison.tables import percent
from cnnlab.comparison.verdicts import p_text
from cnnlab.foreign_text import markdown
from cnnlab.ladder.rungs import Rung
from cnnlab.ladder.sentences import signed_points, verdict
from cnnlab.ladder.study import Study
from cnnlab.pictures.kit.figures import LazyFigures
from cnnlab.run_folders.folders import Folder
from cnnlab.studies.writing import comparison_path
from cnnlab.summary_tables.text import csv_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def study_path(dnn: str, cnn: str, out: Path) -> Path:
    """OUT/comparisons/why-A-vs-B/"""
    return comparison_path((f"why-{dnn}", cnn), out)


def study_document(study: Study, out: Path) -> dict[str, Any]:
    """The JSON document of `cnnlab why --json`."""
    document = study.as_dict()
    folder = study_path(study.ladder.dnn.name, study.ladder.cnn.name, out)
    for written, rung in zip(document["rungs"], study.rungs, strict=True):
        written["config"] = str(folder / "configs" / config_name(rung))
    return document | {"verdict": verdict(study)}


def config_name(rung: Rung) -> str:
    """The name of the file that holds a rung's config."""
    return f"{rung.id.replace('/', '_')}.yaml"


def write_study(study: Study, out: Path) -> Folder:
    """Write why.json, why.csv, why.md, why.png and configs/; returns their folder, which knows them."""
    folder = Folder(study_path(study.ladder.dnn.name, study.ladder.cnn.name, out), inside=out)
    with folder.alone():
        configs = Folder(folder.path / "configs", inside=out)
        for rung in study.rungs:
            configs.write_text(config_name(rung), rung.config.to_yaml())
        folder.write_text("why.csv", csv_text(rung_table(study)))
        folder.write_text("why.md", markdown_page(study))
        folder.write_figure("why.png", figures(study, out)["why"])
        folder.write_json("why.json", study_document(study, out))  # last: what it names is there then
    return folder


def figures(study: Study, out: Path) -> LazyFigures:
    """The picture, drawn when it is looked up."""

    def why() -> Figure:
        from cnnlab.ladder.pictures import picture

        return picture(study_document(study, out))

    return LazyFigures({"why": why})


def rung_table(study: Study) -> pd.DataFrame:
    """One row per rung, full precision, for CSV. Accuracies and differences are shares from 0 to 1."""
    rows = []
    for rung in study.rungs:
        outcome = study.outcomes[rung.id]
        step = next((each for each in study.steps if each.end == rung.id), None)
        low, high = outcome.test_accuracy.ci95 or (None, None)
        from_low, from_high = (step.difference.ci95 if step else None) or (None, None)
        rows.append(
            {
                "rung": rung.id,
                "name": rung.config.name,
                "kind": rung.kind,
                "from": step.start if step else None,
                "ingredient": rung.ingredient if step else None,
                "seeds": " ".join(str(seed) for seed in outcome.seeds),
                "params": outcome.params,
                "macs": outcome.macs,
                "test_accuracy_mean": outcome.test_accuracy.mean,
                "test_accuracy_std": outcome.test_accuracy.std,
                "test_accuracy_ci95_low": low,
                "test_accuracy_ci95_high": high,
                "difference_mean": step.difference.mean if step else None,
                "difference_ci95_low": from_low,
                "difference_ci95_high": from_high,
                "p": step.p if step else None,
                "p_holm": step.p_holm if step else None,
                "shown": step.shown if step else None,
            }
        )
    return pd.DataFrame(rows)


def step_table(study: Study) -> pd.DataFrame:
    """One row per rung as text: what it reached, and how far that is from its parent, in points."""
    rows = []
    for rung in study.rungs:
        outcome = study.outcomes[rung.id]
        step = next((each for each in study.steps if each.end == rung.id), None)
        rows.append(
            {
                "Rung": rung.id,
                "Change": rung.ingredient if step else "",
                "Parameters": f"{outcome.params:,}",
                "Test": percent(outcome.test_accuracy),
                "From": step.start if step else "",
                "Points": signed_points(step.difference.mean) if step else "",
                "95% interval": _interval(step.difference) if step else "",
                "p (Holm)": p_text(step.p_holm).removeprefix("p ").removeprefix("= ")
                if step and step.p_holm is not None
                else "",
            }
        )
    return pd.DataFrame(rows)


def study_text(study: Study, style: Style) -> str:
    """Table, verdict and what was left out."""
    parts = [as_text(step_table(study), style)]
    prose = [verdict(study), *(f"{rung} is left out: {why}" for rung, why in study.left_out.items())]
    return "\n\n".join([*parts, *(markdown(each) if style == "markdown" else each for each in prose)])


def markdown_page(study: Study) -> str:
    """The table and the verdict, as why.md holds them."""
    return study_text(study, "markdown") + "\n"


def _interval(difference: Spread) -> str:
    if difference.ci95 is None:
        return "–"
    low, high = difference.ci95
    return f"{signed_points(low)} to {signed_points(high)}"
