"""Counts and sizes as people read them: 1.64 M, 538 KiB. Files and --json keep the exact numbers."""

from __future__ import annotations

from collections.abc import Iterable


def sum_of_known(counts: Iterable[int | None]) -> int | None:
    """The sum; None as soon as one of the counts is not known."""
    total = 0
    for count in counts:
        if count is None:
            return None
        total += count
    return total


def exactly(count: int | None) -> str:
    """1,639,350; – where it is not known."""
    return "–" if count is None else f"{count:,}"


def amount(count: int | None) -> str:
    """1,639,350 → 1.64 M; below ten thousand every digit; – where it is not known."""
    if count is None:
        return exactly(count)
    if count < 10_000:
        return f"{count:,}"
    value = float(count)
    for unit in ("k", "M", "G", "T", "P", "E"):
        value /= 1000
        if value < 999.5:
            return f"{_three_digits(value)} {unit}"
    return f"{count:.2e}"


def size(count: int) -> str:
    """550,640 → 538 KiB, in powers of 1,024."""
    if count < 1024:
        return f"{count} B"
    value, unit = count / 1024, "KiB"
    for larger in ("MiB", "GiB", "TiB"):
        if value >= 999.5:
            value, unit = value / 1024, larger
    return f"{_three_digits(value)} {unit}"


def share(part: float) -> str:
    """0.0821 → 8.2, in percent; nothing and everything are said plainly, and something is never 0.0."""
    if part in (0, 1):
        return f"{100 * part:.0f}"
    return "<0.1" if part < 0.0005 else f"{100 * part:.1f}"


def ratio(value: float) -> str:
    """18.6994 → 18.7×"""
    return f"{_factor(value)}×"


def factor(value: float) -> str:
    """18.6994 → 18.7 times"""
    return f"{_factor(value)} times"


def _factor(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _three_digits(value: float) -> str:
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"
