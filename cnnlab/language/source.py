"""YAML text → plain data that remembers line:column of every key and value.

The subset is YAML 1.2's core schema: `no` is a word, `1e-4` a number, a duplicate key an error. Only
mappings, lists, strings, numbers, booleans and null come out; tags are refused, aliases cannot explode.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

import yaml

from cnnlab.errors import UserError
from cnnlab.files import open_regular
from cnnlab.foreign_text import one_line

Path_ = tuple[str | int, ...]
"""Where a value stands in the data: ("model", "layers", 5, "Conv2D", "filters")."""

MAX_BYTES = 1_000_000
MAX_NODES = 20_000
MAX_DEPTH = 60
MAX_DIGITS = 240
"""As many fit into a float, be they hexadecimal. What is too large for its setting, the setting says."""

_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


@dataclass(frozen=True)
class YamlNode:
    """A value and where it was written.

    `place` is shown to the user: "configs/mine.yaml:14:7", or "--set training.epochs".
    """

    place: str
    value: bool | int | float | str | tuple[YamlNode, ...] | dict[str, Entry] | None

    def plain(self) -> Any:
        """The value as Python's own dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: entry.node.plain() for key, entry in self.value.items()}
        if isinstance(self.value, tuple):
            return [node.plain() for node in self.value]
        return self.value

    def child(self, step: str | int) -> YamlNode | None:
        if isinstance(self.value, dict) and isinstance(step, str) and step in self.value:
            return self.value[step].node
        if isinstance(self.value, tuple) and isinstance(step, int) and 0 <= step < len(self.value):
            return self.value[step]
        return None

    def find(self, path: Path_) -> YamlNode:
        """The node at `path`, or the nearest one above it that exists."""
        node = self
        for step in path:
            below = node.child(step)
            if below is None:
                return node
            node = below
        return node

    def has(self, path: Path_) -> bool:
        """Whether something stands at `path`, be it null."""
        node: YamlNode | None = self
        for step in path:
            node = node and node.child(step)
        return node is not None

    def place_of_key(self, path: Path_) -> str:
        """Where the last step of `path` was written as a key; the value's place where it has no key."""
        parent = self.find(path[:-1])
        if path and isinstance(parent.value, dict) and path[-1] in parent.value:
            return parent.value[str(path[-1])].place
        return self.find(path).place

    def with_value(self, path: Path_, node: YamlNode) -> YamlNode:
        """A copy in which `node` stands at `path`; mappings missing on the way are made."""
        if not path:
            return node
        step, rest = path[0], path[1:]
        # What takes the place of a word or number was not written where that was.
        place = self.place if isinstance(self.value, dict | tuple) else node.place
        if isinstance(step, int):
            items = list(self.value) if isinstance(self.value, tuple) else []
            items[step] = items[step].with_value(rest, node)
            return YamlNode(place, tuple(items))
        entries = dict(self.value) if isinstance(self.value, dict) else {}
        old = entries.get(step, Entry(node.place, YamlNode(node.place, None)))
        entries[step] = replace(old, node=old.node.with_value(rest, node))
        return YamlNode(place, entries)


@dataclass(frozen=True)
class Entry:
    """A value of a mapping, with the place of its key."""

    place: str
    node: YamlNode


def read_yaml(path: Path) -> YamlNode:
    """Read a YAML file.

    Raises:
        UserError: the file is missing, a directory, unreadable, not text, not YAML, or beyond plain data.
    """
    try:
        with open_regular(path) as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise UserError(f"{path}: expected a YAML file, found a directory") from None
    except ValueError:
        raise UserError(f"{path}: cannot be read: no file has a name with a NUL character") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise UserError(f"{path}: expected a config of at most {MAX_BYTES:,} bytes, found more")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = content[error.start]
        raise UserError(
            f"{path}: not a text file: byte 0x{byte:02x} at offset {error.start} is not UTF-8"
        ) from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, name: str, *, lines: bool = True) -> YamlNode:
    """Parse one YAML document; `name` is what places are called, such as the file's path.

    Args:
        lines: places are lines and columns of a file; else each is `name` alone.

    Raises:
        UserError: with place, on a syntax error, a duplicate key, a tag, or too many or too deep nodes.
    """
    try:
        return _Composer(text, name, lines).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark and lines else name
        context = f" {error.context}" if error.context else ""
        raise UserError(f"{where}: not valid YAML: {error.problem}{context}") from None
    except UnicodeEncodeError:
        raise UserError(f"{name}: not text: a byte of it is not UTF-8") from None
    except yaml.reader.ReaderError as error:
        where = f"{name}:{text.count(chr(10), 0, error.position) + 1}: not a text file" if lines else name
        raise UserError(f"{where}: character 0x{error.character:02x} is not allowed in YAML") from None


def parse_value(text: str, place: str) -> YamlNode:
    """Parse a value given on the command line; every node of it gets the same place."""
    return parse_yaml(text, place, lines=False) if text.strip() else YamlNode(place, None)


def from_plain(data: Any, place: str) -> YamlNode:
    """Mappings, lists, tuples and scalars of Python and NumPy, as if they had been written in YAML.

    Every node gets the same place.

    Raises:
        UserError: something else is among them, or they are too large or too deep.
    """
    return _from_plain(data, place, (), [0])


def _from_plain(data: Any, place: str, path: Path_, count: list[int]) -> YamlNode:
    where = f"{place}: {dotted(path)}" if path else place
    count[0] += 1
    if count[0] > MAX_NODES:
        raise UserError(f"{place}: more than {MAX_NODES:,} values")
    if len(path) > MAX_DEPTH:
        raise UserError(f"{where}: nested more than {MAX_DEPTH} levels deep")
    if data is None or isinstance(data, bool | int | float | str):
        return YamlNode(place, data)
    if isinstance(data, PurePath):
        return YamlNode(place, str(data))
    if isinstance(data, Mapping):
        for key in data:
            if not isinstance(key, str):
                raise UserError(f"{where}: expected a plain word as key, found {key!r}")
        items = {key: _from_plain(value, place, (*path, key), count) for key, value in data.items()}
        return YamlNode(place, {key: Entry(place, node) for key, node in items.items()})
    if isinstance(data, list | tuple):
        return YamlNode(
            place, tuple(_from_plain(each, place, (*path, index), count) for index, each in enumerate(data))
        )
    if hasattr(data, "tolist") and hasattr(data, "dtype"):  # of NumPy, which is not imported for this
        return _from_plain(data.tolist(), place, path, count)
    if isinstance(data, type):
        raise UserError(
            f"{where}: expected a value, found the class {data.__name__}; write {data.__name__}()"
        )
    found = f"{type(data).__module__}.{type(data).__qualname__}"
    raise UserError(f"{where}: expected plain values or layers of cnnlab.layers, found {found}")


class _Composer:
    """Parser events → nodes. Sharing between aliases is kept; their expanded size is what is limited."""

    def __init__(self, text: str, name: str, lines: bool) -> None:
        self.events: Iterator[Any] = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        self.name = name
        self.lines = lines
        self.anchors: dict[str, tuple[YamlNode, int] | None] = {}

    def place(self, event: Any) -> str:
        mark = event.start_mark
        return f"{self.name}:{mark.line + 1}:{mark.column + 1}" if self.lines else self.name

    def document(self) -> YamlNode:
        next(self.events)  # the stream starts
        if isinstance(next(self.events), yaml.StreamEndEvent):
            empty = (
                "the file is empty"
                if self.lines
                else "expected a value, found only a comment; put a value that begins with # in quotes"
            )
            raise UserError(f"{self.name}: {empty}")
        node, _ = self.node(next(self.events), depth=0)
        next(self.events)  # the document ends
        event = next(self.events)
        if not isinstance(event, yaml.StreamEndEvent):
            raise UserError(f"{self.place(event)}: a second YAML document begins here; expected one")
        return node

    def node(self, event: Any, depth: int) -> tuple[YamlNode, int]:
        """The node that begins with `event`, and how many nodes it has when aliases are written out."""
        place = self.place(event)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise UserError(f"{place}: alias *{event.anchor} has no anchor above it")
            known = self.anchors[event.anchor]
            if known is None:
                raise UserError(f"{place}: alias *{event.anchor} contains itself")
            return known
        if depth > MAX_DEPTH:
            raise UserError(f"{place}: nested more than {MAX_DEPTH} levels deep")
        if event.tag is not None and event.tag != "!":
            raise UserError(f"{place}: tag {event.tag} is not allowed; expected plain values")
        if event.anchor:
            self.anchors[event.anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            composed = YamlNode(place, self.scalar(event)), 1
        elif isinstance(event, yaml.SequenceStartEvent):
            composed = self.sequence(place, depth)
        else:
            composed = self.mapping(place, depth)
        if composed[1] > MAX_NODES:
            raise UserError(f"{place}: more than {MAX_NODES:,} values once aliases are expanded")
        if event.anchor:
            self.anchors[event.anchor] = composed
        return composed

    def sequence(self, place: str, depth: int) -> tuple[YamlNode, int]:
        items: list[YamlNode] = []
        size = 1
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            node, nodes = self.node(event, depth + 1)
            items.append(node)
            size += nodes
        return YamlNode(place, tuple(items)), size

    def mapping(self, place: str, depth: int) -> tuple[YamlNode, int]:
        entries: dict[str, Entry] = {}
        size = 1
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            at = self.place(event)
            if not isinstance(event, yaml.ScalarEvent) or event.tag is not None:
                raise UserError(f"{at}: expected a plain word as key")
            if event.value in entries:
                first = entries[event.value].place.removeprefix(self.name + ":")
                already = f"it was first given at {first}" if self.lines else "give it once"
                raise UserError(f"{at}: duplicate key {event.value!r}; {already}")
            node, nodes = self.node(next(self.events), depth + 1)
            entries[event.value] = Entry(at, node)
            size += nodes + 1
        return YamlNode(place, entries), size

    def scalar(self, event: Any) -> bool | int | float | str | None:
        text: str = event.value
        if not event.implicit[0]:  # quoted or a block: always a string
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text):
            if len(text) > MAX_DIGITS:
                raise UserError(
                    f"{self.place(event)}: expected a number of at most {MAX_DIGITS} digits, found "
                    f"{len(text):,}; "
                    "put it in quotes if it is text"
                )
            return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
        return text


def dotted(path: Sequence[str | int]) -> str:
    """("model", "layers", 5, "filters") → model.layers[5].filters"""
    text = ""
    for step in path:
        word = f"[{step}]" if isinstance(step, int) else one_line(step)
        text += f".{word}" if text and isinstance(step, str) else word
    return text


def write_yaml(data: Any) -> str:
    """Plain data → YAML that `parse_yaml` reads back as exactly the same data."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def write_in_line(data: dict[str, Any]) -> str:
    """A mapping in one line, as messages suggest it: {"units": 10} → {units: 10}; texts keep their lines."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, default_flow_style=True, width=math.inf).strip()


class _Dumper(yaml.SafeDumper):
    """Quotes words that are numbers in the core schema and not in PyYAML's YAML 1.1, such as 1e-4."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    ambiguous = bool(text in _WORDS or _INTEGER.fullmatch(text) or _FLOAT.fullmatch(text))
    # Line breaks of Unicode: only between double quotes are they written as escapes, and come back.
    ambiguous = ambiguous or any(mark in text for mark in "\x85\u2028\u2029")
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if ambiguous else None)


_Dumper.add_representer(str, _represent_string)
