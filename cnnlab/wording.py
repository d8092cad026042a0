"""How text is written: numbers with their nouns, and the width of a page."""

from __future__ import annotations

TEXT_COLUMNS = 80
"""What every terminal shows: the width of tables, and of texts that are set in lines."""


def counted(number: int, noun: str) -> str:
    """1 run, 12,000 runs"""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def three_digits(value: float) -> str:
    """0.0571, 5.71, 571, 5,710: a positive number with three significant digits or more, without exponent."""
    return f"{value:.3g}" if value < 999.5 else f"{value:,.0f}"
