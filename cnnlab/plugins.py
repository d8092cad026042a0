"""Plug-ins: classes that installed distributions offer for cnnlab's tables, found by their entry points.

Looking through all installed distributions takes milliseconds, so it is done once for each table, and only
when it is asked for a name that it does not have, or for all of its names.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnlab.errors import CnnlabError, CnnlabWarning, UserError
from cnnlab.foreign_text import one_line

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


class Distribution(NamedTuple):
    """What pip has installed."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def is_installed(self) -> bool:
        """Whether it is installed here, in whatever version."""
        from importlib import metadata

        try:
            metadata.distribution(self.name)
        except metadata.PackageNotFoundError:
            return False
        return True


@dataclass(frozen=True)
class Plugin:
    """An entry point of another distribution."""

    distribution: Distribution
    entry_point: EntryPoint

    def load(
        self, base: str, name_of: Callable[[Any], str] | None, required: Sequence[str]
    ) -> type[Any] | None:
        """The class that is offered. One that cannot be used is a warning, and None.

        Args:
            base: what it must be a subclass of, as "module:Class".
            name_of: what the class calls itself, where that must be the entry point's name.
            required: the attributes, methods and fields that the class must add to those of the base.

        Warns:
            CnnlabWarning: names the distribution, the entry point and what is wrong.
        """
        try:
            found: Any = self.entry_point.load()
        except Exception as error:  # noqa: BLE001  # somebody else's code, which may fail in any way
            from cnnlab.framework_errors import described

            self._warn(described(error))
            return None
        module, class_name = base.split(":")
        expected = getattr(importlib.import_module(module), class_name)
        if not isinstance(found, type) or not issubclass(found, expected):
            self._warn(f"expected a subclass of {module}.{class_name}, found {found!r}")
            return None
        if missing := [each for each in required if not _adds(found, expected, each)]:
            self._warn(f"{found.__name__} lacks {', '.join(missing)}")
            return None
        if name_of is not None and name_of(found) != self.entry_point.name:
            self._warn(f"expected the name {self.entry_point.name}, found {name_of(found)}")
            return None
        return found

    def _warn(self, problem: str) -> None:
        entry = f"{self.entry_point.group}: {self.entry_point.name} = {self.entry_point.value}"
        message = f"plug-in {self.distribution} is ignored: {entry}: {problem}"
        warnings.warn(one_line(message), CnnlabWarning, stacklevel=2)


def _adds(found: type[Any], base: type[Any], name: str) -> bool:
    """Whether a class has a field with a default, or an attribute that is not its base's."""
    fields = getattr(found, "model_fields", {})
    if name in fields:
        return not fields[name].is_required()
    return hasattr(found, name) and getattr(found, name) is not getattr(base, name, None)


class PluginError(CnnlabError):
    """The code of a plug-in failed."""


@contextmanager
def failures_of(distribution: Distribution | None) -> Iterator[None]:
    """Where the code in this block is a plug-in's, whatever it raises is reported as the plug-in's failure.

    Args:
        distribution: that the code is from; None: cnnlab's own, whose exceptions pass.

    Raises:
        PluginError: names the distribution and the exception.
    """
    try:
        yield
    except CnnlabError:
        raise
    except Exception as error:
        if distribution is None:
            raise
        from cnnlab.framework_errors import described

        raise PluginError(f"plug-in {distribution}: {described(error)}") from error


@cache
def installed_plugins(group: str) -> Sequence[Plugin]:
    """The entry points of all installed distributions in a group."""
    from importlib.metadata import entry_points  # takes a tenth of a second, and is seldom needed

    return [
        Plugin(Distribution(each.dist.name, each.dist.version), each)
        for each in entry_points(group=group)
        if each.dist is not None
    ]


def plugins_of(group: str, taken: Container[str]) -> dict[str, Plugin]:
    """What is offered for a table, by name.

    Args:
        taken: the names that cnnlab itself has.

    Raises:
        UserError: a name is taken already, by cnnlab or by another distribution.
    """
    found: dict[str, Plugin] = {}
    for plugin in installed_plugins(group):
        name = plugin.entry_point.name
        if name in taken or name in found:
            other = found[name].distribution if name in found else "cnnlab itself"
            raise UserError(
                f"{group}: the name {name!r} is taken by {other} and by {plugin.distribution}\n"
                f"   uninstall one of them, such as with pip uninstall {plugin.distribution.name}"
            )
        found[name] = plugin
    return dict(sorted(found.items()))
