"""How results reach stdout: tables for people, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from collections.abc import Sequence
from typing import Any

import click

from cnnlab.summary_tables.text import text_table


def print_json(data: Any) -> None:
    """Exactly one JSON document on stdout; NaN and infinities, which JSON lacks, as null."""
    text = json.dumps(_finite(data), indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # a name of a file that is no text, or an output that has few letters
        text = json.dumps(_finite(data), indent=2)
    click.echo(text)


def print_csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Comma-separated values in full precision, with a header."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    click.echo(text.getvalue(), nl=False)


def print_table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    left: int = 1,
    markdown: bool = False,
    width: int | None = None,
) -> None:
    """A table of strings: see `text_table`."""
    click.echo(text_table(headers, rows, left=left, markdown=markdown, width=width))


def _finite(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data
