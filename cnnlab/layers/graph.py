"""A list of layers, blocks included → the flat graph of simple layers that it stands for.

The one place that knows how layers are wired and named: the summary, the Keras model and the drawing
all walk the same nodes. Only blocks know how they expand.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnlab.errors import ShapeError
from cnnlab.layers.base import Layer, snake_case

if TYPE_CHECKING:
    import keras

IMAGE = -1
"""Stands among a node's inputs for the network's own input."""

MAX_LAYERS = 10_000
"""More than ten times the deepest published networks; nested blocks multiply fast."""

Where = tuple[str | int, ...]


class KerasSettings(NamedTuple):
    """A Keras layer as Keras writes it: its class, and settings that cnnlab's layer of that name lacks."""

    class_name: str
    config: Mapping[str, Any]


@dataclass(frozen=True)
class GraphNode:
    """One layer of the network, where its inputs come from and where the config describes it."""

    name: str
    layer: Layer
    inputs: tuple[int, ...]  # positions in Graph.nodes, or IMAGE
    where: Where
    branches: tuple[str, ...] = ()  # what the inputs of a merge are called
    shares: int | None = None  # the position of the node whose weights this one has, if it has none itself
    settings: KerasSettings | None = None  # what it is built from, if not from the layer's fields

    @property
    def keras_name(self) -> str:
        """residual_1>conv2d_2: TensorFlow takes no / in a layer's name, PyTorch no dot."""
        return self.name.replace("/", ">")

    def build(self, dtype: str) -> keras.layers.Layer:
        """The Keras layer, with weights of its own; `dtype` is a policy: mixed_bfloat16."""
        if self.settings is None:
            return self.layer.build(self.keras_name, dtype)
        from cnnlab.layers.from_keras.layer import deserialized

        return deserialized(*self.settings, name=self.keras_name, dtype=dtype)


@dataclass
class Graph:
    """Nodes in the order of computation; the last one is the network's output."""

    nodes: list[GraphNode] = field(default_factory=list)

    def add(
        self,
        layer: Layer,
        inputs: tuple[int, ...],
        name: str,
        where: Where,
        branches: tuple[str, ...] = (),
        *,
        shares: int | None = None,
        settings: KerasSettings | None = None,
    ) -> int:
        """Append one simple layer; returns its position.

        Raises:
            ShapeError: the blocks stand for more layers than anyone has built.
        """
        if len(self.nodes) == MAX_LAYERS:
            raise ShapeError(
                f"more than {MAX_LAYERS:,} layers when all blocks are expanded", "use fewer repetitions"
            )
        self.nodes.append(GraphNode(name, layer, inputs, where, branches, shares, settings))
        return len(self.nodes) - 1

    def chain(
        self, layers: Sequence[Layer], feed: int, where: Where, scope: str = "", rounds: int = 1
    ) -> int:
        """Append layers one after the other, from `feed` on; returns where the last one's output is.

        `scope`, such as "residual_1/", goes before their names.
        """
        names = names_of([(layer.type(), layer.name) for layer in layers], rounds=rounds)
        for _ in range(rounds):
            for index, layer in enumerate(layers):
                name, place = scope + next(names), (*where, index)
                if isinstance(layer, Block):
                    feed = layer.expand(self, feed, name, place)
                else:
                    feed = self.add(layer, (feed,), name, place)
        return feed


class BlockPath(NamedTuple):
    """One way through a block; without layers its input as it is."""

    where: Where  # in the config, below the block
    layers: tuple[Layer, ...]
    is_shortcut: bool = False


class Block(Layer):
    """A layer that stands for several. Its inner layers are named by path: residual_1/conv2d_2."""

    @property
    @abstractmethod
    def paths(self) -> tuple[BlockPath, ...]:
        """The ways through the block, in the order of its nodes: one, repeated, or several that merge.

        None where the block is the whole network: its nodes alone then say how it branches.
        """

    @property
    def rounds(self) -> int:
        """How often a single path is repeated."""
        return 1

    @abstractmethod
    def expand(self, graph: Graph, feed: int, name: str, where: Where) -> int:
        """Add the layers that the block is made of, fed by node `feed`; returns where its output is."""


def names_of(layers: Sequence[tuple[str, str | None]], *, rounds: int = 1) -> Iterator[str]:
    """What the layers of one list are called, from the type of each and the name that it was given, if any.

    A layer without a name is called by its type and how many so called came before it in this list: conv2d_1,
    conv2d_2. (One that was named conv2d counts, conv2d_1 and first do not.) With several rounds the count
    goes on, as if the list had been written out, and names get a number too.
    """
    seen: Counter[str] = Counter()
    for _ in range(rounds):
        for kind, name in layers:
            stem = name or snake_case(kind)
            seen[stem] += 1
            yield name if name and rounds == 1 else f"{stem}_{seen[stem]}"


def expand(layers: Sequence[Layer]) -> tuple[GraphNode, ...]:
    """The nodes of a config's `model.layers`."""
    graph = Graph()
    graph.chain(layers, IMAGE, ("model", "layers"))
    return tuple(graph.nodes)


def path_to_image(nodes: Sequence[GraphNode], position: int) -> list[int]:
    """From a node back to the image, by the first input of each node; the image is left out."""
    path: list[int] = []
    while position != IMAGE:
        path.append(position)
        position = nodes[position].inputs[0]
    return path
