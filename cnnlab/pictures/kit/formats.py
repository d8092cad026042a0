"""Numbers as pictures, captions and pages write them."""

from __future__ import annotations


def percent(share: float, digits: int = 1) -> str:
    """94.1%; never rounded up to 100% or down to 0%: "> 99.9%", "< 0.1%"."""
    step = 10.0 ** -(digits + 2)
    if 1 - step / 2 <= share < 1:
        return f"> {1 - step:.{digits}%}"
    return f"< {step:.{digits}%}" if 0 < share < step / 2 else f"{share:.{digits}%}"


def short(value: float) -> str:
    """Two digits, or three before the point: 0.012, 1.2, 12, 123."""
    digits = 3 if abs(value) >= 100 else 2
    return "0" if value == 0 else f"{value:.{digits}g}".replace("-", "−")


def signed(value: float, digits: int = 1) -> str:
    """+1.2, −0.3: a difference."""
    return f"{value:+.{digits}f}".replace("-", "−")


def written(value: float | str, digits: int = 2) -> str:
    """A number as cells and sentences have it: 3, −1, 0.25, −0.13, 0.00; a text as it is.

    Args:
        digits: behind the point, at most. What they round to 0 has all of them: 0 is only 0.
    """
    if isinstance(value, str):
        return value
    number = float(value)
    if number == round(number):
        return f"{number:.0f}".replace("-", "−") if number else "0"
    if abs(number) < 0.5 * 10**-digits:
        return f"{number:.{digits}f}".replace("-", "−")
    return f"{number:.{digits}f}".rstrip("0").rstrip(".").replace("-", "−")


def as_term(value: float, digits: int = 2) -> str:
    """A number behind a sign: 3, (−1)."""
    text = written(value, digits)
    return f"({text})" if text.startswith("−") else text
