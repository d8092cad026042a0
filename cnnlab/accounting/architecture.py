"""Layers + input shape → one row a layer: shapes, parameters, multiplications, what an output sees.

Pure arithmetic, no Keras; that it equals Keras's own is what the tests prove.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cnnlab.accounting.quantities import sum_of_known
from cnnlab.errors import ShapeError
from cnnlab.language.fields import DataFormat, Shape
from cnnlab.layers.base import Layer, SpatialLayer, Weight, times
from cnnlab.layers.graph import IMAGE, GraphNode, path_to_image
from cnnlab.layers.receptive_field import ReceptiveField

NUMBER_BYTES = 4
"""Bytes of a float32: what the summary's memory columns count in."""

MOST_NUMBERS = 10**24
"""What is larger is a mistake, and would be too large a number to print."""


@dataclass(frozen=True)
class Row:
    """One layer of the summary. Shapes are without the batch axis; counts are exact integers.

    `flops`: multiplications and additions, 2 × MACs + one addition for each output that has a bias;
    activations, pooling and normalization are not counted, as in `macs`. `activation_bytes`: the outputs of
    one image as float32. `input_stride`: how many input pixels lie between two neighbouring outputs; None
    where the output is no image. `groups`: into how many parts a convolution splits its channels;
    None for other layers. Counts of a layer that cnnlab does not know are None.
    """

    name: str
    type: str
    output_shape: Shape
    params: int
    trainable_params: int
    macs: int | None
    neurons: int
    receptive_field: tuple[int, int] | None
    dense_equivalent_params: int | None
    locality_saving: float | None
    sharing_saving: float | None
    kernel: tuple[int, int] | None
    stride: tuple[int, int] | None
    params_share: float
    params_bytes: int
    activation_bytes: int
    flops: int | None
    input_stride: tuple[float, float] | None
    groups: int | None


@dataclass(frozen=True)
class Architecture:
    """The summary of a network, and the steps it was counted from."""

    input_shape: Shape
    rows: tuple[Row, ...]
    steps: tuple[LayerStep, ...]

    @property
    def image_axes(self) -> tuple[int, int] | None:
        """Which axes of the input are height and width; None where it is no image."""
        return self.steps[0].image_axes

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
    def macs(self) -> int | None:
        return sum_of_known(row.macs for row in self.rows)

    @property
    def flops(self) -> int | None:
        return sum_of_known(row.flops for row in self.rows)

    @property
    def params_bytes(self) -> int:
        return sum(row.params_bytes for row in self.rows)

    @property
    def activation_bytes(self) -> int:
        """One image and the outputs of all layers for it, as float32."""
        return NUMBER_BYTES * math.prod(self.input_shape) + sum(row.activation_bytes for row in self.rows)

    @property
    def working_bytes(self) -> int:
        """What layers compute on the way to their outputs, for one image."""
        numbers = sum(step.node.layer.working_numbers(step.input_shape) for step in self.steps)
        return NUMBER_BYTES * numbers

    @property
    def neurons(self) -> int:
        return sum(row.neurons for row in self.rows)

    @property
    def dense_equivalent_params(self) -> int | None:
        return sum_of_known(row.dense_equivalent_params for row in self.rows)

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
            "flops": self.flops,
            "params_bytes": self.params_bytes,
            "activation_bytes": self.activation_bytes,
            "layers": [asdict(row) for row in self.rows],
        }


class LayerShapeError(ShapeError):
    """A layer cannot take its input: which one, and the shapes on the way to it."""

    def __init__(self, node: GraphNode, error: ShapeError, shape_path: str) -> None:
        super().__init__(error.problem, error.remedy)
        self.node = node
        self.shape_path = shape_path


@dataclass(frozen=True)
class LayerStep:
    """One node of the network with the shapes that go in and out, and what its outputs see."""

    node: GraphNode
    input_shapes: tuple[Shape, ...]
    output_shape: Shape
    before: ReceptiveField
    after: ReceptiveField
    image_axes: tuple[int, int] | None
    """Which axes of the network's input are height and width; None where it is no image."""

    axes_before: tuple[int, int] | None
    axes_after: tuple[int, int] | None
    """Which axes of its first input, and of its output, the layers take for height and width."""

    @property
    def input_shape(self) -> Shape:
        return self.input_shapes[0]

    @property
    def weights(self) -> tuple[Weight, ...]:
        """None of its own where it shares those of a node before."""
        return () if self.node.shares is not None else self.node.layer.weights_of(self.input_shapes)

    @property
    def params(self) -> int:
        return sum(weight.size for weight in self.weights)

    @property
    def biased_outputs(self) -> int:
        """How many outputs have a bias added."""
        weights = self.node.layer.weights_of(self.input_shapes)
        return math.prod(self.output_shape) if any(each.name == "bias" for each in weights) else 0

    def size(self, field: ReceptiveField) -> tuple[int, int] | None:
        """Height and width of a receptive field, in pixels; None where it is not known."""
        if self.image_axes is None or field.is_unknown:
            return None
        return field.along(self.image_axes[0]).size, field.along(self.image_axes[1]).size

    def jump(self, field: ReceptiveField) -> tuple[float, float] | None:
        """Pixels between neighbours in height and width: whole numbers, but for what was upsampled."""
        if self.image_axes is None or field.is_unknown:
            return None
        jumps = [field.along(axis).jump for axis in self.image_axes]
        rows, columns = (int(each) if each.denominator == 1 else float(each) for each in jumps)
        return rows, columns


def describe(
    nodes: Sequence[GraphNode], input_shape: Shape, data_format: DataFormat | None = None
) -> Architecture:
    """The summary of a network on images of `input_shape`.

    Args:
        data_format: which axes of the input are height and width; None: as the first layer takes them.

    Raises:
        LayerShapeError: a layer cannot take the shape that the layers before it leave.
    """
    steps = trace(nodes, input_shape, data_format)
    total = sum(step.params for step in steps)
    return Architecture(input_shape, tuple(_row(step, total) for step in steps), steps)


def trace(
    nodes: Sequence[GraphNode], input_shape: Shape, data_format: DataFormat | None = None
) -> tuple[LayerStep, ...]:
    """Follow an image through the graph: shapes and fields at every node.

    Raises:
        LayerShapeError: a layer cannot take the shape that the layers before it leave.
    """
    shapes: dict[int, Shape] = {IMAGE: input_shape}
    fields: dict[int, ReceptiveField] = {IMAGE: ReceptiveField.of_one_pixel(input_shape)}
    image_axes = _image_axes(nodes, input_shape, data_format)
    axes: dict[int, tuple[int, int] | None] = {IMAGE: image_axes}
    steps: list[LayerStep] = []
    for position, node in enumerate(nodes):
        feeds = tuple(shapes[each] for each in node.inputs)
        try:
            shapes[position] = node.layer.output_shape_of(feeds)
            if math.prod(shapes[position]) > MOST_NUMBERS:
                raise ShapeError("the output is too large for any machine", "make it smaller")
        except ShapeError as error:
            raise LayerShapeError(node, error, _shape_paths(nodes, shapes, node)) from None
        before = fields[node.inputs[0]]
        for each in node.inputs[1:]:
            before = before.joined(fields[each], node.layer, (feeds[0], shapes[each]))
        fields[position] = before.through(node.layer, feeds[0], shapes[position])
        axes_before = axes[node.inputs[0]]
        axes[position] = _axes_behind(node.layer, axes_before, shapes[position])
        steps.append(
            LayerStep(
                node,
                feeds,
                shapes[position],
                before,
                fields[position],
                image_axes,
                axes_before,
                axes[position],
            )
        )
    return tuple(steps)


def _row(step: LayerStep, total_params: int) -> Row:
    layer, input_shape = step.node.layer, step.input_shape
    params, macs = step.params, layer.macs(input_shape)
    dense = layer.dense_equivalent_params(input_shape)
    local = layer.locally_connected_params(input_shape)
    return Row(
        name=step.node.name,
        type=layer.type(),
        output_shape=step.output_shape,
        params=params,
        trainable_params=sum(weight.size for weight in step.weights if weight.trainable),
        macs=macs,
        neurons=layer.neurons(input_shape),
        receptive_field=step.size(step.after),
        dense_equivalent_params=dense,
        locality_saving=dense / local if dense and local else None,
        sharing_saving=local / params if local and params else None,
        kernel=layer.window.size if layer.window else None,
        stride=layer.window.stride if layer.window else None,
        params_share=params / total_params if total_params else 0.0,
        params_bytes=NUMBER_BYTES * params,
        activation_bytes=0 if layer.only_reshapes else NUMBER_BYTES * math.prod(step.output_shape),
        flops=None if macs is None else 2 * macs + step.biased_outputs,
        input_stride=step.jump(step.after) if len(step.output_shape) == 3 else None,
        groups=_groups(step),
    )


def _axes_behind(layer: Layer, before: tuple[int, int] | None, output_shape: Shape) -> tuple[int, int] | None:
    """Which axes of a layer's output are height and width: as it says itself, or as they were."""
    if len(output_shape) != 3:
        return None
    if isinstance(layer, SpatialLayer):
        return layer.spatial_axes
    order = layer.axes_order
    if before is None or order is None:
        return before
    return order.index(before[0]), order.index(before[1])


def _groups(step: LayerStep) -> int | None:
    layer, input_shape = step.node.layer, step.input_shape
    if not (layer.is_convolution and isinstance(layer, SpatialLayer) and layer.window):
        return None
    return layer.spatial(input_shape)[2] // layer.window_channels(input_shape)


def _image_axes(
    nodes: Sequence[GraphNode], input_shape: Shape, data_format: DataFormat | None
) -> tuple[int, int] | None:
    """Which axes of the input are height and width; unsaid, as the first layer with a window takes them."""
    if len(input_shape) != 3:
        return None
    if data_format is None:
        layers = (node.layer for node in nodes)
        first = next((each for each in layers if isinstance(each, SpatialLayer) and each.window), None)
        data_format = first.data_format if first else "channels_last"
    return (1, 2) if data_format == "channels_first" else (0, 1)


def _shape_paths(nodes: Sequence[GraphNode], shapes: dict[int, Shape], node: GraphNode) -> str:
    """The shapes on the way to a layer; where branches meet, a line for each, from where they parted."""
    paths = [[IMAGE, *reversed(path_to_image(nodes, each))] for each in node.inputs]
    if len(paths) == 1:
        return _shape_path(nodes, shapes, paths[0])
    fork = max(set(paths[0]).intersection(*paths[1:]))
    width = max(map(len, node.branches)) + 1
    return "\n   ".join(
        f"{branch + ':':{width}} {_shape_path(nodes, shapes, path[path.index(fork) :])}"
        for branch, path in zip(node.branches, paths, strict=True)
    )


def _shape_path(nodes: Sequence[GraphNode], shapes: dict[int, Shape], path: Sequence[int]) -> str:
    """28×28×1 → Conv2D 26×26×25 → MaxPooling2D 13×13×25 → … → 1×1×50"""
    steps = [times(shapes[path[0]])]
    steps += [f"{nodes[each].layer.type()} {times(shapes[each])}" for each in path[1:]]
    if len(steps) > 4:
        steps = [*steps[:3], "…", times(shapes[path[-1]])]
    return " → ".join(steps)
