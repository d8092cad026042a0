"""Everything a page says, gathered from a comparison and filled into page.html."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import Markup, escape

from cnnlab.accounting.quantities import exactly
from cnnlab.comparison import (
    COST_KEY,
    ComparedOutcomes,
    Outcome,
    Pair,
    caption,
    class_table,
    conclusion,
    cost_table,
    fold_table,
    rounded_table,
    varied,
)
from cnnlab.comparison.advantages import p_text
from cnnlab.comparison.confusion import confusion
from cnnlab.comparison.sentences import margin_text
from cnnlab.comparison.verdicts import verdict
from cnnlab.ladder.document import Document
from cnnlab.ladder.pictures import picture
from cnnlab.ladder.tables import step_table
from cnnlab.layers.base import times
from cnnlab.pictures.kit.encoding import inline_svg
from cnnlab.pictures.kit.formats import percent, signed
from cnnlab.pictures.plots import PredictedImages
from cnnlab.pictures.plots.confusion import STRONG, ConfusionMatrix, percent_matrices
from cnnlab.report import charts, images, network
from cnnlab.report.provenance import facts, provenance
from cnnlab.report.tables import table_rows
from cnnlab.report.templates import pages
from cnnlab.run_folders.records import Record
from cnnlab.studies.report_pages import NOTICE, stamp
from cnnlab.variation.document import Document as VariationDocument
from cnnlab.variation.pictures import picture as variation_picture
from cnnlab.variation.tables import reading_table

_MOST_CLASSES = 30
"""Confusion matrices of more classes are no longer readable as tables."""


def render_report(
    comparison: ComparedOutcomes,
    answers: PredictedImages | None = None,
    *,
    why: Document | None = None,
    variations: Sequence[VariationDocument] = (),
) -> str:
    """The page as text: HTML with its style, script and pictures inside. The same input gives the same text.

    Args:
        answers: test images with what each experiment takes them for; without them the page has no images.
        why: the study of the two experiments, as why.json has it, if there is one.
        variations: the two at several values of a setting, as vary-KEY.json has them.
    """
    environment = pages()
    environment.filters |= {
        "points": _points,
        "margin": margin_text,
        "p": p_text,
        "exactly": exactly,
        "percent": percent,
        "times": times,
        "typed": _typed,
    }
    histories = {
        outcome.name: {_run(record, comparison): record.history for record in outcome.records}
        for outcome in comparison.experiments
    }
    drawn = [charts.chart(histories, "loss"), charts.chart(histories, "accuracy")]
    names = [outcome.name for outcome in comparison.experiments]
    return environment.get_template("page.html").render(
        title=" vs ".join(names) if len(names) < 4 else f"{len(names)} experiments",
        stamp=Markup(stamp(comparison.as_dict())),
        notice=Markup(NOTICE),
        comparison=comparison,
        conclusion=conclusion(comparison),
        verdicts=[verdict(pair) for pair in comparison.pairs],
        tables=[
            table_rows("Accuracy", rounded_table(comparison), caption(comparison)),
            table_rows(
                "Cost",
                cost_table(comparison),
                f"Cost of that accuracy; means over the {varied(comparison)}. {COST_KEY}.",
            ),
        ],
        fold_table=table_rows("Fold by fold", fold_table(comparison), "Test accuracy by seed and fold"),
        varied=varied(comparison),
        class_table=table_rows("Class by class", class_table(comparison), "Test accuracy by class"),
        charts=drawn,
        chart_data=[each.data for each in drawn],
        seeds=_in_order(run for runs in histories.values() for run in runs),
        pairs=[_pair(pair) for pair in comparison.pairs],
        facts=facts(comparison),
        difference=charts.difference(comparison.pairs),
        confusions=_confusions(comparison.experiments),
        networks=[
            (outcome, config.architecture, network.drawing(config))
            for outcome in comparison.experiments
            for config in (outcome.records[0].config,)
        ],
        groups=images.groups(answers) if answers is not None else (),
        whose=answers.whose if answers is not None else "",
        image_key=answers.appearance.key if answers is not None else "",
        image_size="large" if answers is not None and answers.appearance.points else "",
        why=None if why is None else _why(why),
        variations=[_variation(each, number) for number, each in enumerate(variations)],
        provenance=[
            provenance(each.name, each.digest, each.seeds, each.records, each.folds)
            for each in comparison.experiments
        ],
    )


def _run(record: Record, comparison: ComparedOutcomes) -> int | str:
    """What tells the runs of an experiment apart: the seed, or seed and fold."""
    return record.seed if comparison.folds is None else f"{record.seed}, fold {record.config.fold}"


def _in_order(runs: Iterable[int | str]) -> list[int | str]:
    """Each once; seeds ascending, and folds within a seed."""
    different = list(dict.fromkeys(runs))
    return sorted(different, key=lambda run: [int(number) for number in re.findall(r"\d+", str(run))])


def _why(document: Document) -> dict[str, Any]:
    """What a study of the two experiments has shown, its picture and its table."""
    label = "Test accuracy of every rung, and its difference from its parent; the values are in the table"
    return {
        "verdict": document["verdict"],
        "svg": inline_svg(picture(document), "why-picture", label),
        "table": table_rows("Rungs", step_table(document), "Test accuracy of each rung; p adjusted by Holm"),
    }


def _variation(document: VariationDocument, number: int) -> dict[str, Any]:
    """The two experiments at several values of a setting, as picture and table."""
    keys = " and ".join(document["keys"])
    label = f"Test accuracy against {keys}; the values are in the table"
    return {
        "setting": keys,
        "caption": f"{document['title']}; {document['trained_for']}.",
        "verdict": document["verdict"],
        "svg": inline_svg(variation_picture(document), f"variation-{number}", label),
        "table": table_rows(keys, reading_table(document), "Test accuracies; p adjusted by Holm"),
    }


def _pair(pair: Pair) -> dict[str, Any]:
    """A pair's table: one row per seed, with means over the folds where there are some."""
    a, b = (
        dict(zip(outcome.seeds, outcome.by_seed(outcome.test_accuracy), strict=True))
        for outcome in (pair.a, pair.b)
    )
    rows = [
        {"seed": seed, "a": a[seed], "b": b[seed], "difference": a[seed] - b[seed], "mcnemar": answers}
        for seed, answers in zip(pair.seeds, pair.mcnemar, strict=True)
    ]
    return {"pair": pair, "rows": rows}


def _confusions(outcomes: Sequence[Outcome]) -> list[tuple[ConfusionMatrix, list[Any]]]:
    """A matrix per experiment in percent of the true class; for two, their difference too."""
    dataset = outcomes[0].records[0].config.dataset
    if dataset is None or len(dataset.class_names) > _MOST_CLASSES:
        return []
    counts = {outcome.name: confusion(outcome) for outcome in outcomes}
    known = {name: matrix for name, matrix in counts.items() if matrix is not None}
    if len(known) < len(counts):
        return []
    return [(matrix, _rows(matrix)) for matrix in percent_matrices(known, dataset.class_names)]


def _rows(matrix: ConfusionMatrix) -> list[tuple[str, list[tuple[str, int, str]]]]:
    """By true class the cells: text, percent of the full colour, CSS classes."""

    def cell(text: str, strength: float) -> tuple[str, int, str]:
        classes = ("less" if strength < 0 else "more") + (" strong" if abs(strength) > STRONG else "")
        return text, round(100 * abs(strength)) if text else 0, classes

    return [
        (name, [cell(text, float(strength)) for text, strength in zip(texts, strengths, strict=True)])
        for name, texts, strengths in zip(matrix.class_names, matrix.texts, matrix.strengths, strict=True)
    ]


def _typed(text: str) -> Markup:
    """A sentence in which the options to type stay in one piece, to be read and copied."""
    return Markup(re.sub(r"--seeds [\d,-]+", r'<code class="typed">\g<0></code>', str(escape(text))))


def _points(share: float) -> str:
    """+1.20: a difference of accuracies in percentage points."""
    return signed(100 * share, 2)
