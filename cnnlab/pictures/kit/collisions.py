"""Texts that meet or reach beyond the edge: measured, where no layout suits all that is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import wraps
from typing import ParamSpec

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cnnlab.pictures.kit.page import Page, current_page, drawing_for

_Arguments = ParamSpec("_Arguments")

_SMALLER = (1.0, 0.92, 0.85, 0.78, 0.71, 0.65)
"""By how much the texts of a drawing get smaller, one try after the other."""

_APART = 0.1  # of a line's height, between two texts

_scale: ContextVar[float] = ContextVar("text_scale", default=1.0)


def text_scale() -> float:
    """By what the texts of a drawing are to be smaller, so that they have room: at most 1."""
    return _scale.get()


def texts_apart(draw: Callable[_Arguments, Figure]) -> Callable[_Arguments, Figure]:
    """Let a function draw with texts as large as they can be without meeting each other.

    They are never larger than the page wants them. Where it wants them larger than there is room for, the
    page grows, down to a scale of 1; then the texts get smaller.
    """

    @wraps(draw)
    def drawn(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> Figure:
        for page, scale in _tries(current_page()):
            with drawing_for(page), _scaled(scale):
                figure = draw(*args, **kwargs)
            if not any_meet(figure):
                break
        return figure

    return drawn


def _tries(page: Page) -> Iterator[tuple[Page, float]]:
    """Pages and text scales, the largest text first."""
    wanted = page.font_scale
    while wanted > 1.05:
        yield replace(page, font_scale=wanted), 1.0
        wanted *= 0.9
    last = replace(page, font_scale=min(page.font_scale, 1.0))
    for scale in _SMALLER:
        yield last, scale


@contextmanager
def _scaled(scale: float) -> Iterator[None]:
    token = _scale.set(scale)
    try:
        yield
    finally:
        _scale.reset(token)


def any_meet(figure: Figure) -> bool:
    """Whether two upright texts of a figure meet, or one is cut off at its edge."""
    canvas = FigureCanvasAgg(figure)
    renderer = canvas.get_renderer()  # type: ignore[no-untyped-call]
    texts = [text for axes in figure.axes for text in axes.texts if text.get_text()]
    if not texts:
        return False
    boxes = np.array([text.get_window_extent(renderer).extents for text in texts])  # (N, 4)
    if (boxes[:, :2] < 0).any() or (boxes[:, 2:] > canvas.get_width_height()).any():
        return True
    # matplotlib's boxes have some room above and below their letters, none beside them.
    height = np.array([text.get_fontsize() for text in texts]) * figure.dpi / 72
    low, high = boxes[:, :2].copy(), boxes[:, 2:].copy()
    low[:, 0] -= _APART * height
    high[:, 0] += _APART * height
    low[:, 1] += 1
    high[:, 1] -= 1
    meet = ((low[:, None] < high[None]) & (low[None] < high[:, None])).all(axis=-1)
    return bool(np.triu(meet, 1).any())
