"""What differs between two configs, setting by setting, as `--set` would name it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.layers.serialization import read_layer

_INDECISIVE = ("name", "description", "seed")


class Change(NamedTuple):
    """A setting before and after; None where there was none, or is none any more.

    `key` is what --set would call it in the config that has it: in the later one, of what is gone in the
    earlier one.
    """

    key: str
    before: Any
    after: Any


def changes_between(before: ExperimentConfig, after: ExperimentConfig) -> tuple[Change, ...]:
    """All settings that differ, names and seeds aside. A layer that came or went is one change."""
    one, other = (
        {key: value for key, value in config.plain().items() if key not in _INDECISIVE}
        for config in (before, after)
    )
    return tuple(_between("", one, other))


def _between(key: str, before: Any, after: Any) -> Iterator[Change]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping) and _alike(before, after):
        for each in dict.fromkeys([*before, *after]):
            yield from _between(f"{key}.{each}" if key else each, before.get(each), after.get(each))
    elif _are_layers(before) and _are_layers(after):
        yield from _between_layers(key, before, after)
    else:
        yield Change(key, before, after)


def _alike(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether two mappings are the same thing with other settings: a layer of another type is not."""
    return before.get("name") == after.get("name") if "name" in before or "name" in after else True


def _are_layers(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(each, Mapping) for each in value)


def _between_layers(key: str, before: Sequence[Any], after: Sequence[Any]) -> Iterator[Change]:
    """Layers are told apart by their type: what has one in common is aligned, and compared field by field."""
    kinds = [[next(iter(layer)) for layer in layers] for layers in (before, after)]
    matcher = SequenceMatcher(None, kinds[0], kinds[1], autojunk=False)
    for tag, i, i_end, j, j_end in matcher.get_opcodes():
        if tag == "equal":
            for old, new, place in zip(before[i:i_end], after[j:j_end], range(j, j_end), strict=True):
                (kind,) = new
                yield from _between(f"{key}[{place}]", old[kind], new[kind])
            continue
        removed, added = list(before[i:i_end]), list(after[j:j_end])
        for place in range(max(len(removed), len(added))):
            old = _plain_layer(removed[place]) if place < len(removed) else None
            new = _plain_layer(added[place]) if place < len(added) else None
            yield Change(f"{key}[{(j if new is not None else i) + place}]", old, new)


def _plain_layer(layer: Mapping[str, Any]) -> dict[str, Any]:
    """A layer with only what was set, as one writes it."""
    ((kind, _),) = layer.items()
    return {kind: read_layer(dict(layer)).model_dump(mode="json", exclude_defaults=True)}
