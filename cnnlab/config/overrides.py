"""--set KEY=VALUE: a change to a config's text, checked like the text itself."""

from __future__ import annotations

import re

from pydantic import ValidationError

from cnnlab.config.locating import into_layer, with_classes
from cnnlab.config.optimizers import DEFAULT_OPTIMIZER, OPTIMIZERS
from cnnlab.config.sections import ModelConfig
from cnnlab.errors import UserError, unknown
from cnnlab.language.fields import as_written
from cnnlab.language.source import Path_, YamlNode, dotted, parse_value
from cnnlab.layers.graph import expand
from cnnlab.layers.serialization import written_names

_WORD = r"[^\s.\[\]\ud800-\udfff]+"  # without Python's stand-ins for bytes that are not text
KEY = re.compile(rf"{_WORD}(\[-?\d{{1,6}}\]|\.{_WORD})*")
"""How a setting is called: training.epochs, model.layers[0].filters, model.layers.conv2d_1.filters."""


def parse_setting(override: str) -> tuple[str, YamlNode]:
    """The key and the value of one --set KEY=VALUE.

    Raises:
        UserError: it is not KEY=VALUE, or the value is not YAML.
    """
    key, equals, text = override.partition("=")
    key = key.strip()
    if not equals or not KEY.fullmatch(key):
        raise UserError(
            f"--set {override}: expected KEY=VALUE, such as training.epochs=3 or model.layers[0].filters=8"
        )
    return key, parse_value(text, f"--set {key}")


def overridden(root: YamlNode, override: str) -> YamlNode:
    """The config with one --set KEY=VALUE applied."""
    key, value = parse_setting(override)
    return with_setting(root, key, value)


def with_setting(root: YamlNode, key: str, value: YamlNode) -> YamlNode:
    """The config with one setting changed; `key` is written as --set has it.

    Raises:
        UserError: the config has no such layer or item; the message begins with the value's place.
    """
    path = path_of(root, key, value.place)
    return _written_out(root, path).with_value(path, value)


def path_of(root: YamlNode, key: str, place: str) -> Path_:
    """Where the setting that --set calls `key` stands in a config, or would stand.

    Raises:
        UserError: it has no such layer or item; the message begins with `place`.
    """
    path: Path_ = ()
    for index, name in re.findall(r"\[(-?\d+)\]|([^.\[\]]+)", key):
        path = into_layer(root, path)
        path = _named(root, path, name, place) if name else _indexed(root, path, int(index), place)
    if isinstance(path[-1], str):
        path = (*into_layer(root, path[:-1]), path[-1]) if len(path) > 1 else path
    return path


def _written_out(root: YamlNode, path: Path_) -> YamlNode:
    """`optimizer: adam` is short for {name: adam}: in full where `path` leads into it.

    So is `learning_rate: 0.1` for {name: constant, initial: 0.1}, also where it is the optimizer's default.
    """
    for section in (("dataset",), ("training", "optimizer")):
        word = root.find(section[:-1]).child(section[-1])
        leads_in = len(path) > len(section) and path[: len(section)] == section
        if leads_in and word is not None and isinstance(word.value, str):
            root = root.with_value((*section, "name"), word)
    rate = ("training", "optimizer", "learning_rate")
    if len(path) > len(rate) and path[: len(rate)] == rate:
        number = root.find(rate) if root.has(rate) else _default_rate(root)
        if isinstance(number.value, int | float):
            constant = YamlNode(number.place, "constant")
            root = root.with_value((*rate, "name"), constant).with_value((*rate, "initial"), number)
    return root


def _default_rate(root: YamlNode) -> YamlNode:
    """The learning rate of an optimizer whose config gives none; null where there is no such optimizer."""
    where = ("training", "optimizer")
    name = root.find((*where, "name")) if root.has((*where, "name")) else None
    optimizer = OPTIMIZERS.get(DEFAULT_OPTIMIZER if name is None else str(name.value))
    rate = None if optimizer is None else optimizer.model_fields["learning_rate"].default.initial
    return YamlNode(root.find(where).place, rate)


def _indexed(root: YamlNode, path: Path_, index: int, place: str) -> Path_:
    """The path extended by an index that its list has."""
    found = root.find(path)
    items = found.value if root.has(path) else None
    if not isinstance(items, tuple):
        given = as_written(found.plain()) if root.has(path) else "nothing"
        raise UserError(
            f"{place}: expected a list at {_as_written(path)}, found {given}; leave [{index}] out"
        )
    if not items:
        raise UserError(f"{place}: {_as_written(path)} is an empty list; set the whole list instead")
    if not 0 <= index < len(items):
        last = (*path, len(items) - 1)
        by_name = f", or {_as_written((*path, _written_names(found)[-1]))}" if path[-1] == "layers" else ""
        raise UserError(
            f"{place}: expected an index from 0 to {last[-1]}, found {index}; "
            f"the last is {_as_written(last)}{by_name}"
        )
    return (*path, index)


def _as_written(path: Path_) -> str:
    """The path without the class names that messages and --set leave out: in a list they follow the index."""
    steps = zip((None, *path), path, strict=False)
    return dotted([step for before, step in steps if isinstance(step, int) or not isinstance(before, int)])


def _named(root: YamlNode, path: Path_, name: str, place: str) -> Path_:
    """The path extended by `name`: in a list of layers by the index of the layer that is called so."""
    node = root.find(path)
    if not isinstance(node.value, tuple) or not path or path[-1] != "layers":
        return (*path, name)
    if "/" in name:
        return _inside_block(root, path, name, place)
    names = _written_names(node)
    if name not in names:
        raise UserError(f"{place}: {unknown('layer', name, names)}")
    return (*path, names.index(name))


def _inside_block(root: YamlNode, path: Path_, name: str, place: str) -> Path_:
    """Where the layer that the summary calls residual_1/conv2d_2 is written."""
    try:
        layers = ModelConfig.model_validate({"layers": root.find(path).plain()}).layers
    except ValidationError:
        raise UserError(f"{place}: the layers contain errors; run without --set to see them") from None
    written = {node.name: node.where[2:] for node in expand(layers)}
    if name not in written:
        raise UserError(f"{place}: {unknown('layer', name, written)}")
    *block, last = written[name]
    found = with_classes(root, (*path, *block))
    if root.find(found).child(last) is None:
        raise UserError(
            f"{place}: generated by {dotted(found[len(path) :])}; write its layers as a list first"
        )
    return (*found, last)


def _written_names(layers: YamlNode) -> list[str]:
    return written_names(item.plain() for item in layers.value) if isinstance(layers.value, tuple) else []
