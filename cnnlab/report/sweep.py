"""Everything a sweep's page says, gathered from sweep.json and filled into sweep.html."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from cnnlab.comparison.experiments import seeds_text
from cnnlab.config.axes import Span, value_text
from cnnlab.pictures.kit.encoding import inline_svg
from cnnlab.report.provenance import provenance
from cnnlab.report.tables import table_rows
from cnnlab.report.templates import pages
from cnnlab.run_folders.records import Record
from cnnlab.search.document import Document, space_in
from cnnlab.search.pictures import pictures
from cnnlab.search.space import settings_text
from cnnlab.search.tables import reading_table
from cnnlab.studies.report_pages import NOTICE, stamp

_LABELS = {
    "map": "Heat map of the validation accuracy; the values are in the table",
    "slices": "Validation accuracy against each setting; the values are in the table",
    "importance": "How much each setting matters",
    "parallel": "Settings and validation accuracy of all points, side by side; the values are in the table",
}
"""What a screen reader says of the pictures."""

_COLORED = ("map", "parallel")
"""Whose colours mean accuracies, dark ones the best: they stay on white."""


def render_sweep(document: Document, records: Sequence[Record] = ()) -> str:
    """The page as text: HTML with its style, script and pictures inside. The same input gives the same text.

    Args:
        records: the best point's runs; without them the page has no provenance of these.
    """
    axes = space_in(document)
    caption = "Validation accuracy, mean ± standard deviation over the seeds; =: tied with the best"
    return (
        pages()
        .get_template("sweep.html")
        .render(
            stamp=Markup(stamp(document)),
            notice=Markup(NOTICE),
            document=document,
            table=table_rows("Points", reading_table(document), caption),
            failures=[
                (settings_text(point["settings"]), point["error"])
                for point in document["points"]
                if point["state"] == "failed" and point["error"]
            ],
            pictures=[
                {
                    "name": name,
                    "lit": name in _COLORED,
                    "svg": inline_svg(figure, f"sweep-{name}", _LABELS[name]),
                }
                for name, figure in pictures(document).items()
            ],
            axes=[
                {"key": axis.key, "taken": str(axis)}
                if isinstance(axis, Span)
                else {"key": axis.key, "taken": ", ".join(map(value_text, axis.values))}
                for axis in axes
            ],
            seeds=seeds_text(document["seeds"]),
            provenance=_best(document, records),
        )
    )


def _best(document: Document, records: Sequence[Record]) -> list[dict[str, Any]]:
    if not records:
        return []
    first = records[0].config
    name = f"{document['name']}, best point"
    return [provenance(name, first.digest, [each.seed for each in records], records)]
