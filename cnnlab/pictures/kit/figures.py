"""Figures by name, each drawn when it is first looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from cnnlab.pictures.kit.page import Page, drawing_for

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class LazyFigures(Mapping[str, "Figure"]):
    """Name → figure, made of name → function that draws it; a figure is drawn once.

    >>> figures = LazyFigures({"curves": lambda: print("drawn")})
    >>> list(figures)
    ['curves']
    >>> figures["curves"]
    drawn
    """

    def __init__(self, functions: Mapping[str, Callable[[], Figure]]) -> None:
        self._functions = dict(functions)
        self._drawn: dict[str, Figure] = {}

    def __getitem__(self, name: str) -> Figure:
        if name not in self._drawn:
            self._drawn[name] = self._functions[name]()
        return self._drawn[name]

    def __contains__(self, name: object) -> bool:
        return name in self._functions

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)

    @classmethod
    def of(cls, figures: Mapping[str, Figure]) -> LazyFigures:
        """Figures that are there already, or lazy ones as they are."""
        if isinstance(figures, LazyFigures):
            return figures
        return cls({name: partial(figures.__getitem__, name) for name in figures})

    def renamed(self, names: Mapping[str, str]) -> LazyFigures:
        """The same figures under other names: each by its own. What is drawn already stays drawn."""
        renamed = LazyFigures({names[name]: draw for name, draw in self._functions.items()})
        renamed._drawn = {names[name]: figure for name, figure in self._drawn.items()}
        return renamed

    def on(self, page: Page) -> LazyFigures:
        """The same figures for another page, drawn anew."""
        return LazyFigures({name: partial(_drawn_for, page, draw) for name, draw in self._functions.items()})


def _drawn_for(page: Page, draw: Callable[[], Figure]) -> Figure:
    with drawing_for(page):
        return draw()
