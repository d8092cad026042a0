"""Two runs → what differs between them, key by key: config, result, environment."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal, NamedTuple

from cnnlab.run_folders.listing.settings import flat
from cnnlab.run_folders.records import read_facts

Section = Literal["config", "result", "environment"]

_FILES: dict[Section, str] = {
    "config": "config.yaml",
    "result": "result.json",
    "environment": "environment.json",
}
_LAYER = re.compile(r"model\.layers\.[^.]+")
_SAME_IN_EFFECT = {"name", "digest", "seed"}  # of result.json: the config says so already


class Difference(NamedTuple):
    """A key and its two values; None where one of the runs has no such key."""

    section: Section
    key: str
    a: Any
    b: Any


def differences(a: Path, b: Path) -> list[Difference]:
    """What differs between two runs, in the order of their files.

    Layers go by the names that the summary and --set give them (model.layers.conv2d_1.filters), so that a
    layer more in one of the runs does not shift all that follow.

    Raises:
        UserError: a file of one of the runs is broken.
    """
    found = []
    for section, file in _FILES.items():
        of_a, of_b = (flat(read_facts(run / file)) for run in (a, b))
        if section == "config":
            of_a, of_b = _lone_layers_whole(of_a, of_b), _lone_layers_whole(of_b, of_a)
        for key in dict.fromkeys([*of_a, *of_b]):
            if section == "result" and key in _SAME_IN_EFFECT:
                continue
            if of_a.get(key) != of_b.get(key):
                found.append(Difference(section, key, of_a.get(key), of_b.get(key)))
    return found


def _lone_layers_whole(flat: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """The same with one entry, {"Dense": {"units": 10, …}}, for a layer that the other does not have."""
    lone = [key for key in flat if _LAYER.fullmatch(key) and key not in other]
    whole = dict(flat)
    for layer in lone:
        fields = {key: whole.pop(key) for key in flat if key.startswith(f"{layer}.")}
        whole[layer] = {flat[layer]: {key.removeprefix(f"{layer}."): value for key, value in fields.items()}}
    return whole


def format_value(value: Any) -> str:
    """A value in a table: – where there is none, lists in brackets."""
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
