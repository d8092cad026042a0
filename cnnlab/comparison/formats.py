"""A table of texts → the notation of where it goes. The cells stay the same everywhere."""

from __future__ import annotations

from typing import Literal, get_args

import pandas as pd

from cnnlab.errors import unknown
from cnnlab.foreign_text import markdown
from cnnlab.summary_tables.text import latex_table, text_table

Style = Literal["terminal", "markdown", "latex"]


def check_style(style: str) -> None:
    """Refuse a notation that there is none of.

    Raises:
        UserError: with those that there are.
    """
    if style not in (styles := get_args(Style)):
        raise unknown("style", style, styles)


def as_text(table: pd.DataFrame, style: Style) -> str:
    r"""A table for a terminal, a Markdown page or LaTeX (with \usepackage{booktabs}).

    The first column is flush left, the others flush right.
    """
    columns = [str(column) for column in table.columns]
    rows = [[str(cell) for cell in row] for row in table.to_numpy().tolist()]
    if style == "terminal":
        return text_table(columns, rows)
    if style == "latex":
        return latex_table(columns, rows)
    from tabulate import tabulate

    align = ["left", *["right"] * (len(columns) - 1)]
    return tabulate(
        [list(map(markdown, row)) for row in rows], list(map(markdown, columns)),
        tablefmt="pipe", colalign=align, headersalign=align, disable_numparse=True,
    )  # fmt: skip
