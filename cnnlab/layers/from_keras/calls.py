"""The layers of a model by name, and their calls: what goes into each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cnnlab.errors import suggestion
from cnnlab.language.fields import as_written
from cnnlab.layers.base import snake_case
from cnnlab.layers.from_keras.settings import Data, Loc, Refused, class_name_of

_NAME = re.compile(r"[A-Za-z0-9_-]+")


@dataclass
class Names:
    """What the layers of a model are called: by Keras, and in what is written down."""

    new: list[str]  # by the layer's position
    shown: list[str]  # the same, as the user knows it
    by_old: dict[str, str]
    calls: dict[str, int]  # by the old name

    @classmethod
    def of(cls, entries: list[Any], loc: Loc) -> Names:
        """Names that Keras counted up begin at 1 for each type; given ones stay.

        A name that looks as if Keras had counted it up is taken for one: conv2d, conv2d_7.
        """
        old: list[tuple[str, str | None]] = []
        for index, entry in enumerate(entries):
            try:
                kind = class_name_of(entry, (*loc, index))
            except Refused:
                kind = ""  # said when the layer itself is read
            config = entry.get("config") if isinstance(entry, dict) else None
            name = config.get("name") if isinstance(config, dict) else None
            if name is None and isinstance(entry, dict):
                name = entry.get("name")
            old.append((kind, name if isinstance(name, str) else None))
        given = {name for kind, name in old if name and not is_counted(kind, name)}
        counts: Counter[str] = Counter()
        new: list[str] = []
        for index, (kind, name) in enumerate(old):
            if name and not is_counted(kind, name):
                new.append(valid_name(name, (*loc, index, "config")))
                continue
            stem = snake_case(kind)
            counts[stem] += 1
            while f"{stem}_{counts[stem]}" in given:
                counts[stem] += 1
            new.append(f"{stem}_{counts[stem]}")
        by_old: dict[str, str] = {}
        for index, ((_, name), written) in enumerate(zip(old, new, strict=True)):
            if name in by_old:
                raise Refused(f"two layers are called {name!r}", (*loc, index, "config", "name"))
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
            raise Refused(f"there is no layer {name!r}; {suggestion(name, self.by_old)}", loc)
        if not 0 <= call < max(1, self.calls[name]):
            times = "once" if self.calls[name] == 1 else f"{self.calls[name]} times"
            raise Refused(f"layer {name!r} is called {times}, not {call + 1} times", loc)
        return self.by_old[name] + (f"_call{call + 1}" if call else "")

    def as_written(self, text: str, loc: Loc) -> str:
        """A reference that is one already, under the new names."""
        again = re.fullmatch(r"(.+)_call([0-9]{1,6})", text)
        if again and text not in self.by_old and again[1] in self.by_old:
            return self.reference(again[1], int(again[2]) - 1, loc)
        return self.reference(text, 0, loc)


def inbound(entry: Data, loc: Loc, names: Names) -> Data:
    """For each call of a layer: the names of its arguments; a list among them is one argument."""
    nodes = entry.get("inbound_nodes", [])
    at = (*loc, "inbound_nodes")
    if not isinstance(nodes, list):
        raise Refused(f"expected a list of calls, found {as_written(nodes)}", at)
    if is_input(entry):
        return {}
    if not nodes:
        raise Refused("this layer is never called; leave it out", at, kind="key")
    return {"inbound_nodes": [_call(node, (*at, index), names) for index, node in enumerate(nodes)]}


def _call(node: Any, loc: Loc, names: Names) -> list[Any]:
    args = node.get("args") if isinstance(node, dict) else node
    if not isinstance(args, list):
        raise Refused(f"expected a call's arguments, found {as_written(args)}", loc)
    kwargs = node.get("kwargs") if isinstance(node, dict) else {}
    for key, value in (kwargs or {}).items():
        # Whether it trains is said by whoever calls the whole model, in Keras too.
        if key != "training" and value is not None:
            raise Refused(
                f"is called with {key}=…; call it with tensors by position only, and set the rest when "
                "the layer is made",
                loc,
            )
    while args and args[-1] is None:
        args = args[:-1]
    call = [_argument(each, names, loc) for each in args]
    lists = [each for each in call if isinstance(each, list)]
    if not call or (lists and len(call) > 1) or any(len(each) < 2 for each in lists):
        raise Refused("expected a call with one tensor, with several, or with one list of several", loc)
    return call


def _argument(value: Any, names: Names, loc: Loc) -> str | list[str]:
    reference = _reference(value, names, loc)
    if reference is not None:
        return reference
    if not isinstance(value, list):
        raise Refused(f"is called with {as_written(value)}; a call takes tensors only", loc)
    found = [_reference(each, names, loc) for each in value]
    if None in found:
        raise Refused("is called with a list that holds more than tensors; a call takes tensors only", loc)
    return [each for each in found if each is not None]


def references(value: Any, names: Names, loc: Loc) -> Iterator[str]:
    """All tensors in what Keras writes for a model's inputs or outputs: ["dense", 0, 0], or several."""
    reference = _reference(value, names, loc)
    if reference is not None:
        yield reference
    elif isinstance(value, list):
        for each in value:
            yield from references(each, names, loc)
    elif isinstance(value, dict):
        for each in value.values():
            yield from references(each, names, loc)
    else:
        raise Refused(f"expected the name of a layer, found {as_written(value)}", loc)


def _reference(value: Any, names: Names, loc: Loc) -> str | None:
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
        raise Refused(f"layer {name!r} gives several tensors; expected layers that give one", loc)
    return names.reference(name, call, loc)


def valid_name(name: str, loc: Loc) -> str:
    """The name, as TensorFlow and a path in the summary can take it.

    Raises:
        Refused: they cannot.
    """
    if not _NAME.fullmatch(name):
        message = f"a layer is called {as_written(name)}; expected letters, digits, - and _ only"
        raise Refused(message, (*loc, "name"))
    return name


def is_counted(kind: str, name: str) -> bool:
    """Whether Keras, or cnnlab, gave a layer of this class its name: conv2d, conv2d_7."""
    words = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", kind)
    stems = {snake_case(kind), re.sub("([a-z])([A-Z])", r"\1_\2", words).lower()}
    return any(re.fullmatch(rf"{re.escape(stem)}(_[0-9]+)?", name) for stem in stems)


def is_input(entry: Any) -> bool:
    """Whether an entry is a model's input."""
    return isinstance(entry, dict) and entry.get("class_name") == "InputLayer"
