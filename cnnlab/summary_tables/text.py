"""A table of strings as text: for a terminal, or in Markdown."""

from __future__ import annotations

from collections.abc import Sequence


def text_table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1, markdown: bool = False
) -> str:
    """The first `left` columns are flush left, the others, numbers, flush right."""
    from tabulate import tabulate

    align = ["left" if column < left else "right" for column in range(len(headers))]
    style = "github" if markdown else "simple"
    return tabulate(rows, headers, tablefmt=style, colalign=align, headersalign=align, disable_numparse=True)
