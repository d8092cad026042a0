"""A Keras model as a block of the model language: models within are opened, each call becomes a node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cnnlab.backend import DeviceName, start_if_needed
from cnnlab.cpu_settings import BackendName
from cnnlab.errors import ShapeError
from cnnlab.language.fields import Shape
from cnnlab.layers.base import Layer, times
from cnnlab.layers.from_keras.classes import MODELS
from cnnlab.layers.from_keras.layer import KerasLayer, keras_layer
from cnnlab.layers.from_keras.translation import translated
from cnnlab.layers.graph import Block, BlockPath, Graph, KerasSettings, Where

Data = dict[str, Any]

PLACE: Where = ("model", "keras")


class KerasNetwork(Block):
    """The layers of a Keras model, as `read_keras` leaves them, on images of `input_shape`.

    Layers of models within are named by path; the second call of a layer is called conv2d_1_call2 and has
    the weights of the first. What `backend` and `device` are is told to Keras if it has to be asked for
    the shape of a layer and does not run yet.
    """

    model: Data
    input_shape: Shape
    backend: BackendName
    device: DeviceName

    @property
    def paths(self) -> tuple[BlockPath, ...]:
        return ()

    def expand(self, graph: Graph, feed: int, name: str, where: Where) -> int:
        walk = _Walk(graph, self, {feed: self.input_shape})
        end = walk.through(self.model, feed, "", PLACE)
        if end == feed:
            raise ShapeError("the model has no layer between its input and its output", "add one")
        return end


def declared_input(model: Data) -> tuple[tuple[int | None, ...], Where] | None:
    """The shape of a model's input as its first layer says it, and where; None where it does not say."""
    place: Where = (*PLACE, "config", "layers")
    while True:
        layers = model["config"]["layers"]
        if model["class_name"] == "Functional":
            wanted = model["config"]["input_layers"][0]
            index = next(i for i, each in enumerate(layers) if each["config"].get("name") == wanted)
        else:
            index = 0
        model, place = layers[index], (*place, index, "config")
        if model["class_name"] == "InputLayer":
            return tuple(model["config"]["shape"]), (*place, "shape")
        if model["class_name"] not in MODELS:
            return None
        place = (*place, "layers")


def foreign(model: Data, where: Where = PLACE) -> Iterator[tuple[Where, str]]:
    """The layers of a model, and of those within, that cnnlab has no layer for: where, and of which class."""
    for index, entry in enumerate(model["config"]["layers"]):
        class_name, place = entry["class_name"], (*where, "config", "layers", index)
        if class_name in MODELS:
            yield from foreign(entry, place)
        elif class_name != "InputLayer" and translated(class_name, entry["config"]) is None:
            yield (*place, "config"), class_name


@dataclass
class _Walk:
    """Puts the layers of a model and of the models within into a graph, call by call."""

    graph: Graph
    network: KerasNetwork
    shapes: dict[int, Shape | None]  # of every node's output; None where a layer before does not fit
    first: dict[str, int] = field(default_factory=dict)  # by name, the first call of a layer
    calls: Counter[str] = field(default_factory=Counter)
    weights: dict[str, list[Shape]] = field(default_factory=dict)  # by name, of that first call

    def through(self, model: Data, feed: int, path: str, where: Where) -> int:
        """Append a model's layers, from `feed` on; returns where its output is."""
        at = (*where, "config", "layers")
        layers: list[Data] = model["config"]["layers"]
        if model["class_name"] == "Sequential":
            for index, entry in enumerate(layers):
                if entry["class_name"] != "InputLayer":
                    feed = self._call(entry, [feed], path, (*at, index), apart=True)
            return feed
        calls = dict(_calls(layers))
        tensors = {model["config"]["input_layers"][0]: feed}
        for reference in _in_order(calls, model["config"]["output_layers"][0], set(tensors)):
            index, arguments = calls[reference]
            apart = not isinstance(arguments[0], list)
            feeds = [tensors[each] for each in (arguments if apart else arguments[0])]
            tensors[reference] = self._call(layers[index], feeds, path, (*at, index), apart=apart)
        return tensors[model["config"]["output_layers"][0]]

    def _call(self, entry: Data, feeds: list[int], path: str, where: Where, *, apart: bool) -> int:
        """Append one layer, or what is in a model."""
        name = path + entry["config"]["name"]
        if entry["class_name"] in MODELS:
            if len(feeds) > 1:
                raise ShapeError(f"model {name} is called with several tensors", "call it with one")
            return self.through(entry, feeds[0], f"{name}/", where)
        self.calls[name] += 1
        shared = self.first.get(name)
        layer, settings = self._layer(entry, feeds, apart=apart)
        again = f"_call{self.calls[name]}" if shared is not None else ""
        branches = tuple(f"input {number}" for number in range(1, len(feeds) + 1)) if len(feeds) > 1 else ()
        position = self.graph.add(
            layer, tuple(feeds), name + again, (*where, "config"), branches, shares=shared, settings=settings
        )
        self.first.setdefault(name, position)
        shapes = self._shapes(feeds)
        self.shapes[position] = _output_shape(layer, shapes) if shapes else None
        if shapes and self.shapes[position] is not None:
            weights = [weight.shape for weight in layer.weights_of(shapes)]
            if self.weights.setdefault(name, weights) != weights:
                raise ShapeError(
                    f"layer {name} is called again on {times(shapes[0])}, which its weights do not fit",
                    "put a layer of its own there",
                )
        return position

    def _layer(self, entry: Data, feeds: list[int], *, apart: bool) -> tuple[Layer, KerasSettings | None]:
        """A layer of cnnlab's own language where it does the same to this input, else one of Keras's."""
        class_name, config = entry["class_name"], entry["config"]
        known = translated(class_name, config) if len(feeds) == 1 or not apart else None
        shapes = self._shapes(feeds)
        fits = known is not None and (shapes is None or _output_shape(known.layer, shapes) is not None)
        if known is not None and fits:
            settings = {key: each for key, each in config.items() if key != "name"}
            return known.layer, None if known.is_whole else KerasSettings(class_name, settings)
        if self.network.backend == "scratch":
            raise ShapeError(
                f"backend scratch has no {class_name} for the input of {entry['config']['name']}",
                "leave it out, or use another backend, such as --backend tensorflow",
            )
        start_if_needed(self.network)
        layer: KerasLayer = keras_layer(class_name, config, separate_inputs=apart and len(feeds) > 1)
        if known is not None and shapes and _output_shape(layer, shapes) is None:
            return known.layer, None  # neither takes it: cnnlab's own layer says it more clearly
        return layer, None

    def _shapes(self, feeds: list[int]) -> tuple[Shape, ...] | None:
        shapes = [self.shapes[each] for each in feeds]
        return None if None in shapes else tuple(each for each in shapes if each is not None)


def _output_shape(layer: Layer, shapes: tuple[Shape, ...]) -> Shape | None:
    try:
        return layer.output_shape_of(shapes)
    except ShapeError:
        return None


def _calls(layers: list[Data]) -> Iterator[tuple[str, tuple[int, list[Any]]]]:
    """Every call of a functional model by its name: which layer is called, and with what."""
    for index, entry in enumerate(layers):
        name = entry["config"]["name"]
        for number, arguments in enumerate(entry.get("inbound_nodes", ()), start=1):
            yield name + (f"_call{number}" if number > 1 else ""), (index, arguments)


def _in_order(calls: dict[str, tuple[int, list[Any]]], output: str, done: set[str]) -> Iterator[str]:
    """The calls that the output needs, each behind those it needs itself, one branch after the other.

    Raises:
        ShapeError: they go round in a circle, or another input is needed.
    """
    done = set(done)
    waiting = [(output, False)]
    open_: set[str] = set()
    while waiting:
        reference, inputs_are_done = waiting.pop()
        if reference in done:
            continue
        if inputs_are_done:
            done.add(reference)
            yield reference
            continue
        if reference in open_:
            raise ShapeError(
                f"layer {reference} needs its own output", "take the circle out of inbound_nodes"
            )
        if reference not in calls:
            raise ShapeError(f"layer {reference} is a second input", "expected a model with one input")
        open_.add(reference)
        arguments = calls[reference][1]
        needed = arguments[0] if isinstance(arguments[0], list) else arguments
        waiting.append((reference, True))
        waiting += [(each, False) for each in reversed(needed)]
