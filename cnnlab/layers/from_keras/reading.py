"""Keras's serialised config of a model, as data → the same data, checked and as short as it can be.

What comes out is what a run's `config.yaml` holds. It reads as itself, and it is the same for the same model
however often that was built before: names that Keras counted up are counted anew.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from cnnlab.errors import UserError, first_sentence
from cnnlab.language.fields import as_written, problem, problems
from cnnlab.language.source import MAX_NODES
from cnnlab.layers.from_keras.calls import Names, inbound, is_input, references
from cnnlab.layers.from_keras.classes import MODELS
from cnnlab.layers.from_keras.settings import (
    Data,
    Loc,
    Refused,
    check_class,
    check_dtype,
    check_envelope,
    class_name_of,
    count_values,
    mapping_at,
    settings_of,
)
from cnnlab.layers.graph import MAX_LAYERS

if TYPE_CHECKING:
    import keras

MAX_VALUES = MAX_NODES - 1_000
"""A config holds more than its model."""


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
        reason = first_sentence(error)
        raise UserError(f"{model.name}: Keras cannot write this model down: {reason}") from None


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
        kind = class_name_of(value, ())
        if kind not in MODELS:
            raise Refused(f"expected a Sequential or Functional model, found {kind}", ("class_name",))
    except Refused as refused:
        raise problems(refused.as_problem()) from None
    scope = _Scope(value, ())
    read = scope.read()
    if scope.refused:
        raise problems(*(each.as_problem() for each in scope.refused))
    if (count := count_values(read)) > MAX_VALUES:
        message = f"more than {MAX_VALUES:,} values, which is more than a config can hold; found {count:,}"
        raise problems(problem(message))
    return read


@dataclass
class _Scope:
    """One model with its layers; a model within is a scope of its own."""

    value: Data
    loc: Loc
    refused: list[Refused] = field(default_factory=list)

    def read(self) -> Data:
        """The model, as short as it can be; what was refused on the way is in `refused`."""
        try:
            return self._model()
        except Refused as refused:
            self.refused.append(refused)
            return {}

    def _model(self) -> Data:
        kind = class_name_of(self.value, self.loc)
        check_envelope(self.value, self.loc, kind)
        config = mapping_at(self.value, "config", self.loc)
        at = (*self.loc, "config")
        entries = config.get("layers")
        if not isinstance(entries, list) or not entries:
            found = as_written(entries) if "layers" in config else "nothing"
            raise Refused(f"expected a list of layers, found {found}", (*at, "layers"))
        if len(entries) > MAX_LAYERS:
            raise Refused(f"more than {MAX_LAYERS:,} layers", (*at, "layers"))
        check_dtype(config, at)
        names = Names.of(entries, (*at, "layers"))
        read: Data = {"layers": []}
        for index, entry in enumerate(entries):
            try:
                layer = self._entry(entry, (*at, "layers", index), names.new[index])
                if kind == "Functional":
                    layer |= inbound(entry, (*at, "layers", index), names)
                elif index and layer["class_name"] == "InputLayer":
                    raise Refused("a Sequential model has one input only", (*at, "layers", index))
                read["layers"].append(layer)
            except Refused as refused:
                self.refused.append(refused.of_layer(names.shown[index]))
        if kind == "Functional":
            for side in ("input_layers", "output_layers"):
                read[side] = [self._end(config, side, at, names)]
            inputs = [name for name, entry in zip(names.new, entries, strict=True) if is_input(entry)]
            if read["input_layers"][0] not in inputs:
                raise Refused("expected the name of an InputLayer", (*at, "input_layers"))
        return {"class_name": kind, "config": read}

    def _entry(self, entry: Any, loc: Loc, name: str) -> Data:
        """One layer, or a model within."""
        kind = class_name_of(entry, loc)
        if kind in MODELS:
            scope = _Scope(entry, loc)
            inner = scope.read()
            self.refused += scope.refused
            if inner:
                inner["config"] = {"name": name, **inner["config"]}
            return inner or {"class_name": kind, "config": {"name": name}}
        if kind != "InputLayer":
            check_class(entry, kind, "layers", loc, "")
        check_envelope(entry, loc, kind)
        config, at = mapping_at(entry, "config", loc), (*loc, "config")
        check_dtype(config, at)
        if kind == "InputLayer":
            return {"class_name": kind, "config": {"name": name, **_input(config, at)}}
        return {"class_name": kind, "config": {"name": name, **settings_of(config, at)}}

    def _end(self, config: Data, side: str, loc: Loc, names: Names) -> str:
        """The one input or output of a model."""
        ends = list(references(config.get(side), names, (*loc, side)))
        if len(ends) != 1:
            what = side.removesuffix("_layers")
            raise Refused(f"expected a model with one {what}, found {len(ends)} {what}s", (*loc, side))
        return ends[0]


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
        raise Refused(f"expected the input's shape, found {as_written(shape)}", (*loc, "shape"))
    if config.get("sparse") or config.get("ragged"):
        raise Refused("a sparse or ragged input; images are neither", loc)
    return {"shape": shape}


def _check_size(value: Any) -> None:
    """Refuse what is no plain data, nested too deeply, or beyond all measure."""
    if count_values(value) > 100 * MAX_VALUES:
        raise Refused(f"more than {100 * MAX_VALUES:,} values; this is hardly a model", ())
