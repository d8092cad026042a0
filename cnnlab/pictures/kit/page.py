"""What a picture is drawn for: a page, or a slide of given sides, and how large its text is on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, get_args

Aspect = Literal["auto", "16:9", "4:3"]
Format = Literal["png", "svg", "pdf"]
ASPECTS: tuple[Aspect, ...] = get_args(Aspect)
FORMATS: tuple[Format, ...] = get_args(Format)

LEGIBLE = 0.02
"""Of a slide's height: the least that can be read from the last row."""

SMALLEST_TEXT = 9.0
"""Points. On the tallest page that is `LEGIBLE`."""

FONT_SCALES = (0.5, 2.0)
"""The least and the largest."""

MOST_ON_A_SHEET = 1000
"""Images on a contact sheet."""

_TALLEST = 5.9  # inches: a line of 9 points takes 2.01% of it
_WIDEST = 11.8  # inches, without an aspect
_RATIOS = {"16:9": 16 / 9, "4:3": 4 / 3}


@dataclass(frozen=True)
class Page:
    """The sides that a picture may have, in inches.

    Text has the same size in points on every page. A larger `font_scale` makes the page smaller in inches,
    and its pixels finer: the picture has as many of them, and larger text.
    """

    aspect: Aspect = "auto"
    font_scale: float = 1.0
    size: float = 1.0
    """How many times as wide and tall as a slide; text keeps its points."""

    @property
    def ratio(self) -> float | None:
        """Width ÷ height; None: as the picture needs."""
        return _RATIOS.get(self.aspect)

    @property
    def tallest(self) -> float:
        return _TALLEST * self.size / self.font_scale

    @property
    def widest(self) -> float:
        widest = _WIDEST if self.ratio is None else _TALLEST * self.ratio
        return widest * self.size / self.font_scale

    def sides(self, width: float, height: float) -> tuple[float, float]:
        """The sides of a page that has room for so much: in the aspect, where there is one."""
        if self.ratio is None:
            return width, height
        return max(width, height * self.ratio), max(height, width / self.ratio)


AUTO = Page()
"""A page as the picture needs it, up to the largest."""

_current: ContextVar[Page] = ContextVar("page", default=AUTO)


def current_page() -> Page:
    """The page that is drawn for."""
    return _current.get()


@contextmanager
def drawing_for(page: Page) -> Iterator[None]:
    """Pictures that are drawn inside are drawn for this page."""
    token = _current.set(page)
    try:
        yield
    finally:
        _current.reset(token)
