"""Mappings whose values are made when they are first looked up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

T = TypeVar("T")


class LazyMapping(Mapping[str, T]):
    """Name → value, such as a picture that is drawn only if someone looks at it.

    >>> squares = LazyMapping({"three": lambda: 3**2})
    >>> list(squares), squares["three"]
    (['three'], 9)
    """

    def __init__(self, makers: Mapping[str, Callable[[], T]]) -> None:
        """`makers`: name → the function that makes the value; it is called once at most."""
        self._makers = makers
        self._made: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)
