"""Settings of runs, read from their configs by the keys that --set takes."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from cnnlab.config.overrides import KEY, path_of
from cnnlab.errors import UserError, closest
from cnnlab.language.source import YamlNode, read_yaml
from cnnlab.layers.serialization import written, written_names
from cnnlab.run_folders.listing.index import Index, key_of, many, stamp_of
from cnnlab.run_folders.listing.scanning import Row

_SHARED = ("dataset", "model", "training")
"""What the digest in a folder's name covers: it is the same for all seeds."""

A_SETTING = "or a setting such as training.epochs"
"""Ends a list of known keys."""

_SECTIONS = (*_SHARED, "runtime", "description")


def is_setting(key: str) -> bool:
    """Whether a key is one of a config, not of a row: training.epochs, not epochs."""
    return KEY.fullmatch(key) is not None and re.split(r"[.\[]", key)[0] in _SECTIONS


def with_settings(rows: Sequence[Row], keys: Collection[str], *, out: Path | None = None) -> list[Row]:
    """The rows, and in each the settings of these keys: None where a run has no such setting.

    A row whose config cannot be read stays as it is, without these keys.

    Args:
        out: the folder that all runs are in, whose index may know their configs; None: they are read.

    Raises:
        UserError: no run has such a setting.
    """
    if not keys:
        return list(rows)
    shared = all(key.startswith(_SHARED) for key in keys)
    index = Index(out, "config") if out is not None and many(rows) else None
    settings: dict[str, dict[str, Any] | None] = {}
    for row in rows:
        if settings.get(folder := _where(row, shared=shared)) is None:  # a seed's may be broken
            settings[folder] = _known_settings(row["path"], keys, index)
    if index is not None:
        index.save(forget=False)
    readable = [each for each in settings.values() if each is not None]
    for key in keys:
        if readable and not any(key in each for each in readable):
            one_each = {_where(row, shared=shared): Path(row["path"]) for row in rows}
            raise _unknown(key, [_read(run) for run in one_each.values()])
    nothing = dict.fromkeys(keys)
    found = (settings[_where(row, shared=shared)] for row in rows)
    return [
        row if each is None else {**row, **nothing, **each} for row, each in zip(rows, found, strict=True)
    ]


def _where(row: Row, *, shared: bool) -> str:
    """The folder of the experiment or of the run; as text, which takes a tenth of a Path's time."""
    path: str = row["path"]
    return path.rpartition(os.sep)[0] if shared else path


def _known_settings(run: str, keys: Collection[str], index: Index | None) -> dict[str, Any] | None:
    """The settings of these keys, from the index where it has them; None where the config cannot be read.

    Kept are those that were asked for: [value] by key, [] where the config has no such setting.
    """
    if index is None:
        return None if (config := _read(Path(run))) is None else _settings(config, keys)
    key, stamp = key_of(run), stamp_of(f"{run}/config.yaml")
    kept = (index.get(key, stamp) or {}) if stamp else {}
    if not kept.keys() >= set(keys):
        config = _read(Path(run))
        if config is None:
            return None
        found = _settings(config, keys)
        kept |= {each: [found[each]] if each in found else [] for each in keys}
        index.put(key, stamp, kept)
    return {each: kept[each][0] for each in keys if kept[each]}


def _read(run: Path) -> YamlNode | None:
    try:
        config = read_yaml(run / "config.yaml")
    except UserError:
        return None
    sections = (config.child(section) for section in ("dataset", "model", "training"))
    whole = all(section is not None and isinstance(section.value, dict) for section in sections)
    return config if whole else None


def _settings(config: YamlNode, keys: Collection[str]) -> dict[str, Any]:
    """Those that the config has, null among them; what is within null is null. Of a layer its type."""
    found = {}
    for key in keys:
        with contextlib.suppress(UserError):  # no such layer
            path = path_of(config, key, key)
            value = config.find(path).plain()  # or the nearest above
            if config.has(path) or value is None:
                is_layer = isinstance(path[-1], int) and path[-2] == "layers"
                found[key] = written(value)[0] if is_layer else value
    return found


def _unknown(key: str, configs: Collection[YamlNode | None]) -> UserError:
    known = dict.fromkeys(each for config in configs if config is not None for each in flat(config.plain()))
    match = closest(key, known)
    hint = f"did you mean {match}?" if match else "to see the settings of a run, use cnnlab runs show"
    return UserError(f"unknown key {key!r}: none of these runs has such a setting; {hint}")


def flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"training": {"epochs": 3}} → {"training.epochs": 3}

    Layers go by the names that the summary and --set give them: model.layers.conv2d_1.filters.
    """
    keys: dict[str, Any] = {}
    for key, value in data.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping):
            keys |= flat(value, f"{path}.")
        elif key == "layers" and isinstance(value, list):
            keys |= _flat_layers(value, f"{path}.")
        else:
            keys[path] = value
    return keys


def _flat_layers(layers: list[Any], prefix: str) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    for name, layer in zip(written_names(layers), layers, strict=True):
        kind, fields = written(layer)
        keys[f"{prefix}{name}"] = kind
        keys |= flat(fields, f"{prefix}{name}.")
    return keys
