"""How a layer is written in a config: `Conv2D: {filters: 8, kernel_size: 3}`, or `Flatten` alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import Field, PlainSerializer, PlainValidator, ValidationError

from cnnlab.errors import suggestion
from cnnlab.foreign_text import one_line
from cnnlab.language.fields import AsTuple, as_written, problem, problems
from cnnlab.language.source import write_in_line
from cnnlab.layers.base import Layer
from cnnlab.layers.graph import names_of
from cnnlab.layers.table import LAYERS


def read_layer(value: Any) -> Layer:
    """One item of `layers:` → the layer it names."""
    if isinstance(value, Layer):
        return value
    if isinstance(value, str):
        value = {value: {}}
    if not isinstance(value, dict) or len(value) != 1:
        raise problems(problem(_not_one_layer(value, LAYERS)))
    ((kind, fields),) = value.items()
    if kind not in LAYERS:
        raise problems(problem(f"unknown layer {kind!r}; {suggestion(kind, LAYERS)}"))
    if fields is not None and not isinstance(fields, dict):
        raise problems(problem(_no_mapping(LAYERS[kind], fields)))
    return LAYERS[kind].model_validate({} if fields is None else fields)


def _not_one_layer(value: Any, layers: Mapping[str, type[Layer]]) -> str:
    """What is wrong with an item that is no word and no mapping of one key."""
    if not isinstance(value, dict) or not value:
        return f"expected one layer, such as Dense: {{units: 10}}, found {as_written(value)}"
    kinds = [key for key in value if key in layers]
    if len(kinds) == 1 and isinstance(value[kinds[0]], dict | None):
        (kind,) = kinds
        fields = (value[kind] or {}) | {key: each for key, each in value.items() if key != kind}
        indented = "".join(f"\n       {line}" for line in _few_lines(fields))
        return f"indent the fields of {kind} further than its name\n   - {kind}:{indented}"
    keys = ", ".join(one_line(key) for key in value)
    return f"expected one layer, such as Dense: {{units: 10}}, found the keys {keys}"


def _few_lines(fields: dict[str, Any]) -> list[str]:
    """The first fields, a line each, as they should have been written."""
    lines = [_field(name, value) for name, value in list(fields.items())[:3]]
    return [*lines, "…"] if len(fields) > 3 else lines


def _no_mapping(layer: type[Layer], value: Any) -> str:
    """A layer that was given something else than its fields, and how those are written."""
    expected = f"expected a mapping of keys to values, found {as_written(value)}"
    required = [name for name, field in layer.model_fields.items() if field.is_required()]
    if not required:
        return f"{expected}; known: {', '.join(layer.model_fields)}"
    if len(required) == 1 and _accepts(layer, {required[0]: value}):
        example = _field(required[0], value)
    else:
        example = ", ".join(f"{name}: …" for name in required)
    return f"{expected}; write {layer.type()}: {{{example}}}"


def _accepts(layer: type[Layer], fields: dict[str, Any]) -> bool:
    try:
        layer.model_validate(fields)
    except ValidationError:
        return False
    return True


def _field(name: str, value: Any) -> str:
    """`units: 10`, without a value that would not fit into a line."""
    text = write_in_line({name: value})[1:-1]
    return text if len(text) <= 60 and "\n" not in text else f"{one_line(name)}: …"


def written_names(items: Iterable[Any]) -> list[str]:
    """What the summary calls the items of a list of layers, as they stand in a config, mistakes and all."""
    layers = [written(item) for item in items]
    given = [(kind, str(fields["name"]) if fields.get("name") else None) for kind, fields in layers]
    return list(names_of(given))


def written(item: Any) -> tuple[str, dict[str, Any]]:
    """The type and the fields of an item of a list of layers, as it stands in a config, mistakes and all."""
    if not isinstance(item, dict) or not item:
        return str(item), {}
    if "class_name" in item:  # as Keras writes it
        kind, fields = item["class_name"], item.get("config")
    else:
        kind, fields = next(iter(item.items()))
    return str(kind), fields if isinstance(fields, dict) else {}


def write_layer(layer: Layer) -> dict[str, Any]:
    """A layer → the mapping that reads as it, all defaults written out."""
    fields = layer.model_dump(mode="json")
    if layer.name is None:
        del fields["name"]
    return {layer.type(): fields}


AnyLayer = Annotated[Layer, PlainValidator(read_layer), PlainSerializer(write_layer)]
Layers = Annotated[tuple[AnyLayer, ...], Field(min_length=1), AsTuple]
