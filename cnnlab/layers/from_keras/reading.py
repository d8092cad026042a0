"""Keras's serialised config of a model, as data → the same data, checked and as short as it can be.

What comes out is what a run's `config.yaml` holds. It reads as itself, and it is the same for the same model
however often that was built before: names that Keras counted up are counted anew.
"""

from __future__ import annotations

import json
import math
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from cnnlab.errors import UserError, suggestion
from cnnlab.language.fields import as_written, problem, problems
from cnnlab.language.source import MAX_DEPTH, MAX_NODES
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
from cnnlab.layers.graph import MAX_LAYERS

if TYPE_CHECKING:
    import keras

Loc = tuple[int | str, ...]
Data = dict[str, Any]

MAX_VALUES = MAX_NODES - 1_000
"""A config holds more than its model."""

NO_CODE = "is Python code, which a config never runs; use a function that Keras ships"

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_ENVELOPE = ("module", "class_name", "config", "registered_name", "build_config", "compile_config", "name",
             "inbound_nodes", "shared_object_id")  # fmt: skip
_MODULES: dict[Kind, str] = {kind: f"keras.{kind}" for kind in ALLOWED}


def keras_section(model: keras.Model) -> Data:
    """The architecture of a model as the data of `model: {keras: …}`; its weights stay behind.

    Raises:
        UserError: it is neither sequential nor functional, has several inputs or outputs, or has a layer that
            Keras does not ship.
    """
    import keras

    name = type(model).__name__
    if type(model) not in (keras.Sequential, keras.Model) and name != "Functional":
        raise UserError(
            f"{name} is a class of its own, whose code a config cannot hold; "
            "expected keras.Sequential, or keras.Model(inputs, outputs)"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of lambdas: what comes of them is said below
            written = model.to_json()
        return read_keras(json.loads(written))
    except ValidationError as error:
        lines = [f"{each['ctx']['message']}" for each in error.errors()]
        raise UserError("\n".join(f"{model.name}: {line}" for line in dict.fromkeys(lines))) from None
    except (NotImplementedError, TypeError, ValueError) as error:  # a layer without a get_config of its own
        said = str(error).strip().splitlines()[0]
        raise UserError(f"{model.name}: Keras cannot write this model down: {said}") from None


def read_keras(value: Any) -> Data:
    """Check Keras's serialised config of a model, and leave out what decides nothing.

    Left out are modules, build and compile settings, float32 as precision, the batch axis, settings that are
    null, seeds, and names that Keras gave. Calls of layers are written by the names of what goes in.

    Raises:
        ValidationError: one error for each layer that cannot be taken, at its place.
    """
    if isinstance(value, str):  # model.to_json() as it is
        raise problems(problem("expected Keras's config as a mapping, found a text"))
    if not isinstance(value, dict):
        raise problems(problem(f"expected Keras's config of a model, found {as_written(value)}"))
    try:
        _check_size(value)
        kind = _class_name(value, ())
        if kind not in MODELS:
            raise _Refused(f"expected a Sequential or Functional model, found {kind}", ("class_name",))
    except _Refused as refused:
        raise problems(refused.as_problem()) from None
    scope = _Scope(value, ())
    read = scope.read()
    if scope.refused:
        raise problems(*(each.as_problem() for each in scope.refused))
    read["config"].pop("name", None)  # the experiment has one of its own
    if (count := _count(read)) > MAX_VALUES:
        message = f"more than {MAX_VALUES:,} values, which is more than a config can hold; found {count:,}"
        raise problems(problem(message))
    return read


class _Refused(Exception):
    """What a config cannot hold, and where it stands."""

    def __init__(self, message: str, loc: Loc, *, kind: str = "value") -> None:
        super().__init__(message)
        self.message, self.loc, self.kind = message, loc, kind

    def of_layer(self, name: str) -> _Refused:
        return _Refused(f"layer {name}: {self.message}", self.loc, kind=self.kind)

    def as_problem(self) -> Any:
        return problem(self.message, self.loc, kind=self.kind)


@dataclass
class _Scope:
    """One model with its layers; a model within is a scope of its own."""

    value: Data
    loc: Loc
    refused: list[_Refused] = field(default_factory=list)

    def read(self) -> Data:
        """The model, as short as it can be; what was refused on the way is in `refused`."""
        try:
            return self._model()
        except _Refused as refused:
            self.refused.append(refused)
            return {}

    def _model(self) -> Data:
        kind = _class_name(self.value, self.loc)
        _check_envelope(self.value, self.loc, kind)
        config = _mapping(self.value, "config", self.loc)
        at = (*self.loc, "config")
        entries = config.get("layers")
        if not isinstance(entries, list) or not entries:
            found = as_written(entries) if "layers" in config else "nothing"
            raise _Refused(f"expected a list of layers, found {found}", (*at, "layers"))
        if len(entries) > MAX_LAYERS:
            raise _Refused(f"more than {MAX_LAYERS:,} layers", (*at, "layers"))
        _check_dtype(config, at)
        names = _Names.of(entries, (*at, "layers"))
        read: Data = {"layers": []}
        for index, entry in enumerate(entries):
            try:
                layer = self._entry(entry, (*at, "layers", index), names.new[index])
                if kind == "Functional":
                    layer |= _inbound(entry, (*at, "layers", index), names)
                elif index and layer["class_name"] == "InputLayer":
                    raise _Refused("a Sequential model has one input only", (*at, "layers", index))
                read["layers"].append(layer)
            except _Refused as refused:
                self.refused.append(refused.of_layer(names.shown[index]))
        if kind == "Functional":
            for side in ("input_layers", "output_layers"):
                read[side] = [self._end(config, side, at, names)]
            inputs = [name for name, entry in zip(names.new, entries, strict=True) if _is_input(entry)]
            if read["input_layers"][0] not in inputs:
                raise _Refused("expected the name of an InputLayer", (*at, "input_layers"))
        name = config.get("name")
        if isinstance(name, str) and not _counted(kind, name):
            read["name"] = _valid_name(name, at)
        return {"class_name": kind, "config": read}

    def _entry(self, entry: Any, loc: Loc, name: str) -> Data:
        """One layer, or a model within."""
        kind = _class_name(entry, loc)
        if kind in MODELS:
            scope = _Scope(entry, loc)
            inner = scope.read()
            self.refused += scope.refused
            if inner:
                inner["config"] = {"name": name, **inner["config"]}
            return inner or {"class_name": kind, "config": {"name": name}}
        if kind != "InputLayer":
            _check_class(entry, kind, "layers", loc, "")
        _check_envelope(entry, loc, kind)
        config, at = _mapping(entry, "config", loc), (*loc, "config")
        _check_dtype(config, at)
        if kind == "InputLayer":
            return {"class_name": kind, "config": {"name": name, **_input(config, at)}}
        return {"class_name": kind, "config": {"name": name, **_settings(config, at)}}

    def _end(self, config: Data, side: str, loc: Loc, names: _Names) -> str:
        """The one input or output of a model."""
        ends = list(_references(config.get(side), names, (*loc, side)))
        if len(ends) != 1:
            what = side.removesuffix("_layers")
            raise _Refused(f"expected a model with one {what}, found {len(ends)} {what}s", (*loc, side))
        return ends[0]


@dataclass
class _Names:
    """What the layers of a model are called: by Keras, and in what is written down."""

    new: list[str]  # by the layer's position
    shown: list[str]  # the same, as the user knows it
    by_old: dict[str, str]
    calls: dict[str, int]  # by the old name

    @classmethod
    def of(cls, entries: list[Any], loc: Loc) -> _Names:
        """Names that Keras counted up begin at 1 for each type; given ones stay.

        A name that looks as if Keras had counted it up is taken for one: conv2d, conv2d_7.
        """
        old: list[tuple[str, str | None]] = []
        for index, entry in enumerate(entries):
            try:
                kind = _class_name(entry, (*loc, index))
            except _Refused:
                kind = ""  # said when the layer itself is read
            config = entry.get("config") if isinstance(entry, dict) else None
            name = config.get("name") if isinstance(config, dict) else None
            if name is None and isinstance(entry, dict):
                name = entry.get("name")
            old.append((kind, name if isinstance(name, str) else None))
        given = {name for kind, name in old if name and not _counted(kind, name)}
        counts: Counter[str] = Counter()
        new: list[str] = []
        for index, (kind, name) in enumerate(old):
            if name and not _counted(kind, name):
                new.append(_valid_name(name, (*loc, index, "config")))
                continue
            stem = snake_case(kind)
            counts[stem] += 1
            while f"{stem}_{counts[stem]}" in given:
                counts[stem] += 1
            new.append(f"{stem}_{counts[stem]}")
        by_old: dict[str, str] = {}
        for index, ((_, name), written) in enumerate(zip(old, new, strict=True)):
            if name in by_old:
                raise _Refused(f"two layers are called {name!r}", (*loc, index, "config", "name"))
            if name:
                by_old[name] = written
        nodes = [entry.get("inbound_nodes") if isinstance(entry, dict) else None for entry in entries]
        calls = {
            name: len(node) if isinstance(node, list) else 0
            for (_, name), node in zip(old, nodes, strict=True)
            if name
        }
        shown = [name or written for (_, name), written in zip(old, new, strict=True)]
        return cls(new, shown, by_old, calls)

    def reference(self, name: str, call: int, loc: Loc) -> str:
        """conv2d_1, or conv2d_1_call2: the output of the second call of a layer."""
        if name not in self.by_old:
            raise _Refused(f"there is no layer {name!r}; {suggestion(name, self.by_old)}", loc)
        if not 0 <= call < max(1, self.calls[name]):
            times = "once" if self.calls[name] == 1 else f"{self.calls[name]} times"
            raise _Refused(f"layer {name!r} is called {times}, not {call + 1} times", loc)
        return self.by_old[name] + (f"_call{call + 1}" if call else "")

    def as_written(self, text: str, loc: Loc) -> str:
        """A reference that is one already, under the new names."""
        again = re.fullmatch(r"(.+)_call([0-9]{1,6})", text)
        if again and text not in self.by_old and again[1] in self.by_old:
            return self.reference(again[1], int(again[2]) - 1, loc)
        return self.reference(text, 0, loc)


def _inbound(entry: Data, loc: Loc, names: _Names) -> Data:
    """For each call of a layer: the names of its arguments; a list among them is one argument."""
    nodes = entry.get("inbound_nodes", [])
    at = (*loc, "inbound_nodes")
    if not isinstance(nodes, list):
        raise _Refused(f"expected a list of calls, found {as_written(nodes)}", at)
    if _is_input(entry):
        return {}
    if not nodes:
        raise _Refused("this layer is never called; leave it out", at, kind="key")
    return {"inbound_nodes": [_call(node, (*at, index), names) for index, node in enumerate(nodes)]}


def _call(node: Any, loc: Loc, names: _Names) -> list[Any]:
    args = node.get("args") if isinstance(node, dict) else node
    if not isinstance(args, list):
        raise _Refused(f"expected a call's arguments, found {as_written(args)}", loc)
    kwargs = node.get("kwargs") if isinstance(node, dict) else {}
    for key, value in (kwargs or {}).items():
        # Whether it trains is said by whoever calls the whole model, in Keras too.
        if key != "training" and value is not None:
            raise _Refused(
                f"is called with {key}=…; call it with tensors by position only, and set the rest when "
                "the layer is made",
                loc,
            )
    while args and args[-1] is None:
        args = args[:-1]
    call = [_argument(each, names, loc) for each in args]
    lists = [each for each in call if isinstance(each, list)]
    if not call or (lists and len(call) > 1) or any(len(each) < 2 for each in lists):
        raise _Refused("expected a call with one tensor, with several, or with one list of several", loc)
    return call


def _argument(value: Any, names: _Names, loc: Loc) -> str | list[str]:
    reference = _reference(value, names, loc)
    if reference is not None:
        return reference
    if not isinstance(value, list):
        raise _Refused(f"is called with {as_written(value)}; a call takes tensors only", loc)
    found = [_reference(each, names, loc) for each in value]
    if None in found:
        raise _Refused("is called with a list that holds more than tensors; a call takes tensors only", loc)
    return [each for each in found if each is not None]


def _references(value: Any, names: _Names, loc: Loc) -> Iterator[str]:
    """All tensors in what Keras writes for a model's inputs or outputs: ["dense", 0, 0], or several."""
    reference = _reference(value, names, loc)
    if reference is not None:
        yield reference
    elif isinstance(value, list):
        for each in value:
            yield from _references(each, names, loc)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _references(each, names, loc)
    else:
        raise _Refused(f"expected the name of a layer, found {as_written(value)}", loc)


def _reference(value: Any, names: _Names, loc: Loc) -> str | None:
    """The name of a tensor, if the value is one: Keras's history [name, call, output], or short."""
    if isinstance(value, str):
        return names.as_written(value, loc)
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        config = value.get("config")
        value = config.get("keras_history") if isinstance(config, dict) else None
    if not (isinstance(value, list) and len(value) == 3 and isinstance(value[0], str)):
        return None
    name, call, output = value
    if not isinstance(call, int) or not isinstance(output, int):
        return None
    if output:
        raise _Refused(f"layer {name!r} gives several tensors; expected layers that give one", loc)
    return names.reference(name, call, loc)


def _is_input(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("class_name") == "InputLayer"


def _input(config: Data, loc: Loc) -> Data:
    """The shape of the input, without the batch axis; null where any size will do."""
    shape = config.get("shape")
    if shape is None:
        batch_shape = config.get("batch_shape", config.get("batch_input_shape"))
        shape = batch_shape[1:] if isinstance(batch_shape, list) else None
    good = isinstance(shape, list) and all(
        each is None or (isinstance(each, int) and not isinstance(each, bool) and each > 0) for each in shape
    )
    if not good:
        raise _Refused(f"expected the input's shape, found {as_written(shape)}", (*loc, "shape"))
    if config.get("sparse") or config.get("ragged"):
        raise _Refused("a sparse or ragged input; images are neither", loc)
    return {"shape": shape}


def _settings(config: Data, loc: Loc) -> Data:
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
        raise _Refused(f"{key}: a function {NO_CODE}", loc)  # a lambda, as Keras writes it here
    if isinstance(value, str):
        if is_activation(key) and value not in ACTIVATIONS:
            raise _Refused(f"unknown activation {value!r}; {suggestion(value, sorted(ACTIVATIONS))}", loc)
        known = sorted(map(snake_case, ALLOWED[kind]))
        if kind != "layers" and value not in known:
            what = kind.removesuffix("s")
            raise _Refused(f"unknown {what} {value!r}; {suggestion(value, known)}", loc)
        return value
    if isinstance(value, list):
        return [_setting(key, each, (*loc, index)) for index, each in enumerate(value)]
    if isinstance(value, dict):
        return {name: _setting(name, each, (*loc, name)) for name, each in value.items()}
    return value


def _object(key: str, value: Data, loc: Loc) -> Any:
    """An initializer, a cell, … of Keras's own: its class and settings, or its name alone."""
    name = _class_name(value, loc)
    if name in ("__numpy__", "__tensor__"):
        return _mapping(value, "config", loc).get("value")
    if name == "function" and is_activation(key) and value.get("config") in ACTIVATIONS:
        return value["config"]
    kind = kind_of(key)
    _check_class(value, name, kind, loc, f"{key}: ")
    _check_envelope(value, loc, name, kind)
    config = _mapping(value, "config", loc)
    _check_dtype(config, (*loc, "config"))
    settings = _settings(config, (*loc, "config"))
    if kind == "initializers" and settings in ({}, DEFAULT_SETTINGS.get(name)):
        return snake_case(name)
    return {"class_name": name, "config": settings}


def _check_class(value: Data, name: str, kind: Kind, loc: Loc, what: str) -> None:
    """Refuse every class but Keras's own; `what` goes before the message."""
    at = (*loc, "class_name")
    if str(value.get("module")).startswith(("keras.ops", "keras.src.ops")):
        raise _Refused(
            f"{what}an operation on tensors ({name}), as x * 2 makes one; use a layer in its place, such as "
            "Rescaling, Multiply or Reshape",
            at,
        )
    if name in ALLOWED[kind]:
        return
    if kind == "layers" and name in REFUSED:
        raise _Refused(f"{what}{name} cannot be used here: {REFUSED[name]}", at)
    if name == "function" or name.startswith("__"):
        function = value["config"] if isinstance(value.get("config"), str) else "a function"
        raise _Refused(f"{what}{function} {NO_CODE}", at)
    if name in MODELS:
        raise _Refused(f"{what}holds a whole model; expected a single layer", at)
    close = suggestion(name, sorted(ALLOWED[kind]))
    is_typo = value.get("module") in (None, _MODULES[kind]) and close.startswith("did you mean")
    hint = f"; {close}" if is_typo else ", and a config never runs other code"
    raise _Refused(f"{what}{name} is not one of the {kind} that Keras ships{hint}", at)


def _check_envelope(value: Data, loc: Loc, name: str, kind: Kind = "layers") -> None:
    """Refuse what is called as one of Keras's own, but says that it comes from elsewhere."""
    module, registered = value.get("module"), value.get("registered_name")
    if name in MODELS:
        usual = module in (None, "keras", "keras.models", "keras.src.models.functional")
        usual = usual and registered in (None, name)
    else:
        usual = module in (None, _MODULES[kind]) and registered is None
    if not usual:
        where = f"{module}.{registered or name}" if module else str(registered)
        raise _Refused(f"{name} comes from {where}; expected Keras's own {name}", loc)
    unknown = [key for key in value if key not in _ENVELOPE]
    if unknown:
        raise _Refused(f"unknown key; {suggestion(unknown[0], _ENVELOPE)}", (*loc, unknown[0]), kind="key")


def _class_name(value: Any, loc: Loc) -> str:
    if not isinstance(value, dict):
        raise _Refused(f"expected a mapping with class_name and config, found {as_written(value)}", loc)
    name = value.get("class_name")
    if not isinstance(name, str):
        found = "missing" if name is None else f"expected a name, found {as_written(name)}"
        raise _Refused(f"{found}; expected the class of a layer", (*loc, "class_name"), kind="key")
    return name


def _mapping(value: Data, key: str, loc: Loc) -> Data:
    """What stands under a key that must hold a mapping; nothing for a class without settings."""
    found = value.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise _Refused(f"expected a mapping of keys to values, found {as_written(found)}", (*loc, key))
    return found


def _check_dtype(config: Data, loc: Loc) -> None:
    """Refuse every precision but the usual one, which may be written as a policy."""
    dtype = config.get("dtype")
    if isinstance(dtype, dict):
        inner = dtype.get("config")
        dtype = inner.get("name") if isinstance(inner, dict) else dtype.get("class_name")
    if dtype not in (None, "float32"):
        message = f"has the precision {dtype}; leave it at float32, and set runtime.precision"
        raise _Refused(message, (*loc, "dtype"))


def _valid_name(name: str, loc: Loc) -> str:
    if not _NAME.fullmatch(name):
        message = f"a layer is called {as_written(name)}; expected letters, digits, - and _ only"
        raise _Refused(message, (*loc, "name"))
    return name


def _counted(kind: str, name: str) -> bool:
    """Whether Keras, or cnnlab, gave a layer of this class its name: conv2d, conv2d_7."""
    words = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", kind)
    stems = {snake_case(kind), re.sub("([a-z])([A-Z])", r"\1_\2", words).lower()}
    return any(re.fullmatch(rf"{re.escape(stem)}(_[0-9]+)?", name) for stem in stems)


def _check_size(value: Any) -> None:
    """Refuse what is no plain data, nested too deeply, or beyond all measure."""
    if _count(value) > 100 * MAX_VALUES:
        raise _Refused(f"more than {100 * MAX_VALUES:,} values; this is hardly a model", ())


def _count(value: Any) -> int:
    """How many keys and values there are.

    Raises:
        _Refused: something in it is no plain data, or too deep for a config.
    """
    count = 0
    waiting: list[tuple[Any, Loc]] = [(value, ())]
    while waiting:
        each, loc = waiting.pop()
        count += 1 + (len(each) if isinstance(each, dict) else 0)
        if len(loc) > MAX_DEPTH - 5:
            raise _Refused(f"nested more than {MAX_DEPTH - 5} levels deep", loc[:5])
        if isinstance(each, dict):
            if not all(isinstance(key, str) for key in each):
                raise _Refused("expected words as keys", loc)
            waiting += [(item, (*loc, key)) for key, item in each.items()]
        elif isinstance(each, list):
            waiting += [(item, (*loc, index)) for index, item in enumerate(each)]
        elif isinstance(each, float) and not math.isfinite(each):
            raise _Refused(f"expected a finite number, found {as_written(each)}", loc)
        elif not isinstance(each, bool | int | float | str | None):
            raise _Refused(f"expected plain data, found a {type(each).__name__}", loc)
    return count
