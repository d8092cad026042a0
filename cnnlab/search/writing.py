"""A sweep → its folder: sweep.json, tables and pictures; and back."""

from __future__ import annotations

from pathlib import Path

from cnnlab.comparison import Style, as_text
from cnnlab.errors import UserError
from cnnlab.pictures.kit.figures import LazyFigures
from cnnlab.pictures.kit.files import PNG, PictureFiles
from cnnlab.pictures.kit.formats import percent
from cnnlab.pictures.kit.page import FORMATS
from cnnlab.run_folders.folders import Folder
from cnnlab.run_folders.identity import DIGITS
from cnnlab.run_folders.integrity import DamagedRun
from cnnlab.run_folders.records import Record, read_json, read_record, runs_in
from cnnlab.search.document import Document, document_of, read_document
from cnnlab.search.identity import sweep_digest, sweep_path
from cnnlab.search.pictures import PICTURES, pictures
from cnnlab.search.study import Study
from cnnlab.search.tables import point_table, reading_table
from cnnlab.studies.report_pages import PAGE, WrittenResults, mark_page
from cnnlab.studies.writing import prose
from cnnlab.summary_tables.text import csv_text

SWEEP = "sweep.json"


def write_sweep(study: Study, out: Path, how: PictureFiles = PNG) -> WrittenResults:
    """Write sweep.json, table.csv, table.md and the pictures.

    A report.html of an earlier state of the sweep stays, and says that it is older.
    """
    document = document_of(study)
    folder = Folder(sweep_path(study.plan, out), inside=out)
    with folder.alone():
        # First: whoever is killed then leaves no page beside other numbers that does not say so.
        is_older = mark_page(folder, document)
        folder.write_text("table.csv", csv_text(point_table(document)))
        folder.write_text("table.md", sweep_text(document, "markdown") + "\n")
        drawn = LazyFigures.of(pictures(document))
        files = how.write(folder, drawn)
        for name in PICTURES:
            for file in PictureFiles(FORMATS).names(name):
                if file not in files and (how.output is None or name not in drawn):
                    folder.remove(file)  # of an earlier state of this sweep
        # Last: what belongs to it is there then.
        folder.write_json(SWEEP, document | {"sweep": sweep_digest(study.plan)})
    return WrittenResults(folder, folder.path / PAGE if is_older else None)


def read_sweep(folder: Path) -> Document:
    """What the sweep in a folder has found.

    Raises:
        UserError: there is none.
    """
    document = read_document(read_json(folder / SWEEP))
    if document is None:
        raise UserError(
            f"{folder}: expected a sweep's folder, but its {SWEEP} is missing, damaged or of another "
            "version; carry the sweep out again, which trains no finished run twice"
        )
    return document


def winner_records(document: Document, out: Path) -> list[Record]:
    """The best point's finished runs that lie in `out`; runs that are damaged are left out."""
    winner = document["winner"]
    if winner is None:
        return []
    found = []
    for digits in DIGITS:
        for path in runs_in(out / f"{document['name']}-{winner['digest'][:digits]}"):
            try:
                record = read_record(path)
            except (DamagedRun, UserError):  # of a seed that did not finish
                continue
            if record.config.digest == winner["digest"] and record.seed in document["seeds"]:
                found.append(record)
    return found


def sweep_text(document: Document, style: Style) -> str:
    """Caption, table and verdict."""
    return "\n\n".join(
        [
            prose(f"{document['title']}.", style),
            as_text(reading_table(document), style),
            prose(document["verdict"], style),
            *([prose(text, style)] if (text := _importance(document)) else []),
        ]
    )


def _importance(document: Document) -> str:
    """Which setting explains how much, the most important first; "" where only one varies."""
    shares, note = document["importance"], document["importance_note"]
    if shares is None:
        return note if len(document["axes"]) > 1 else ""
    ordered = sorted(shares, key=lambda each: -each["share"])
    listed = ", ".join(f"{each['key']} {percent(each['share'], 0)}" for each in ordered)
    return f"{note[:-1]}: {listed}."
