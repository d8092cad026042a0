"""Whether the texts of a figure can be read: measured from the boxes in which the renderer draws them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations
from typing import NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

SMALLEST = 0.02
"""A line's height, as a share of the picture's."""

APART = 0.15
"""What lies between two texts on one line, at least, as a share of their size."""

_ROUNDING = 0.5  # pixels


class DrawnText(NamedTuple):
    """A text as the renderer draws it; lengths in pixels.

    corners: (4, 2), of its box, which is turned where the text is. line: the height of one line.
    """

    text: str
    corners: np.ndarray
    line: float

    @property
    def lowest(self) -> np.ndarray:
        return np.asarray(self.corners.min(axis=0))

    @property
    def highest(self) -> np.ndarray:
        return np.asarray(self.corners.max(axis=0))


def drawn_texts(figure: Figure) -> list[DrawnText]:
    """All texts that are drawn: not those of ticks beyond an axis, nor empty ones."""
    found: list[DrawnText] = []
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # as when it is saved, where the layout is found first
    with _recorded(found):
        canvas.draw()
    return found


def illegible(figure: Figure, *, smallest: float = SMALLEST) -> list[str]:
    """What is wrong with the texts of a figure: cut off, over each other, touching, or too small."""
    texts = drawn_texts(figure)
    size = figure.get_size_inches() * figure.dpi
    wrong = []
    for each in texts:
        if (each.lowest < -_ROUNDING).any() or (each.highest > size + _ROUNDING).any():
            wrong.append(f"cut off at the edge: {each.text!r}")
        if re.search(r"\d…|…\d", each.text) and not re.search(r"[^\W\d]", each.text):
            wrong.append(f"a number is cut: {each.text!r}")
        if each.line < smallest * size[1] - 0.05:
            wrong.append(f"{each.line / size[1]:.2%} of the height: {each.text!r}")
    for one, other in combinations(texts, 2):
        if _meet(one, other):
            wrong.append(f"{one.text!r} meets {other.text!r}")
    return wrong


def _meet(one: DrawnText, other: DrawnText) -> bool:
    room = APART * min(one.line, other.line)
    if (one.lowest - room > other.highest).any() or (other.lowest - room > one.highest).any():
        return False
    return _overlap(one, other)


def _overlap(one: DrawnText, other: DrawnText) -> bool:
    """Two rectangles do not meet where a line parallel to a side of one of them lies in between."""
    for text in (one, other):
        for place in (1, 3):
            side = text.corners[place] - text.corners[0]
            length = float(np.hypot(*side)) or 1.0
            first, second = (each.corners @ side / length for each in (one, other))
            # Along the lines of the texts something is to lie between them, across their boxes may touch.
            room = APART * min(one.line, other.line) if place == 1 else -_ROUNDING
            if first.min() - room >= second.max() or second.min() - room >= first.max():
                return False
    return True


@contextmanager
def _recorded(found: list[DrawnText]) -> Iterator[None]:
    draw = Text.draw

    def recording(text: Text, renderer: object) -> None:
        draw(text, renderer)  # type: ignore[arg-type]
        if text.get_visible() and text.get_text().strip() and text.get_alpha() != 0:
            found.append(_measured(text, renderer))

    Text.draw = recording  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        Text.draw = draw  # type: ignore[method-assign]


def _measured(text: Text, renderer: object) -> DrawnText:
    angle = text.get_rotation()
    middle = np.array(text.get_window_extent(renderer).get_points()).mean(axis=0)  # type: ignore[arg-type]
    text.set_rotation(0)
    box = text.get_window_extent(renderer)  # type: ignore[arg-type]
    text.set_rotation(angle)
    _, line, _ = renderer.get_text_width_height_descent("lp", text.get_fontproperties(), False)  # type: ignore[attr-defined]
    lines = text.get_text().count("\n") + 1
    # matplotlib's box has what is between two lines below the last one, too.
    wide, tall = box.width / 2, (box.height * (lines - 1) / lines + line) / 2
    around = np.array([[-wide, -tall], [wide, -tall], [wide, tall], [-wide, tall]])
    turn = np.deg2rad(angle)
    turned = around @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return DrawnText(text.get_text(), middle + turned, float(line))
