"""Experiments and settings given as Python's own values, checked by the same code as a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cnnlab.config.experiment import ExperimentConfig, find_config, parse_config, read_config
from cnnlab.config.given import given_by, plain_value
from cnnlab.config.overrides import KEY, with_setting
from cnnlab.errors import UserError
from cnnlab.language.source import YamlNode, from_plain


def read_experiment(
    source: str | Path | Mapping[str, Any], settings: Mapping[str, Any], *, trained: bool = False
) -> ExperimentConfig:
    """An experiment by name, by its file, or as a mapping, with settings changed.

    Args:
        settings: by the keys that --set takes, such as {"training.epochs": 3}. Layers may be objects, and
            values may be what `given_by` makes of them.
        trained: see `parse_config`.

    Raises:
        UserError: the file cannot be read, or anything is wrong; all mistakes are in the message.
    """
    if isinstance(source, Mapping):
        name = source.get("name", "experiment")
        root, default_name = from_plain(plain_value(source), f"{name}"), "experiment"
    else:
        path = find_config(str(source))
        root, default_name = read_config(path), path.stem
    return parse_config(with_settings(root, settings), default_name=default_name, trained=trained)


def with_settings(root: YamlNode, settings: Mapping[str, Any]) -> YamlNode:
    """A config with settings changed, given by the keys that --set takes.

    Raises:
        UserError: a key is none, or the config has no such layer or item.
    """
    for key, value in settings.items():
        if not isinstance(key, str) or not KEY.fullmatch(key):  # type: ignore[redundant-expr]
            raise UserError(f"--set {key}: expected a key such as training.epochs or model.layers[0].filters")
        node = value if isinstance(value, YamlNode) else given_by("--set", key, value)
        root = with_setting(root, key, node)
    return root
