"""How results reach stdout: tables for people, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from typing import Any

import click


def print_json(data: Any) -> None:
    """Exactly one JSON document on stdout; NaN and infinities, which JSON lacks, as null."""
    click.echo(json.dumps(_finite(data), indent=2, ensure_ascii=False))


def print_csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Comma-separated values in full precision, with a header."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    click.echo(text.getvalue(), nl=False)


def print_table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1, markdown: bool = False
) -> None:
    """A table of strings; the first `left` columns are flush left, the others, numbers, flush right."""
    from tabulate import tabulate

    align = ["left" if column < left else "right" for column in range(len(headers))]
    style = "github" if markdown else "simple"
    click.echo(
        tabulate(rows, headers, tablefmt=style, colalign=align, headersalign=align, disable_numparse=True)
    )


def _finite(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data
