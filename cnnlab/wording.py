"""Numbers with their nouns, as every sentence writes them."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """1 run, 12,000 runs"""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
