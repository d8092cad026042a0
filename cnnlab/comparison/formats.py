"""A table of texts → the notation of where it goes. The cells stay the same everywhere."""

from __future__ import annotations

import re
from typing import Literal

import pandas as pd

Style = Literal["terminal", "markdown", "latex"]

_TABULATE = {"terminal": "simple", "markdown": "pipe", "latex": "latex_booktabs"}
_IN_LATEX = {"±": r"$\pm$", "−": "$-$", "–": "--", "×": r"$\times$", "→": r"$\to$"}


def as_text(table: pd.DataFrame, style: Style) -> str:
    r"""A table for a terminal, a Markdown page or LaTeX (with \usepackage{booktabs}).

    The first column is flush left, the others flush right.
    """
    from tabulate import tabulate

    align = ["left", *["right"] * (len(table.columns) - 1)]
    text = tabulate(
        table.to_numpy().tolist(),
        list(table.columns),
        tablefmt=_TABULATE[style],
        colalign=align,
        headersalign=align,
        disable_numparse=True,
    )
    if style != "latex":
        return text
    for sign, notation in _IN_LATEX.items():
        text = text.replace(sign, notation)
    return "\n".join(re.sub(r" {2,}", " ", line).rstrip() for line in text.splitlines())
