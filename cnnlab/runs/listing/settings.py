"""A run's config → flat keys as --set takes them: {"training.optimizer.learning_rate": 0.001, …}."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from cnnlab.errors import UserError, closest
from cnnlab.layers.notation import written, written_names
from cnnlab.runs.listing.scanning import Row
from cnnlab.runs.records import read_facts

_SHARED = ("dataset.", "model.", "training.", "runtime.backend", "runtime.precision")
"""What the digest in a folder's name covers: it is the same for all seeds."""


def is_setting(key: str) -> bool:
    """Whether a key is one of a config, not of a row: training.epochs, not epochs."""
    return "." in key


def with_settings(rows: Sequence[Row], keys: Collection[str]) -> list[Row]:
    """The rows, and in each the settings of these keys; None where a run has no such setting, lists as text.

    Raises:
        UserError: no run has such a setting.
    """
    if not keys:
        return list(rows)
    configs: dict[Path, Mapping[str, Any]] = {}
    for row in rows:
        run = Path(row["path"])
        if not configs.get(run.parent):  # the next seed's where this one's is broken
            configs[run.parent] = _settings(run)
    known = dict.fromkeys(key for config in configs.values() for key in config)
    for key in keys:
        if rows and key not in known:
            match = closest(key, known)
            hint = f"did you mean {match}?" if match else "cnnlab runs show prints a run's settings"
            raise UserError(f"unknown key {key!r}: no run has this setting; {hint}")
    return [{**row, **{key: configs[Path(row["path"]).parent].get(key) for key in keys}} for row in rows]


def _settings(run: Path) -> dict[str, Any]:
    try:
        config = flat(read_facts(run / "config.yaml"))
    except UserError:
        return {}
    return {
        key: json.dumps(value) if isinstance(value, list) else value
        for key, value in config.items()
        if key.startswith(_SHARED)
    }


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
