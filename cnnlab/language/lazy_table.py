"""Tables of classes by name that import a class only when it is looked up."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import TypeVar

T = TypeVar("T")


class LazyTable(Mapping[str, type[T]]):
    """Name → class. A config names a few of dozens of classes; building the others would cost its reader.

    >>> table = LazyTable({"Fraction": "fractions:Fraction", "Decimal": "decimal:Decimal"})
    >>> "Fraction" in table, list(table)
    (True, ['Fraction', 'Decimal'])
    >>> table["Fraction"](1, 2)
    Fraction(1, 2)
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        """`places`: name → "module:Class"."""
        self._places = places

    def __getitem__(self, name: str) -> type[T]:
        module, class_name = self._places[name].split(":")
        found: type[T] = getattr(importlib.import_module(module), class_name)
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
