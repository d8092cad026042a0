"""How results reach stdout: tables for people, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import click

_GAP = "  "
"""Between two columns."""


def print_json(data: Any) -> None:
    """Exactly one JSON document on stdout; NaN and infinities, which JSON lacks, as null."""
    click.echo(json.dumps(_finite(data), indent=2, ensure_ascii=False))


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
    """A table of strings; the first `left` columns are flush left, the others, numbers, flush right.

    Args:
        headers: with line breaks where one line would be too long; not in Markdown.
        width: characters that a line may have; longer names in the first column are shortened.
    """
    if markdown:
        from tabulate import tabulate

        align = ["left" if column < left else "right" for column in range(len(headers))]
        click.echo(
            tabulate(
                rows, headers, tablefmt="github", colalign=align, headersalign=align, disable_numparse=True
            )
        )
        return
    if width is not None:
        room = max(len(headers[0]), width - table_width(headers[1:], [row[1:] for row in rows]) - len(_GAP))
        rows = [[_shortened(row[0], room), *row[1:]] for row in rows]
    widths = _column_widths(headers, rows)
    lines = [*zip_longest(*(header.split("\n") for header in headers), fillvalue="")]
    for cells in (*lines, ["-" * each for each in widths], *rows):
        aligned = [
            cell.ljust(each) if column < left else cell.rjust(each)
            for column, (cell, each) in enumerate(zip(cells, widths, strict=True))
        ]
        click.echo(_GAP.join(aligned).rstrip())


def table_width(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """How long the lines of a printed table are, in characters."""
    return sum(_column_widths(headers, rows)) + len(_GAP) * (len(headers) - 1)


def _column_widths(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    columns = zip(headers, *rows, strict=True)
    return [max(len(line) for cell in column for line in cell.split("\n")) for column in columns]


def _shortened(name: str, length: int) -> str:
    """Its beginning and its end: names that resemble each other differ at their ends."""
    tail = length // 2
    return name if len(name) <= length else f"{name[: length - tail - 1]}…{name[-tail:]}"


def _finite(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def counted(number: int, noun: str) -> str:
    """1 run, 12,000 runs"""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
