"""A layer as Keras writes it → the layer of cnnlab's own language that says the same, where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, get_args

from pydantic import ValidationError

from cnnlab.layers import LAYERS
from cnnlab.layers.base import Layer
from cnnlab.layers.core import InitializerName
from cnnlab.layers.merging import Add, Average, Concatenate, Maximum

Data = dict[str, Any]

_MERGING: dict[str, type[Layer]] = {
    each.__name__: each for each in (Add, Average, Concatenate, Maximum)
}  # not in LAYERS: in cnnlab's language they end a block

_AS_USUAL: dict[str, Any] = {
    "beta_initializer": "zeros", "gamma_initializer": "ones", "moving_mean_initializer": "zeros",
    "moving_variance_initializer": "ones", "synchronized": False, "renorm": False, "renorm_momentum": 0.99,
    "rms_scaling": False,
}  # fmt: skip
"""Arguments that cnnlab's layers do not have, and what they always are."""


class Translation(NamedTuple):
    """A layer of cnnlab's, and whether it says everything: else its initial weights or penalties differ."""

    layer: Layer
    is_whole: bool


def translated(class_name: str, config: Mapping[str, Any]) -> Translation | None:
    """The layer of cnnlab's language with the same shapes, weights and function; None where there is none.

    Args:
        config: as `read_keras` leaves it.
    """
    kind = _MERGING.get(class_name) or LAYERS.get(class_name)
    if kind is None:
        return None
    fields: Data = {}
    whole = True
    for key, value in config.items():
        if key == "name" or _AS_USUAL.get(key, _MISSING) == value:
            continue
        arithmetic = not key.endswith(("_initializer", "_regularizer", "_constraint"))
        if key not in kind.model_fields:
            if arithmetic:
                return None
            whole = False
            continue
        written = value if arithmetic else _written(kind, key, value)
        if written is _MISSING:
            whole = False
        else:
            fields[key] = written
    try:
        layer = kind.model_validate(fields)
    except ValidationError:
        return None
    return Translation(layer, whole)


_MISSING = object()


def _written(kind: type[Layer], key: str, value: Any) -> Any:
    """An initializer, regularizer or constraint in cnnlab's words; `_MISSING` where it has none for it."""
    if key.endswith("_initializer"):
        return value if value in get_args(InitializerName) else _MISSING
    if not isinstance(value, dict):  # a name alone: what Keras takes for its settings is Keras's affair
        return _MISSING
    settings: Data = value["config"]
    match value["class_name"]:
        case "L1" | "L2" | "L1L2":
            return settings
        case "MaxNorm" | "UnitNorm" | "NonNeg" as name:
            axes = list(kind.filter_axes.get(key.removesuffix("_constraint"), ()))
            axis = settings.get("axis", axes)
            most = settings.get("max_value", 2)
            if (axis if isinstance(axis, list) else [axis]) != axes or not isinstance(most, int | float):
                return _MISSING
            words: Data = {
                "MaxNorm": {"max_norm": float(most)},
                "UnitNorm": {"unit_norm": True},
                "NonNeg": {"non_neg": True},
            }
            return words[name]
        case _:
            return _MISSING
