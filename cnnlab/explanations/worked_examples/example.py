"""What a worked example consists of."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnnlab.wording import TEXT_COLUMNS

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

TOGETHER = "\u00a0"
"""A space at which no line ends."""

_MOST_IN_JSON = 300


@dataclass(frozen=True, eq=False)
class WorkedExample:
    """One example, worked out.

    Args:
        name: part of file names: numbered-pixels.
        text: what it shows, in a few sentences; of several paragraphs each is a line.
        numbers: its facts by name, arrays among them.
        draw: the figure.
    """

    name: str
    title: str
    text: str
    numbers: Mapping[str, Any]
    draw: Callable[[], Figure]

    @property
    def facts(self) -> dict[str, Any]:
        """As the JSON document has it: arrays as lists, unless there are too many numbers to read."""
        text = self.text.replace(TOGETHER, " ")
        return {"title": self.title, "text": text, **_plain(self.numbers)}

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """Its arrays, by names that no other example has."""
        stem = self.name.replace("-", "_")
        return {f"{stem}_{key}": value for key, value in self.numbers.items() if hasattr(value, "dtype")}

    def set_in_lines(self, number: int) -> str:
        """As a terminal shows it: numbered, its title, and its paragraphs, indented."""
        indent = "   "
        paragraphs = [
            textwrap.fill(line, TEXT_COLUMNS, initial_indent=indent, subsequent_indent=indent)
            for line in self.text.split("\n")
        ]
        return "\n".join([f"{number}. {self.title}", *paragraphs]).replace(TOGETHER, " ")


def _plain(numbers: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in numbers.items():
        if not hasattr(value, "dtype"):
            found[key] = value
        elif value.size <= _MOST_IN_JSON and value.dtype.kind != "c":
            found[key] = value.tolist()
    return found
