"""Which settings decide the result, and so count in the digest of an experiment.

The one rule that keeps digests as they are while the language grows: a field that a class has got since
digests began counts only where it is not at its default. Its default must therefore never change; where
another one is wanted, the field gets a new name.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from cnnlab.language.fields import Settings


def decides(settings: Settings, field: str) -> bool:
    """Whether a field of these settings counts in the digest."""
    if field in settings.indecisive:
        return False
    return field in _original(type(settings)) or getattr(settings, field) != _default(type(settings), field)


def _default(kind: type[Settings], field: str) -> object:
    return kind.model_fields[field].get_default(call_default_factory=True)


@cache
def _original(kind: type[Settings]) -> frozenset[str]:
    """The fields that count at their defaults, too: those that a class had when digests began.

    Of a plug-in's class it is also all that it declares itself: nobody keeps these defaults from changing.
    What it inherits from a class of cnnlab's counts as it does there.
    """
    known, found = _original_fields(), set[str]()
    for each in kind.__mro__:
        is_own = each.__module__.partition(".")[0] == "cnnlab"
        found.update(known.get(each.__name__, ()) if is_own else inspect.get_annotations(each))
    return frozenset(found & kind.model_fields.keys())


@cache
def _original_fields() -> Mapping[str, list[str]]:
    """By class; a class that came later has none. This file never changes."""
    found: dict[str, list[str]] = json.loads(
        Path(__file__).with_name("original_fields.json").read_text(encoding="utf-8")
    )
    return found
