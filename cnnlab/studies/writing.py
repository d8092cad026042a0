"""A comparison → its folder: tables, JSON, pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cnnlab.comparison import (
    COST_KEY,
    ComparedOutcomes,
    Style,
    accuracy_table,
    as_text,
    caption,
    class_table,
    conclusion,
    cost_table,
    fold_table,
    rounded_table,
)
from cnnlab.errors import unknown
from cnnlab.foreign_text import markdown
from cnnlab.pictures.kit.figures import LazyFigures
from cnnlab.pictures.kit.files import PNG, PictureFiles
from cnnlab.pictures.kit.page import FORMATS
from cnnlab.studies.comparing import ComparedExperiments
from cnnlab.studies.pictures import PICTURES, pictures
from cnnlab.studies.report_pages import PAGE, WrittenResults, mark_page
from cnnlab.studies.result_folders import Experiments, results_folder
from cnnlab.summary_tables.text import csv_text

_MOST_CLASSES = 50
"""A page is for reading; of more classes, such as the 361 points of a Go board, comparison.json tells."""


def experiments_of(comparison: ComparedOutcomes) -> Experiments:
    """Whose results a comparison is."""
    return Experiments({each.name: each.digest for each in comparison.experiments}, comparison.folds)


def write_comparison(
    compared: ComparedExperiments, out: Path, *, page: str | None = None, how: PictureFiles = PNG
) -> WrittenResults:
    """Write table.csv, table.md, comparison.json and the pictures.

    `page` is written as report.html; without it, one that is there stays, and says so where it is older.

    A network that was resized is written as NAME.yaml, so that it can be trained again or changed.
    """
    comparison = compared.comparison
    document = comparison.as_dict()
    with results_folder(experiments_of(comparison), out) as folder:
        # First: whoever is killed then leaves no page beside other numbers that does not say so.
        is_older = page is None and mark_page(folder, document)
        folder.write_text("table.csv", csv_text(accuracy_table(comparison)))
        folder.write_text("table.md", markdown_page(comparison))
        folder.write_json("comparison.json", document)
        drawn = LazyFigures.of(pictures(comparison, compared.answers))
        files = how.write(folder, drawn)
        for name in PICTURES:
            for file in PictureFiles(FORMATS).names(name):
                if file not in files and (how.output is None or name not in drawn):
                    folder.remove(file)  # of an earlier comparison, which this one replaces
        if page is not None:
            folder.write_text(PAGE, page)
        if compared.matched is not None:
            config = compared.matched.config
            if comparison.folds is not None:
                config = config.with_fold(None)  # --folds gives it its folds
            folder.write_text(f"{config.name}.yaml", config.to_yaml())
    return WrittenResults(folder, folder.path / PAGE if is_older else None)


def comparison_text(
    comparison: ComparedOutcomes, style: Style, *, per_class: bool = False, with_warnings: bool = True
) -> str:
    """Caption, warnings, tables and verdict; what is not a table is a comment in LaTeX."""
    notes = (*(comparison.warnings if with_warnings else ()), *comparison.notes)
    end = "." if style == "markdown" else ""
    between = "\n\n" if style == "markdown" else "\n"  # where a line below a table would be a row of it
    tables = [fold_table(comparison), *([class_table(comparison)] if per_class else [])]
    return "\n\n".join(
        [
            prose(caption(comparison) + end, style),
            *(prose(f"{note}.", style) for note in notes),
            as_text(rounded_table(comparison), style),
            as_text(cost_table(comparison), style) + between + prose(COST_KEY + end, style),
            *(as_text(table, style) for table in tables if len(table)),
            *(prose(paragraph, style) for paragraph in conclusion(comparison)),
        ]
    )


def chosen_columns(comparison: ComparedOutcomes, columns: Sequence[str], style: Style) -> str:
    """One table of these columns of all tables, such as for a slide; names in any case.

    Raises:
        UserError: no table has such a column.
    """
    tables = [rounded_table(comparison), cost_table(comparison)]
    known = {
        str(name).rpartition(", ")[2].lower(): (name, table)
        for table in tables[::-1]
        for name in table.columns
    }
    for column in columns:
        if column.lower() not in known:
            raise unknown("column", column, [str(name).rpartition(", ")[2] for name, _ in known.values()])
    chosen = [known[column.lower()] for column in dict.fromkeys(columns)]
    return as_text(pd.DataFrame({name: table[name] for name, table in chosen}), style)


def prose(text: str, style: Style) -> str:
    """A paragraph beside tables in some style: a comment in LaTeX."""
    lines = text.split("\n")
    if style == "latex":
        return "\n".join(f"% {line}" for line in lines)
    return "\n".join(map(markdown, lines)) if style == "markdown" else text


def markdown_page(comparison: ComparedOutcomes) -> str:
    """Tables, verdict and warnings, as table.md holds them."""
    classes = class_table(comparison)
    parts = [
        as_text(rounded_table(comparison), "markdown"),
        markdown(f"{caption(comparison)}."),
        *map(markdown, conclusion(comparison)),
        *(markdown(f"Note: {note}") for note in (*comparison.warnings, *comparison.notes)),
        as_text(cost_table(comparison), "markdown"),
        f"{COST_KEY}.",
    ]
    if len(by_fold := fold_table(comparison)):
        parts += ["Test accuracy seed by seed and fold by fold:", as_text(by_fold, "markdown")]
    if 0 < len(classes) <= _MOST_CLASSES:
        parts += ["Test accuracy class by class:", as_text(classes, "markdown")]
    return "\n\n".join(parts) + "\n"
