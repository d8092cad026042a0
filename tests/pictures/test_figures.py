"""Figures that are drawn when they are looked at."""

import pytest

from cnnlab.pictures.kit.figures import LazyFigures


def test_a_figure_is_drawn_once_and_not_before_it_is_looked_at():
    drawn = []
    figures = LazyFigures({"curves": lambda: drawn.append("curves") or "a figure", "bars": lambda: "another"})
    assert list(figures) == ["curves", "bars"]
    assert len(figures) == 2
    assert "curves" in figures
    assert drawn == []
    assert figures["curves"] is figures["curves"]
    assert drawn == ["curves"]
    with pytest.raises(KeyError):
        figures["images"]
