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


def written(value: float | str) -> str:
    """A number as it stands in a cell: 3, −1, 0.25, −0.13, 0.0012; a text as it is."""
    if isinstance(value, str):
        return value
    number = float(value)
    if number == round(number):
        return f"{number:.0f}".replace("-", "−") if number else "0"
    if abs(number) < 0.005:
        return short(number)
    return f"{number:.2f}".rstrip("0").rstrip(".").replace("-", "−")
