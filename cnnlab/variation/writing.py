"""A variation → its files in the comparison's folder, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cnnlab.comparison import Style, as_text
from cnnlab.comparison.advantages import listed
from cnnlab.config.axes import value_text
from cnnlab.pictures.kit.figures import LazyFigures
from cnnlab.pictures.kit.files import PNG, PictureFiles
from cnnlab.run_folders.folders import Folder
from cnnlab.run_folders.records import read_json
from cnnlab.studies.result_folders import Experiments, results_folder, results_path
from cnnlab.studies.writing import prose
from cnnlab.summary_tables.text import csv_text
from cnnlab.variation.document import Document, read_document
from cnnlab.variation.pictures import picture
from cnnlab.variation.tables import reading_table, value_table


def file_name(keys: Sequence[str]) -> str:
    """vary-KEY, or vary-KEY1-KEY2: the name of its files without the ending."""
    return f"vary-{'-'.join(keys)}".replace("/", "_").replace("\\", "_")


def write_variation(document: Document, out: Path, how: PictureFiles = PNG) -> Folder:
    """Write vary-KEY.json, .csv, .md and .png to OUT/comparisons/A-vs-B/; returns the folder."""
    experiments = Experiments({each["name"]: each["digest"] for each in document["experiments"]})
    name = file_name(document["keys"])
    with results_folder(experiments, out) as folder:
        folder.write_text(f"{name}.csv", csv_text(value_table(document)))
        folder.write_text(f"{name}.md", variation_text(document, "markdown") + "\n")
        how.write(folder, LazyFigures({name: lambda: picture(document)}))
        folder.write_json(f"{name}.json", document)  # last: what belongs to it is there then
    return folder


def read_variations(experiments: Mapping[str, str], out: Path) -> Iterator[Document]:
    """The variations of two experiments that stand in their comparison's folder.

    Args:
        experiments: the digest of each by its name, where nothing varies.
    """
    if len(experiments) != 2:
        return
    for path in sorted(results_path(Experiments(experiments), out).glob("vary-*.json")):
        document = read_document(read_json(path))
        if document and {each["name"]: each["digest"] for each in document["experiments"]} == experiments:
            yield document


def variation_text(document: Document, style: Style) -> str:
    """Caption, table, verdict, and what was odd about the runs of a value."""
    caption = f"{document['title']}; {document['trained_for']}."
    return "\n\n".join(
        [
            prose(caption, style),
            as_text(reading_table(document), style),
            prose(document["verdict"], style),
            *(prose(f"{note}.", style) for note in _notes(document)),
        ]
    )


def _notes(document: Document) -> Iterator[str]:
    """The warnings and notes of all comparisons, each once, with the values that have it."""
    having: dict[str, list[str]] = {}
    for values, comparison in zip(document["values"], document["comparisons"], strict=True):
        for note in (*comparison["warnings"], *comparison["notes"]):
            having.setdefault(note, []).append(" and ".join(map(value_text, values)))
    for note, where in having.items():
        everywhere = len(where) == len(document["values"])
        yield note if everywhere else f"{listed(where)}: {note}"
