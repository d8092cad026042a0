"""A sweep → its folder: sweep.json and tables."""

from __future__ import annotations

from pathlib import Path

from cnnlab.comparison import Style, as_text
from cnnlab.run_folders.folders import Folder
from cnnlab.search.document import Document, document_of
from cnnlab.search.identity import sweep_digest, sweep_path
from cnnlab.search.study import Study
from cnnlab.search.tables import point_table, reading_table
from cnnlab.studies.writing import prose
from cnnlab.summary_tables.text import csv_text


def write_sweep(study: Study, out: Path) -> Folder:
    """Write sweep.json, table.csv and table.md; returns their folder, which knows them."""
    document = document_of(study)
    folder = Folder(sweep_path(study.plan, out), inside=out)
    with folder.alone():
        folder.write_text("table.csv", csv_text(point_table(document)))
        folder.write_text("table.md", sweep_text(document, "markdown") + "\n")
        # Last: what belongs to it is there then.
        folder.write_json("sweep.json", document | {"sweep": sweep_digest(study.plan)})
    return folder


def sweep_text(document: Document, style: Style) -> str:
    """Caption, table and verdict."""
    return "\n\n".join(
        [
            prose(f"{document['title']}.", style),
            as_text(reading_table(document), style),
            prose(document["verdict"], style),
        ]
    )
