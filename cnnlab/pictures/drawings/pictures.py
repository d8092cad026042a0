"""Pictures side by side: before and after a dream, content and style."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from cnnlab.pictures.kit.sheet import Sheet


def side_by_side(
    rows: Sequence[Sequence[tuple[str, np.ndarray]]], *, title: str, subtitle: str, side: float = 2.6
) -> Figure:
    """Rows of captioned pictures, (H, W, C) in [0, 1]."""
    columns = max(len(row) for row in rows)
    sheet = Sheet(
        len(rows), columns, title=title, subtitle=subtitle, cell=(side, side), caption=0.26, gap=(0.2, 0.1)
    )
    for index, row in enumerate(rows):
        for column, (caption, picture) in enumerate(row):
            sheet.picture(index, column, picture, caption=caption)
    return sheet.figure
