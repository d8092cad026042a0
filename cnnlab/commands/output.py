"""How results and messages reach their streams: text and tables for people, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from cnnlab.foreign_text import csv_cell, printable
from cnnlab.summary_tables.text import csv_text, text_table

if TYPE_CHECKING:
    import pandas as pd


def say(text: str = "") -> None:
    """A line of the result, on stdout."""
    _write(printable(text) + "\n")


def tell(message: str = "") -> None:
    """A line about the work, on stderr. Where it is lost, as on a full disk, the work goes on."""
    with suppress(OSError):
        click.echo(printable(message), file=sys.stderr)


def tell_files(files: Iterable[object], *, on_stdout: bool) -> None:
    """Name the files that were written, a line each: on stderr where stdout is a document for programs."""
    for file in files:
        (say if on_stdout else tell)(str(file))


def print_json(data: Any) -> None:
    """Exactly one JSON document on stdout; NaN and infinities, which JSON lacks, as null."""
    try:
        text = _json_text(data, ensure_ascii=False)
    except ValueError:  # NaN or an infinity
        data = _finite(data)
        text = _json_text(data, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # a name of a file that is no text, or an output that has few letters
        text = _json_text(data, ensure_ascii=True)
    if not text.isascii() or "\x7f" in text:  # json escapes all other letters that a terminal acts on
        text = _INVISIBLE.sub(lambda found: _escaped(found[0]), text)
    _write(text + "\n")


def _json_text(data: Any, *, ensure_ascii: bool) -> str:
    """What json.dumps makes of it with indent=2.

    With an indent, json leaves its encoder in C aside and takes three times as long. Rows of a table, of
    which there may be 100,000, come from it all the same: the indent stands in the separator.

    Raises:
        ValueError: a number is not finite.
    """
    if not _is_table(data):
        return json.dumps(data, indent=2, ensure_ascii=ensure_ascii, allow_nan=False)
    encode = json.JSONEncoder(ensure_ascii=ensure_ascii, allow_nan=False, separators=(",\n    ", ": ")).encode
    rows = (f"{{\n    {encode(row)[1:-1]}\n  }}" for row in data)
    return "[\n  " + ",\n  ".join(rows) + "\n]"


def _is_table(data: Any) -> bool:
    """Whether it is a list of objects that hold neither lists nor objects."""
    return (
        isinstance(data, list)
        and bool(data)
        and all(
            isinstance(row, dict)
            and row
            and not any(isinstance(value, dict | list | tuple) for value in row.values())
            for row in data
        )
    )


def print_csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Comma-separated values in full precision, with a header."""
    text = io.StringIO()
    cells = [[csv_cell(cell) for cell in row] for row in (columns, *rows)]
    csv.writer(text, lineterminator="\n").writerows(cells)
    _write(text.getvalue())


def print_csv_table(table: pd.DataFrame) -> None:
    """The same of a DataFrame; what is missing is empty."""
    _write(csv_text(table))


def seconds_text(seconds: float, side_by_side: int | None) -> str:
    """12.5, or 12.5* of a run that shared the machine with others; see `say_side_by_side`."""
    return f"{seconds:.1f}{'*' if side_by_side else ''}"


def say_side_by_side(runs: Iterable[int | None]) -> None:
    """The footnote of a table with `seconds_text`. `runs`: of each run, how many were trained at once."""
    if any(runs):
        say("* trained side by side with other runs; one at a time, a run takes less time")


def print_table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    left: int = 1,
    markdown: bool = False,
    width: int | None = None,
) -> None:
    """A table of strings: see `text_table`."""
    say(text_table(headers, rows, left=left, markdown=markdown, width=width))


def _write(text: str) -> None:
    """To stdout in its own encoding: left alone, click takes ASCII for a mistake and writes UTF-8."""
    click.echo(text, nl=False, file=sys.stdout)


_INVISIBLE = re.compile(r"[^\x20-\x7e\n]")


def _escaped(letter: str) -> str:
    """A letter of a JSON document: one that a terminal would act on is an escape, which means the same."""
    return letter if printable(letter) == letter else json.dumps(letter)[1:-1]


def _finite(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data
