"""Pictures side by side: before and after a dream, content and style."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from cnnlab.datasets.appearance import PLAIN, Appearance
from cnnlab.pictures.kit.sheet import Sheet
from cnnlab.pictures.rendering import drawn, legend


def side_by_side(
    rows: Sequence[Sequence[tuple[str, np.ndarray]]], *, title: str, subtitle: str, side: float = 2.6,
    appearance: Appearance = PLAIN,
) -> Figure:  # fmt: skip
    """Rows of captioned pictures, (H, W, C) in [0, 1]."""
    columns = max(len(row) for row in rows)
    sheet = Sheet(
        len(rows), columns, title=title, subtitle=legend(subtitle, appearance), cell=(side, side),
        caption=0.26, gap=(0.2, 0.1), axis_names=appearance.axis_names,
    )  # fmt: skip
    for index, row in enumerate(rows):
        for column, (caption, picture) in enumerate(row):
            sheet.picture(index, column, drawn(picture, appearance), caption=caption)
    return sheet.figure
