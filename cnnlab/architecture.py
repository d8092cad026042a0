"""Layers + input shape → one row a layer: shapes, parameters, multiplications, what an output sees.

Pure arithmetic, no Keras; that it equals Keras's own is what the tests prove.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cnnlab.errors import ShapeError
from cnnlab.fields import Shape
from cnnlab.layers.base import Layer, SpatialLayer, times
from cnnlab.layers.graph import IMAGE, Node, expand


@dataclass(frozen=True)
class Row:
    """One layer of the summary. Shapes are without the batch axis; counts are exact integers."""

    name: str
    type: str
    output_shape: Shape
    params: int
    trainable_params: int
    macs: int
    neurons: int
    receptive_field: tuple[int, int] | None
    dense_equivalent_params: int
    locality_saving: float | None
    sharing_saving: float | None


@dataclass(frozen=True)
class Architecture:
    """The summary of a network."""

    input_shape: Shape
    rows: tuple[Row, ...]

    @property
    def output_shape(self) -> Shape:
        return self.rows[-1].output_shape

    @property
    def total_params(self) -> int:
        return sum(row.params for row in self.rows)

    @property
    def trainable_params(self) -> int:
        return sum(row.trainable_params for row in self.rows)

    @property
    def non_trainable_params(self) -> int:
        return self.total_params - self.trainable_params

    @property
    def macs(self) -> int:
        return sum(row.macs for row in self.rows)

    @property
    def neurons(self) -> int:
        return sum(row.neurons for row in self.rows)

    @property
    def dense_equivalent_params(self) -> int:
        return sum(row.dense_equivalent_params for row in self.rows)

    def as_dict(self, name: str) -> dict[str, Any]:
        """The JSON document of `cnnlab summary NAME --json`."""
        return {
            "name": name,
            "input_shape": self.input_shape,
            "total_params": self.total_params,
            "trainable_params": self.trainable_params,
            "non_trainable_params": self.non_trainable_params,
            "macs": self.macs,
            "neurons": self.neurons,
            "dense_equivalent_params": self.dense_equivalent_params,
            "layers": [asdict(row) for row in self.rows],
        }


class Misfit(ShapeError):
    """A layer cannot take its input: which one, and the shapes on the way to it."""

    def __init__(self, node: Node, error: ShapeError, ladder: str) -> None:
        super().__init__(error.problem, error.remedy)
        self.node = node
        self.ladder = ladder


@dataclass(frozen=True)
class Sight:
    """What one output sees of the network's input, axis by axis of the tensor it stands in.

    `extent` is how far it sees along each axis, in input steps; `jump` how far two neighbouring outputs
    lie apart there (Araujo, Norris & Sim 2019, doi 10.23915/distill.00021).
    """

    extent: tuple[int, ...]
    jump: tuple[int, ...]

    def through(self, layer: Layer, input_shape: Shape, whole: Shape) -> Sight:
        """The sight behind a layer; `whole` is the shape of the network's input."""
        if layer.sees_everything or len(self.extent) != len(input_shape):
            return Sight(whole, (1,) * len(whole))
        if layer.window is None or not isinstance(layer, SpatialLayer):
            return self
        extent, jump = list(self.extent), list(self.jump)
        for axis, size, stride in zip(
            layer.spatial_axes, layer.window.extent, layer.window.stride, strict=True
        ):
            extent[axis] = min(extent[axis] + (size - 1) * jump[axis], whole[axis])
            jump[axis] *= stride
        if layer.locally_connected_params(input_shape) is not None:  # a kernel spans all channels
            extent[layer.channel_axis] = whole[layer.channel_axis]
        return Sight(tuple(extent), tuple(jump))

    def joined(self, other: Sight) -> Sight:
        """The larger sight where two branches meet."""
        if len(self.extent) != len(other.extent):
            return max(self, other, key=lambda sight: math.prod(sight.extent))
        extent = tuple(max(pair) for pair in zip(self.extent, other.extent, strict=True))
        jump = tuple(max(pair) for pair in zip(self.jump, other.jump, strict=True))
        return Sight(extent, jump)


def describe(layers: Sequence[Layer], input_shape: Shape) -> Architecture:
    """The summary of a list of layers on images of `input_shape`.

    Raises:
        Misfit: a layer cannot take the shape that the layers before it leave.
    """
    nodes = expand(layers)
    shapes: dict[int, Shape] = {IMAGE: input_shape}
    sights: dict[int, Sight] = {IMAGE: Sight((1,) * len(input_shape), (1,) * len(input_shape))}
    image_axes = _image_axes(nodes, input_shape)
    rows: list[Row] = []
    for position, node in enumerate(nodes):
        feeds = tuple(shapes[each] for each in node.inputs)
        try:
            shapes[position] = node.layer.output_shape_of(feeds)
        except ShapeError as error:
            raise Misfit(node, error, _ladder(nodes, shapes, node.inputs[0])) from None
        sight = sights[node.inputs[0]]
        for each in node.inputs[1:]:
            sight = sight.joined(sights[each])
        sights[position] = sight = sight.through(node.layer, feeds[0], input_shape)
        field = (sight.extent[image_axes[0]], sight.extent[image_axes[1]]) if image_axes else None
        rows.append(_row(node, feeds[0], shapes[position], field))
    return Architecture(input_shape, tuple(rows))


def _row(node: Node, input_shape: Shape, output_shape: Shape, field: tuple[int, int] | None) -> Row:
    layer = node.layer
    weights = layer.weights(input_shape)
    params = sum(weight.size for weight in weights)
    dense = layer.dense_equivalent_params(input_shape)
    local = layer.locally_connected_params(input_shape)
    return Row(
        name=node.name,
        type=layer.type(),
        output_shape=output_shape,
        params=params,
        trainable_params=sum(weight.size for weight in weights if weight.trainable),
        macs=layer.macs(input_shape),
        neurons=layer.neurons(input_shape),
        receptive_field=field,
        dense_equivalent_params=dense,
        locality_saving=dense / local if local else None,
        sharing_saving=local / params if local else None,
    )


def _image_axes(nodes: Sequence[Node], input_shape: Shape) -> tuple[int, int] | None:
    """Which axes of the input are height and width, as the first layer that asks takes them."""
    if len(input_shape) != 3:
        return None
    first = next((node.layer for node in nodes if isinstance(node.layer, SpatialLayer)), None)
    return first.spatial_axes if first else (0, 1)


def _ladder(nodes: Sequence[Node], shapes: dict[int, Shape], last: int) -> str:
    """28×28×1 → Conv2D 26×26×25 → MaxPooling2D 13×13×25 → … → 1×1×50"""
    path = [last]
    while path[-1] != IMAGE:
        path.append(nodes[path[-1]].inputs[0])
    steps = [times(shapes[IMAGE])]
    steps += [f"{nodes[each].layer.type()} {times(shapes[each])}" for each in reversed(path[:-1])]
    if len(steps) > 4:
        steps = [*steps[:3], "…", times(shapes[last])]
    return " → ".join(steps)
