"""Tables → what a page draws and sorts."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd


def table_rows(title: str, table: pd.DataFrame, about: str) -> dict[str, Any]:
    """Cells with what they are sorted by: the number they begin with, if they do."""
    rows = [[(str(cell), _sort_key(str(cell))) for cell in row] for row in table.to_numpy().tolist()]
    return {"title": title, "caption": about, "columns": list(table.columns), "rows": rows}


def _sort_key(cell: str) -> str:
    number = cell.replace(",", "").replace("−", "-").split(" ")[0].rstrip("%")
    try:
        return number if math.isfinite(float(number)) else cell
    except ValueError:
        return cell
