"""A ladder → the configs of its rungs; a study → its folder, with JSON, tables and picture, and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cnnlab.comparison import Style, as_text
from cnnlab.comparison.spread import Spread
from cnnlab.ladder.document import Document, RungEntry, SpreadEntry, StepEntry, read_document
from cnnlab.ladder.pictures import picture
from cnnlab.ladder.rungs import Ladder, Rung
from cnnlab.ladder.sentences import verdict
from cnnlab.ladder.steps import Step
from cnnlab.ladder.study import Study
from cnnlab.ladder.tables import rung_table, step_table
from cnnlab.pictures.kit.figures import LazyFigures
from cnnlab.pictures.kit.files import PNG, PictureFiles
from cnnlab.run_folders.folders import Folder
from cnnlab.run_folders.records import read_json
from cnnlab.studies.result_folders import Experiments, results_folder, results_path
from cnnlab.studies.writing import prose
from cnnlab.summary_tables.text import csv_text

_STUDY = "why-"
"""What the name of a study's folder begins with."""


def study_path(ladder: Ladder, out: Path) -> Path:
    """OUT/comparisons/why-A-vs-B/"""
    return results_path(_experiments(ladder), out)


def _experiments(ladder: Ladder) -> Experiments:
    ends = (ladder.dnn, ladder.cnn)
    return Experiments({each.name: each.digest for each in ends}, study=_STUDY)


def study_document(study: Study, out: Path) -> Document:
    """The JSON document of `cnnlab why --json`."""
    ladder = study.ladder
    folder = study_path(ladder, out)
    return {
        "dataset": ladder.dataset.name,
        "dnn": ladder.dnn.name,
        "cnn": ladder.cnn.name,
        "seeds": list(study.seeds),
        "rungs": [_rung(study, rung, folder) for rung in study.rungs],
        "steps": [_step(step) for step in study.steps],
        "contrasts": [_step(step) for step in study.contrasts],
        "interactions": [
            {
                "ingredient": each.of, "where": each.where, "otherwise": each.otherwise,
                "difference": _spread(each.difference), "p": each.p, "p_holm": each.p_holm,
                "shown": each.shown,
            }
            for each in study.interactions
        ],
        "shifted": [
            {"rung": each.rung, "pixels": each.pixels, "accuracy": each.accuracy} for each in study.shifted
        ],
        "left_out": study.left_out,
        "verdict": verdict(study),
    }  # fmt: skip


def _rung(study: Study, rung: Rung, folder: Path) -> RungEntry:
    outcome = study.outcomes[rung.id]
    return {
        "id": rung.id,
        "name": rung.config.name,
        "digest": rung.config.digest,
        "config": str(folder / "configs" / _config_name(rung)),
        "parent": rung.parent,
        "changes": [{"key": each.key, "from": each.before, "to": each.after} for each in rung.changes],
        "kind": rung.kind,
        "control": rung.control,
        "params": outcome.params,
        "macs": outcome.macs,
        "test_accuracy": _spread(outcome.test_accuracy),
    }


def _step(step: Step) -> StepEntry:
    return {
        "from": step.start,
        "to": step.end,
        "ingredient": step.ingredient,
        "difference": _spread(step.difference),
        "p": step.p,
        "p_holm": step.p_holm,
        "shown": step.shown,
    }


def _spread(measured: Spread) -> SpreadEntry:
    return {
        "mean": measured.mean,
        "std": measured.std,
        "ci95": measured.ci95,
        "values": list(measured.values),
    }


def _config_name(rung: Rung) -> str:
    """The name of the file that holds a rung's config."""
    return f"{rung.id.replace('/', '.')}.yaml"


def write_configs(ladder: Ladder, out: Path) -> None:
    """Write the config of every rung to the study's configs/; those of other rungs stay there."""
    with results_folder(_experiments(ladder), out) as folder:
        configs = Folder(folder.path / "configs", inside=out)
        for rung in ladder.rungs:
            configs.write_text(_config_name(rung), rung.config.to_yaml())


def write_study(study: Study, out: Path, how: PictureFiles = PNG) -> Folder:
    """Write why.json, why.csv, why.md and why.png; returns their folder, which knows them."""
    document = study_document(study, out)
    with results_folder(_experiments(study.ladder), out) as folder:
        folder.write_text("why.csv", csv_text(rung_table(document)))
        folder.write_text("why.md", study_text(document, "markdown") + "\n")
        how.write(folder, LazyFigures({"why": lambda: picture(document)}))
        folder.write_json("why.json", document)  # last: what it names is there then
    return folder


def read_study(experiments: Mapping[str, str], out: Path) -> Document | None:
    """The study of two experiments as its why.json has it; None where there is none of just these.

    Args:
        experiments: the digest of each by its name.
    """
    if len(experiments) != 2:
        return None
    one, other = experiments
    for dnn, cnn in ((one, other), (other, one)):
        study = Experiments({dnn: experiments[dnn], cnn: experiments[cnn]}, study=_STUDY)
        document = read_document(read_json(results_path(study, out) / "why.json"))
        if document is None:
            continue
        known = {rung["id"]: rung["digest"] for rung in document["rungs"]}
        if (known.get("dnn"), known.get("cnn")) == (experiments[dnn], experiments[cnn]):
            return document
    return None


def study_text(document: Document, style: Style) -> str:
    """Table, verdict and what was left out."""
    left_out = (f"{rung} is left out: {reason}." for rung, reason in document["left_out"].items())
    paragraphs = (document["verdict"], *left_out)
    return "\n\n".join([as_text(step_table(document), style), *(prose(each, style) for each in paragraphs)])
