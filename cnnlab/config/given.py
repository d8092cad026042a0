"""Values given in Python, as a config's text would have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnnlab.language.fields import Settings
from cnnlab.language.source import YamlNode, from_plain
from cnnlab.layers.base import Layer
from cnnlab.layers.serialization import write_layer


def given_by(option: str, key: str, value: Any) -> YamlNode:
    """A value of Python's own as if it had been written in YAML; mistakes in it are told of that option."""
    return from_plain(plain_value(value), f"{option} {key}")


def plain_value(value: Any) -> Any:
    """The same with layers and sections of a config as the mappings that read as them."""
    if isinstance(value, Layer):
        return write_layer(value)
    if isinstance(value, Settings):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {key: plain_value(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(each) for each in value]
    return value
