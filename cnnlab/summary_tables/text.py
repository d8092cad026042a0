"""A table of strings as text: for a terminal, or in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

_GAP = "  "
"""Between two columns."""


def text_table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    left: int = 1,
    markdown: bool = False,
    width: int | None = None,
) -> str:
    """The first `left` columns are flush left, the others, numbers, flush right.

    Args:
        headers: with line breaks where one line would be too long; not in Markdown.
        width: characters that a line may have on a terminal; longer names in the first column are shortened.
    """
    if markdown:
        from tabulate import tabulate

        align = ["left" if column < left else "right" for column in range(len(headers))]
        return tabulate(
            rows, headers, tablefmt="github", colalign=align, headersalign=align, disable_numparse=True
        )
    if width is not None:
        others = table_width(headers[1:], [row[1:] for row in rows])
        room = max(len(headers[0]), width - others - len(_GAP))
        rows = [[_shortened(row[0], room), *row[1:]] for row in rows]
    widths = _column_widths(headers, rows)
    header_lines = zip_longest(*(header.split("\n") for header in headers), fillvalue="")
    return "\n".join(
        _GAP.join(
            cell.ljust(size) if column < left else cell.rjust(size)
            for column, (cell, size) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()
        for cells in (*header_lines, ["-" * size for size in widths], *rows)
    )


def table_width(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """How long the lines of a table on a terminal are, in characters."""
    return sum(_column_widths(headers, rows)) + len(_GAP) * (len(headers) - 1)


def _column_widths(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    columns = zip(headers, *rows, strict=True)
    return [max(len(line) for cell in column for line in cell.split("\n")) for column in columns]


def _shortened(name: str, length: int) -> str:
    """Its beginning and its end: names that resemble each other differ at their ends."""
    tail = length // 2
    return name if len(name) <= length else f"{name[: length - tail - 1]}…{name[-tail:]}"
