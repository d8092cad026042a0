"""The settings of a layer as Keras writes them → those that decide something; Keras's own classes only."""

from __future__ import annotations

import math
from typing import Any

from pydantic_core import InitErrorDetails

from cnnlab.errors import suggestion
from cnnlab.language.fields import as_written, problem
from cnnlab.language.source import MAX_DEPTH
from cnnlab.layers.base import snake_case
from cnnlab.layers.from_keras.classes import (
    ACTIVATIONS,
    ALLOWED,
    DEFAULT_SETTINGS,
    MODELS,
    REFUSED,
    Kind,
    is_activation,
    kind_of,
)

Loc = tuple[int | str, ...]
Data = dict[str, Any]

NO_CODE = "is Python code, which a config never runs; use a function that Keras ships"

_ENVELOPE = ("module", "class_name", "config", "registered_name", "build_config", "compile_config", "name",
             "inbound_nodes", "shared_object_id")  # fmt: skip
_MODULES: dict[Kind, str] = {kind: f"keras.{kind}" for kind in ALLOWED}


class Refused(Exception):
    """What a config cannot hold, and where it stands."""

    def __init__(self, message: str, loc: Loc, *, kind: str = "value") -> None:
        super().__init__(message)
        self.message, self.loc, self.kind = message, loc, kind

    def of_layer(self, name: str) -> Refused:
        return Refused(f"layer {name}: {self.message}", self.loc, kind=self.kind)

    def as_problem(self) -> InitErrorDetails:
        return problem(self.message, self.loc, kind=self.kind)


def settings_of(config: Data, loc: Loc) -> Data:
    """The arguments of a layer, initializer or the like that decide something."""
    settings: Data = {}
    for key, value in config.items():
        if key in ("name", "dtype", "seed") or (key == "trainable" and value is True):
            continue
        if value is None and not key.endswith("_initializer"):
            continue  # as if it were not there
        settings[key] = _setting(key, value, (*loc, key))
    return settings


def _setting(key: str, value: Any, loc: Loc) -> Any:
    if isinstance(value, dict) and "class_name" in value:
        return _object(key, value, loc)
    kind = kind_of(key)
    if isinstance(value, dict) and (kind != "layers" or is_activation(key)):
        raise Refused(f"{key}: a function {NO_CODE}", loc)  # a lambda, as Keras writes it here
    if isinstance(value, str):
        if is_activation(key) and value not in ACTIVATIONS:
            raise Refused(f"unknown activation {value!r}; {suggestion(value, sorted(ACTIVATIONS))}", loc)
        known = sorted(map(snake_case, ALLOWED[kind]))
        if kind != "layers" and value not in known:
            what = kind.removesuffix("s")
            raise Refused(f"unknown {what} {value!r}; {suggestion(value, known)}", loc)
        return value
    if kind != "layers" and value is not None:
        what = kind.removesuffix("s")
        raise Refused(
            f"{key}: expected the {what}'s name, or its class and config, found {as_written(value)}", loc
        )
    if isinstance(value, list):
        return [_setting(key, each, (*loc, index)) for index, each in enumerate(value)]
    if isinstance(value, dict):
        return {name: _setting(name, each, (*loc, name)) for name, each in value.items()}
    return value


def _object(key: str, value: Data, loc: Loc) -> Any:
    """An initializer, a cell, … of Keras's own: its class and settings, or its name alone."""
    name = class_name_of(value, loc)
    if name in ("__numpy__", "__tensor__"):
        return mapping_at(value, "config", loc).get("value")
    if name == "function" and is_activation(key) and value.get("config") in ACTIVATIONS:
        return value["config"]
    kind = kind_of(key)
    check_class(value, name, kind, loc, f"{key}: ")
    check_envelope(value, loc, name, kind)
    config = mapping_at(value, "config", loc)
    check_dtype(config, (*loc, "config"))
    settings = settings_of(config, (*loc, "config"))
    if kind == "initializers" and settings in ({}, DEFAULT_SETTINGS.get(name)):
        return snake_case(name)
    return {"class_name": name, "config": settings}


def check_class(value: Data, name: str, kind: Kind, loc: Loc, what: str) -> None:
    """Refuse every class but Keras's own; `what` goes before the message."""
    at = (*loc, "class_name")
    if str(value.get("module")).startswith(("keras.ops", "keras.src.ops")):
        raise Refused(
            f"{what}an operation on tensors ({name}), as x * 2 makes one; use a layer in its place, such as "
            "Rescaling, Multiply or Reshape",
            at,
        )
    if name in ALLOWED[kind]:
        return
    if kind == "layers" and name in REFUSED:
        raise Refused(f"{what}{name} cannot be used here: {REFUSED[name]}", at)
    if name == "function" or name.startswith("__"):
        function = value["config"] if isinstance(value.get("config"), str) else "a function"
        raise Refused(f"{what}{function} {NO_CODE}", at)
    if name in MODELS:
        raise Refused(f"{what}holds a whole model; expected a single layer", at)
    close = suggestion(name, sorted(ALLOWED[kind]))
    is_typo = value.get("module") in (None, _MODULES[kind]) and close.startswith("did you mean")
    hint = f"; {close}" if is_typo else ", and a config never runs other code"
    raise Refused(f"{what}{name} is not one of the {kind} that Keras ships{hint}", at)


def check_envelope(value: Data, loc: Loc, name: str, kind: Kind = "layers") -> None:
    """Refuse what is called as one of Keras's own, but says that it comes from elsewhere."""
    module, registered = value.get("module"), value.get("registered_name")
    if name in MODELS:
        usual = module in (None, "keras", "keras.models", "keras.src.models.functional")
        usual = usual and registered in (None, name)
    else:
        usual = module in (None, _MODULES[kind]) and registered is None
    if not usual:
        where = f"{module}.{registered or name}" if module else str(registered)
        raise Refused(f"{name} comes from {where}; expected Keras's own {name}", loc)
    unknown = [key for key in value if key not in _ENVELOPE]
    if unknown:
        raise Refused(f"unknown key; {suggestion(unknown[0], _ENVELOPE)}", (*loc, unknown[0]), kind="key")


def check_dtype(config: Data, loc: Loc) -> None:
    """Refuse every precision but the usual one, which may be written as a policy."""
    dtype = config.get("dtype")
    if isinstance(dtype, dict):
        inner = dtype.get("config")
        dtype = inner.get("name") if isinstance(inner, dict) else dtype.get("class_name")
    if dtype not in (None, "float32"):
        message = f"has the precision {dtype}; leave it at float32, and set runtime.precision"
        raise Refused(message, (*loc, "dtype"))


def class_name_of(value: Any, loc: Loc) -> str:
    """The class of a layer or of an object within.

    Raises:
        Refused: the value is no such thing.
    """
    if not isinstance(value, dict):
        raise Refused(f"expected a mapping with class_name and config, found {as_written(value)}", loc)
    name = value.get("class_name")
    if not isinstance(name, str):
        found = "missing" if name is None else f"expected a name, found {as_written(name)}"
        raise Refused(f"{found}; expected the class of a layer", (*loc, "class_name"), kind="key")
    return name


def mapping_at(value: Data, key: str, loc: Loc) -> Data:
    """What stands under a key that must hold a mapping; nothing for a class without settings."""
    found = value.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Refused(f"expected a mapping of keys to values, found {as_written(found)}", (*loc, key))
    return found


def count_values(value: Any) -> int:
    """How many keys and values there are.

    Raises:
        Refused: something in it is no plain data, or too deep for a config.
    """
    count = 0
    waiting: list[tuple[Any, Loc]] = [(value, ())]
    while waiting:
        each, loc = waiting.pop()
        count += 1 + (len(each) if isinstance(each, dict) else 0)
        if len(loc) > MAX_DEPTH - 5:
            raise Refused(f"nested more than {MAX_DEPTH - 5} levels deep", loc[:5])
        if isinstance(each, dict):
            if not all(isinstance(key, str) for key in each):
                raise Refused("expected words as keys", loc)
            waiting += [(item, (*loc, key)) for key, item in each.items()]
        elif isinstance(each, list):
            waiting += [(item, (*loc, index)) for index, item in enumerate(each)]
        elif isinstance(each, float) and not math.isfinite(each):
            raise Refused(f"expected a finite number, found {as_written(each)}", loc)
        elif not isinstance(each, bool | int | float | str | None):
            raise Refused(f"expected plain data, found a {type(each).__name__}", loc)
    return count
