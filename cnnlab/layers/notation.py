"""How a layer is written in a config: `Conv2D: {filters: 8, kernel_size: 3}`, or `Flatten` alone."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, PlainSerializer, PlainValidator

from cnnlab.errors import way_out
from cnnlab.language.fields import AsTuple, problem, problems, shown
from cnnlab.layers.base import Layer


def read_layer(value: Any) -> Layer:
    """One item of `layers:` → the layer it names."""
    from cnnlab.layers import LAYERS  # blocks are among them, and hold layers themselves

    if isinstance(value, Layer):
        return value
    if isinstance(value, str):
        value = {value: {}}
    if not isinstance(value, dict) or len(value) != 1:
        found = f"the keys {', '.join(value)}" if isinstance(value, dict) and value else shown(value)
        raise problems(problem(f"expected one layer, such as Dense: {{units: 10}}, found {found}"))
    ((kind, fields),) = value.items()
    if kind not in LAYERS:
        raise problems(problem(f"unknown layer {kind!r}; {way_out(kind, LAYERS)}"))
    return LAYERS[kind].model_validate({} if fields is None else fields)


def write_layer(layer: Layer) -> dict[str, Any]:
    """A layer → the mapping that reads as it, all defaults written out."""
    fields = layer.model_dump(mode="json")
    if layer.name is None:
        del fields["name"]
    return {layer.type(): fields}


AnyLayer = Annotated[Layer, PlainValidator(read_layer), PlainSerializer(write_layer)]
Layers = Annotated[tuple[AnyLayer, ...], Field(min_length=1), AsTuple]
