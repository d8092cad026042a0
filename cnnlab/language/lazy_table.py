"""Tables of classes by name that import a class only when it is looked up."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeVar

from cnnlab.plugins import Distribution, Plugin, plugins_of

T = TypeVar("T")


class LazyTable(Mapping[str, type[T]]):
    """Name → class. A config names a few of dozens of classes; building the others would cost its reader.

    >>> table = LazyTable({"Fraction": "fractions:Fraction", "Decimal": "decimal:Decimal"})
    >>> "Fraction" in table, list(table)
    (True, ['Fraction', 'Decimal'])
    >>> table["Fraction"](1, 2)
    Fraction(1, 2)
    """

    def __init__(
        self,
        places: Mapping[str, str],
        *,
        group: str | None = None,
        base: str = "builtins:object",
        name_of: Callable[[type[T]], str] | None = None,
        required: Sequence[str] = (),
    ) -> None:
        """A table of classes of cnnlab's own, and of plug-ins.

        Args:
            places: name → "module:Class".
            group: the entry points by which installed distributions add classes; None: they cannot.
            base: "module:Class" that the class of a plug-in must be a subclass of.
            name_of: the name that such a class has for itself, where it must be its name in the table.
            required: what such a class must add to its base: attributes, methods, and fields with defaults.
        """
        self._places = places
        self._group = group
        self._base = base
        self._name_of = name_of
        self._required = required
        self._loaded: dict[str, type[T] | None] = {}

    def __getitem__(self, name: str) -> type[T]:
        if name not in self._places:
            plugin = self._from_plugin(name)
            if plugin is None:
                raise KeyError(name)
            return plugin
        module, class_name = self._places[name].split(":")
        found: type[T] = getattr(importlib.import_module(module), class_name)
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._places or self._from_plugin(name) is not None

    def __iter__(self) -> Iterator[str]:
        yield from self._places
        yield from (name for name in self._plugins if self._from_plugin(name) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def distribution(self, name: str) -> Distribution | None:
        """The distribution that a class comes from; None where it is no plug-in's."""
        if name in self._places or name not in self._plugins:
            return None
        return self._plugins[name].distribution

    @cached_property
    def _plugins(self) -> Mapping[str, Plugin]:
        return {} if self._group is None else plugins_of(self._group, self._places)

    def _from_plugin(self, name: object) -> type[T] | None:
        """The class of a plug-in; None where there is none of this name, or it cannot be used."""
        if not isinstance(name, str) or name not in self._plugins:
            return None
        if name not in self._loaded:
            self._loaded[name] = self._plugins[name].load(self._base, self._name_of, self._required)
        return self._loaded[name]
