"""A table as text: for a terminal, in Markdown, in LaTeX, as CSV."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from cnnlab import foreign_text
from cnnlab.foreign_text import columns, csv_cell, one_line, printable, shortened

if TYPE_CHECKING:
    import pandas as pd

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
        return _in_markdown(headers, rows, left=left)
    rows = [[cell if cell.isprintable() else one_line(cell) for cell in row] for row in rows]
    if width is not None:
        others = table_width(headers[1:], [row[1:] for row in rows])
        room = max(len(headers[0]), width - others - len(_GAP))
        rows = [[shortened(row[0], room), *row[1:]] for row in rows]
    widths = _column_widths(headers, rows)
    header_lines = zip_longest(*(header.split("\n") for header in headers), fillvalue="")
    return "\n".join(
        _GAP.join(
            _padded(cell, size, left=column < left)
            for column, (cell, size) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()
        for cells in (*header_lines, ["-" * size for size in widths], *rows)
    )


def csv_text(table: pd.DataFrame) -> str:
    """Comma-separated values with a header, in full precision; what is missing is empty."""
    return table.map(csv_cell).rename(columns=csv_cell).to_csv(index=False)


def html_text(table: pd.DataFrame, *, missing: str = "NaN") -> str:
    """A table for a notebook, which would else set what stands between two dollars as mathematics."""
    import pandas as pd

    shown = table.map(_printable_cell).rename(columns=_printable_cell)
    with pd.option_context("display.html.use_mathjax", False):
        text: str = shown.to_html(index=False, na_rep=missing)
    return text


def _printable_cell(value: Any) -> Any:
    return printable(value) if isinstance(value, str) else value


_IN_LATEX = {
    "±": r"$\pm$",
    "−": "$-$",
    "–": "--",
    "×": r"$\times$",
    "→": r"$\to$",
    "·": r"$\cdot$",
    "÷": r"$\div$",
}


def latex_table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    r"""A table for LaTeX, with \usepackage{booktabs}. The first `left` columns are flush left."""
    from tabulate import tabulate

    align = ["left" if column < left else "right" for column in range(len(headers))]
    text = tabulate(  # which escapes what LaTeX would act on
        [list(map(one_line, row)) for row in rows],
        [one_line(header.replace("\n", " ").strip()) for header in headers],
        tablefmt="latex_booktabs", colalign=align, headersalign=align, disable_numparse=True,
    )  # fmt: skip
    for sign, notation in _IN_LATEX.items():
        text = text.replace(sign, notation)
    return "\n".join(re.sub(r" {2,}", " ", line).rstrip() for line in text.splitlines())


def table_width(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """How long the lines of a table on a terminal are, in characters."""
    return sum(_column_widths(headers, rows)) + len(_GAP) * (len(headers) - 1)


def _in_markdown(headers: Sequence[str], rows: Sequence[Sequence[str]], *, left: int) -> str:
    from tabulate import tabulate

    align = ["left" if column < left else "right" for column in range(len(headers))]
    return tabulate(
        [list(map(foreign_text.markdown, row)) for row in rows],
        list(map(foreign_text.markdown, headers)),
        tablefmt="github", colalign=align, headersalign=align, disable_numparse=True,
    )  # fmt: skip


def _column_widths(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    cells = zip(headers, *rows, strict=True)
    return [max(columns(line) for cell in column for line in cell.split("\n")) for column in cells]


def _padded(cell: str, size: int, *, left: bool) -> str:
    if cell.isascii():
        return cell.ljust(size) if left else cell.rjust(size)
    space = " " * (size - columns(cell))
    return cell + space if left else space + cell
