"""A Keras model that no config describes → what the summary would say of it."""

from __future__ import annotations

import json
from typing import Any

import keras

from cnnlab.accounting.architecture import Architecture, describe
from cnnlab.analyses.network import image_channel_axis
from cnnlab.errors import ShapeError, UserError
from cnnlab.language.fields import DataFormat
from cnnlab.layers.from_keras.network import KerasNetwork
from cnnlab.layers.from_keras.reading import keras_section, read_keras
from cnnlab.layers.graph import expand


def architecture_of(model: keras.Model) -> tuple[Architecture, dict[str, str]] | None:
    """The architecture of a flat model, and by the names of its layers in Keras those in the architecture.

    None where a layer is not one of Keras's own: of such a layer it is not known what its outputs see.
    """
    try:
        keras_section(model)
        numbered, names = _numbered(json.loads(model.to_json()))
        network = KerasNetwork(
            model=read_keras(numbered), input_shape=tuple(model.input.shape[1:]),
            backend=keras.backend.backend(), device="auto",
        )  # fmt: skip
        data_format: DataFormat = "channels_first" if image_channel_axis(model) == 1 else "channels_last"
        return describe(expand([network]), network.input_shape, data_format), names
    except (UserError, ShapeError):
        return None


def _numbered(written: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """A model's serialised config with names that cannot be taken for Keras's own, which are counted anew."""
    layers = written["config"]["layers"]
    names = {entry["config"]["name"]: f"step{index}" for index, entry in enumerate(layers)}

    def renamed(value: Any) -> Any:
        if isinstance(value, list):
            if len(value) == 3 and isinstance(value[0], str) and value[0] in names:  # a reference to a layer
                return [names[value[0]], *value[1:]]
            return [renamed(each) for each in value]
        if not isinstance(value, dict):
            return value
        return {key: renamed(each) for key, each in value.items()}

    config = renamed(written["config"])
    for entry, layer in zip(config["layers"], layers, strict=True):
        name = names[layer["config"]["name"]]
        entry["config"]["name"] = name
        if "name" in entry:
            entry["name"] = name
    return {**written, "config": config}, names
