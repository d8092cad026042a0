"""The config language as a JSON Schema (draft 2020-12), for editors: made from the settings classes.

It accepts everything that the reader accepts. The reader refuses more: shapes that do not fit, settings that
exclude each other, and YAML's own traps are beyond a schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, get_args

from pydantic import BeforeValidator
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.optimizers import DEFAULT_OPTIMIZER, OPTIMIZERS
from cnnlab.config.schedules import SCHEDULES
from cnnlab.config.vocabulary import MEANINGS
from cnnlab.datasets import DATASETS, OWN_DATA
from cnnlab.datasets.label_noise import LabelNoiseField
from cnnlab.datasets.permutation import PermutationField
from cnnlab.errors import UserError
from cnnlab.language.fields import Pair, Settings
from cnnlab.layers import LAYERS
from cnnlab.layers.blocks import SHORTCUTS
from cnnlab.layers.from_keras.classes import MODELS
from cnnlab.layers.penalties import ConstraintField, RegularizerField
from cnnlab.layers.resizing import Borders
from cnnlab.layers.serialization import read_layer

LAYER = {"$ref": "#/$defs/Layer"}


def config_schema() -> dict[str, Any]:
    """The schema of an experiment's YAML file, as JSON can hold it."""
    tables = (LAYERS, DATASETS, OWN_DATA, OPTIMIZERS, SCHEDULES)
    classes: list[type[Settings]] = [ExperimentConfig, *(each for table in tables for each in table.values())]
    described = _by_class_name(classes)
    _, document = models_json_schema(
        [(each, "validation") for each in classes],
        schema_generator=_Generator,
        ref_template="#/$defs/{model}",
    )
    definitions = document["$defs"]
    for name, definition in definitions.items():
        _describe(definition, described[name])
    definitions["Layer"] = _layer()
    for (owner, field), shape in _shorthands().items():
        definitions[owner]["properties"][field] = _merged(definitions[owner]["properties"][field], shape)
    for name in {*OPTIMIZERS, *SCHEDULES, *DATASETS} - {DEFAULT_OPTIMIZER}:
        # Which of them it is, is told by the name: it has a default in the class only.
        table = next(each for each in (OPTIMIZERS, SCHEDULES, DATASETS) if name in each)
        definition = definitions[table[name].__name__]
        definition["required"] = ["name", *definition.get("required", [])]
    model = definitions["ModelConfig"]
    del model["properties"]["layers"]["default"]  # it stands for a model that has none
    model["oneOf"] = [{"required": [key]} for key in ("layers", "keras")]
    for optimizer in OPTIMIZERS.values():
        rate = definitions[optimizer.__name__]["properties"]["learning_rate"]
        definitions[optimizer.__name__]["properties"]["learning_rate"] = _merged(rate, _learning_rate())
    root = definitions.pop("ExperimentConfig")
    root["required"].remove("name")  # a file without one is called after the file
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "cnnlab experiment",
        **_tidy(root),
        "$defs": {name: _tidy(definitions[name]) for name in sorted(definitions)},
    }


class _Generator(GenerateJsonSchema):
    """Pydantic's, which takes what a validator changes beforehand for what a config may say."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        inner = super().function_before_schema(schema)
        short = _short_forms().get(schema["function"]["function"])
        return inner if short is None else {"anyOf": [*short, inner]}

    def function_plain_schema(self, schema: core_schema.PlainValidatorFunctionSchema) -> JsonSchemaValue:
        if schema["function"]["function"] is read_layer:
            return {"x-layer": True}  # replaced in _tidy: a reference that Pydantic does not know
        return super().function_plain_schema(schema)


@cache
def _short_forms() -> dict[Any, list[JsonSchemaValue]]:
    """For each validator that writes a short form out in full: the short forms."""
    size = {"type": "integer", "minimum": 1}
    border = {"type": "integer", "minimum": 0}
    borders = {
        "type": "array",
        "items": {"anyOf": [border, _list_of(border, 2)]},
        "minItems": 2,
        "maxItems": 2,
    }
    return {
        _first_validator(Pair): [size],
        _first_validator(Borders): [border, borders],
        _first_validator(RegularizerField): [{"enum": ["l1", "l2", "l1_l2"]}],
        _first_validator(PermutationField): [{"type": "integer", "minimum": 0}],
        _first_validator(LabelNoiseField): [{"type": "number", "minimum": 0, "maximum": 1}],
        _first_validator(ConstraintField): [{"enum": ["max_norm", "non_neg", "unit_norm"]}],
    }


def _first_validator(annotation: Any) -> Any:
    """The function that an annotated type's BeforeValidator calls."""
    for metadata in get_args(annotation):
        if isinstance(metadata, BeforeValidator):
            return metadata.func
        if get_args(metadata):
            found = _first_validator(metadata)
            if found:
                return found
    return None


def _list_of(item: JsonSchemaValue, count: int) -> JsonSchemaValue:
    return {"type": "array", "items": item, "minItems": count, "maxItems": count}


def _layer() -> JsonSchemaValue:
    """`Flatten` alone where nothing must be given, else `Conv2D: {…}`: one key, the class."""
    alone = [name for name, layer in LAYERS.items() if not _needs(layer)]
    written: JsonSchemaValue = {}
    for name, layer in LAYERS.items():
        reference = {"$ref": f"#/$defs/{layer.__name__}"}
        written[name] = {"anyOf": [reference, {"type": "null"}]} if name in alone else reference
    return {
        "description": "One layer or block, by its class name.",
        "anyOf": [
            {"enum": alone},
            {
                "type": "object",
                "properties": written,
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1,
            },
        ],
    }


def _needs(settings: type[Settings]) -> list[str]:
    return [name for name, field in settings.model_fields.items() if field.is_required()]


def _shorthands() -> dict[tuple[str, str], JsonSchemaValue]:
    """Fields that a function of their own reads."""
    weight = {"type": "number", "minimum": 0}
    return {
        ("ExperimentConfig", "dataset"): _by_name(DATASETS, OWN_DATA.values()),
        ("ModelConfig", "keras"): {
            "type": "object",
            "properties": {"class_name": {"enum": list(MODELS)}, "config": {"type": "object"}},
            "required": ["class_name", "config"],
            "description": "A Keras model as `model.to_json()` writes it, instead of `layers`.",
        },
        ("TrainingConfig", "optimizer"): _by_name(OPTIMIZERS),
        ("TrainingConfig", "class_weights"): {
            "anyOf": [
                {"const": "balanced"},
                {"type": "object", "additionalProperties": weight, "minProperties": 1},
                {"type": "null"},
            ]
        },
        ("Residual", "shortcut"): {
            "anyOf": [{"enum": list(SHORTCUTS)}, {"type": "array", "items": {"x-layer": True}}]
        },
        ("PReLU", "shared_axes"): {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "array", "items": {"type": "integer", "minimum": 1}},
                {"type": "null"},
            ]
        },
    }


def _by_name(table: Mapping[str, type[Settings]], others: Iterable[type[Settings]] = ()) -> JsonSchemaValue:
    """`adam` alone, or {name: adam, …}; others are known by a key of their own."""
    classes = [*table.values(), *others]
    return {"anyOf": [{"enum": list(table)}, *({"$ref": f"#/$defs/{each.__name__}"} for each in classes)]}


def _learning_rate() -> JsonSchemaValue:
    return {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, *_by_name(SCHEDULES)["anyOf"][1:]]}


def _merged(old: JsonSchemaValue, shape: JsonSchemaValue) -> JsonSchemaValue:
    """The new shape with the description that stood there."""
    return {key: old[key] for key in ("description",) if key in old} | shape


def _describe(definition: JsonSchemaValue, settings: type[Settings]) -> None:
    """What class and fields say about themselves, or else the vocabulary about them."""
    definition.pop("description", None)  # Pydantic's, from the docstring
    definition["description"] = settings.about or MEANINGS.get(settings.__name__, settings.__name__)
    for name, field in definition.get("properties", {}).items():
        meaning = _meaning(settings, name)
        if meaning:
            field["description"] = meaning


def _meaning(settings: type[Settings], name: str) -> str | None:
    """A field's own description, in its class or in one that it is derived from; else the vocabulary's."""
    owners = [owner for owner in settings.__mro__ if issubclass(owner, Settings)]
    own = (owner.model_fields[name].description for owner in owners if name in owner.model_fields)
    keys = [f"{owner.__name__}.{name}" for owner in owners] + [name]
    return next(filter(None, own), None) or next((MEANINGS[key] for key in keys if key in MEANINGS), None)


def _by_class_name(classes: Iterable[type[Settings]]) -> dict[str, type[Settings]]:
    """The classes and those that their fields hold, by the names that the schema has for them.

    Raises:
        UserError: two have one name, of which one comes from a plug-in.
    """
    named: dict[str, type[Settings]] = {}
    for each in sorted(_with_inner(classes), key=lambda each: each.__module__):
        other = named.setdefault(each.__name__, each)
        if other is not each:
            raise UserError(
                f"the schema needs one name for each class, found {each.__name__} in {other.__module__} and "
                f"in {each.__module__}\n   rename the class of the plug-in, or uninstall it"
            )
    return named


def _with_inner(classes: Iterable[type[Settings]]) -> set[type[Settings]]:
    """The classes and those that their fields hold."""
    found: set[type[Settings]] = set()
    waiting = list(classes)
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            for field in each.model_fields.values():
                waiting += _settings_in(field.annotation)
    return found


def _settings_in(annotation: Any) -> list[type[Settings]]:
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return [annotation]
    return [each for inner in get_args(annotation) for each in _settings_in(inner)]


def _tidy(schema: Any) -> Any:
    """Without the titles that Pydantic makes of names, with references to the layers put in."""
    if isinstance(schema, list):
        return [_tidy(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "x-layer" in schema:
        return LAYER
    return {
        key: {name: _tidy(each) for name, each in value.items()} if key == "properties" else _tidy(value)
        for key, value in schema.items()
        if key != "title" or not isinstance(value, str)
    }
