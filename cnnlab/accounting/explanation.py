"""A layer's row of the summary, worked out in words and numbers as on a blackboard."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from cnnlab.accounting.architecture import Architecture, Row, Step
from cnnlab.accounting.quantities import exactly, factor, share
from cnnlab.errors import unknown
from cnnlab.language.fields import as_written
from cnnlab.layers.base import Layer, SpatialLayer, Weight, Window, times
from cnnlab.layers.convolution import Conv2DTranspose, SeparableConv2D


@dataclass(frozen=True)
class Section:
    """One question about a layer, and its answer line by line."""

    title: str
    lines: tuple[str, ...]


def explain(architecture: Architecture, name: str) -> tuple[Section, ...]:
    """Where every number of a layer's row comes from.

    Raises:
        UserError: the network has no layer of that name.
    """
    rows = {row.name: (step, row) for step, row in zip(architecture.steps, architecture.rows, strict=True)}
    if name not in rows:
        raise unknown("layer", name, rows)
    step, row = rows[name]
    sections = [
        Section("What it does", (_purpose(step.node.layer),)),
        Section(f"The output: {times(step.output_shape)}", tuple(_output(step))),
        Section(f"The parameters: {row.params:,}", tuple(_parameters(step, row, architecture))),
        Section(f"The work: {exactly(row.macs)} MACs", tuple(_work(step, row))),
    ]
    if row.receptive_field:
        title = f"What one output sees: {times(row.receptive_field)} pixels"
        sections.append(Section(title, tuple(_sight(step, row, architecture))))
    if row.locality_saving and row.sharing_saving:
        title = f"A Dense layer in its place: {row.dense_equivalent_params:,} parameters"
        sections.append(Section(title, tuple(_dense_equivalent(step, row))))
    return tuple(sections)


def _purpose(layer: Layer) -> str:
    """The first paragraph of the class's docstring, with the layer's own numbers for its settings."""
    text = inspect.getdoc(type(layer)) or layer.type()
    return re.sub(
        r"`(\w+)`",
        lambda name: _setting(layer, name[1]),
        " ".join(text.split("\n\n")[0].split()),
    )


def _setting(layer: Layer, name: str) -> str:
    """The value of a field; whatever else a docstring puts in quotes stays a word."""
    value = getattr(layer, name) if name in type(layer).model_fields else name
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str) or (isinstance(value, tuple) and len(set(map(str, value))) == 1):
        return str(value if isinstance(value, str) else value[0])
    return times(value) if isinstance(value, tuple) else as_written(value)


def _output(step: Step) -> Iterator[str]:
    layer, shape, total = step.node.layer, step.output_shape, math.prod(step.output_shape)
    if len(step.input_shapes) > 1:
        yield from _merged(step)
    elif layer.type() == "Dense":
        yield f"One output for each of its {shape[0]:,} units: {shape[0]:,} numbers."
    elif layer.type() == "Flatten":
        yield f"The image written as one row: {_product(step.input_shape)} = {total:,} numbers."
    elif isinstance(layer, Conv2DTranspose):
        yield from _laid_down(step, layer)
    elif layer.window is not None and isinstance(layer, SpatialLayer) and len(shape) == 3:
        yield from _slid(step, layer, layer.window)
    elif shape == step.input_shape:
        yield f"The shape stays {times(shape)}: each number is changed where it stands."
    else:
        yield f"{times(step.input_shape)} comes in, {times(shape)} goes out: {total:,} numbers."


def _merged(step: Step) -> Iterator[str]:
    branches = ", ".join(times(shape) for shape in step.input_shapes[:-1])
    yield f"{len(step.input_shapes)} branches meet: {branches} and {times(step.input_shapes[-1])}."
    shape = step.output_shape
    if all(each == shape for each in step.input_shapes):
        yield f"All have the same shape, and it stays: {times(shape)}."
        return
    sizes = list(zip(*step.input_shapes, shape, strict=True))
    for position, (*parts, whole) in enumerate(sizes):
        if len(set(parts)) > 1 or parts[0] != whole:
            what = "channels" if position == len(sizes) - 1 else f"axis {position + 1}"
            yield f"Laid behind each other: {' + '.join(map(str, parts))} = {whole:,} {what}."


def _laid_down(step: Step, layer: Conv2DTranspose) -> Iterator[str]:
    height, width, _ = layer.spatial(step.input_shape)
    rows, columns, maps = layer.spatial(step.output_shape)
    yield (
        f"Each of the {height}×{width} places lays a patch of {times(layer.kernel_size)} down on the output. "
        f"Patches begin {times(layer.strides)} apart and add up where they overlap: {rows}×{columns}."
    )
    total = rows * columns * maps
    yield f"One map for each of the {maps} filters: {rows} × {columns} × {maps} = {total:,} numbers."


def _slid(step: Step, layer: SpatialLayer, window: Window) -> Iterator[str]:
    """How many places the window takes along each axis, and how many maps there are."""
    height, width, channels = layer.spatial(step.input_shape)
    rows, columns, maps = layer.spatial(step.output_shape)
    what = "kernel" if step.weights else "window"
    if window.dilation != (1, 1):
        yield (
            f"Dilated by {times(window.dilation)}, the {times(window.size)} {what} spans "
            f"{times(window.extent)} of its input."
        )
    if window.padding == "same":
        yield f"The edges are padded, so that only the stride counts: ⌈size / stride⌉ places for the {what}."
    else:
        yield f"A {what} of size k fits into n places at ⌊(n − k) / stride⌋ + 1 positions."
    along_rows = _places(height, rows, window, 0)
    if (height, window.extent[0], window.stride[0]) == (width, window.extent[1], window.stride[1]):
        yield f"Rows: {along_rows}; columns the same."
    else:
        yield f"Rows: {along_rows}; columns: {_places(width, columns, window, 1)}."
    total = f"{rows} × {columns} × {maps} = {rows * columns * maps:,} numbers"
    if isinstance(layer, SeparableConv2D):
        between = channels * layer.depth_multiplier
        kernels = "a kernel" if layer.depth_multiplier == 1 else f"{layer.depth_multiplier} kernels"
        yield (
            f"Each of the {channels} channels has {kernels} of its own, and each leaves one map of "
            f"{rows}×{columns}: {between} maps in between."
        )
        yield f"{maps} kernels of 1×1 span all {between} of them and leave one map each: {total}."
        return
    if not step.weights:
        yield f"Each of the {channels} channels is pooled on its own: {total}."
        return
    yield f"Each of the {maps} kernels leaves one map of {rows}×{columns}: {total}."
    if layer.type() == "Conv2D" and channels > 1 and getattr(layer, "groups", 1) == 1:
        yield (
            f"{maps} maps and not {channels} × {maps} = {channels * maps:,}, because a kernel spans all "
            f"{channels} input channels and sums over them."
        )


def _places(size: int, found: int, window: Window, axis: int) -> str:
    extent, stride = window.extent[axis], window.stride[axis]
    if window.padding == "same":
        return f"⌈{size} / {stride}⌉ = {found}"
    return f"⌊({size} − {extent}) / {stride}⌋ + 1 = {found}"


def _parameters(step: Step, row: Row, architecture: Architecture) -> Iterator[str]:
    weights = step.weights
    if not weights:
        yield "None: there is nothing to learn in it."
        return
    layer = step.node.layer
    by_name = {weight.name: weight for weight in weights}
    if layer.type() == "Conv2D":
        yield from _kernels(by_name)
    elif layer.type() == "Dense":
        inputs, units = by_name["kernel"].shape
        bias = " and 1 bias" if "bias" in by_name else ""
        each = inputs + ("bias" in by_name)
        yield f"One unit has a weight for each of the {inputs:,} inputs{bias}: {each:,}."
        yield f"{units:,} units: {units:,} × {each:,} = {row.params:,}."
    else:
        yield from (_array(weight) for weight in weights)
        if len(weights) > 1:
            yield f"Together {' + '.join(f'{weight.size:,}' for weight in weights)} = {row.params:,}."
    if isinstance(layer, SpatialLayer) and layer.window is not None:
        yield "The size of the image does not occur in it: the same kernels serve every place."
    frozen = row.params - row.trainable_params
    if frozen:
        yield f"{row.trainable_params:,} are trained; {frozen:,} follow the data and are not."
    if row.params < architecture.total_params:
        yield f"{share(row.params_share)} % of the network's {architecture.total_params:,} parameters."


def _kernels(weights: dict[str, Weight]) -> Iterator[str]:
    height, width, channels, filters = weights["kernel"].shape
    biased = "bias" in weights
    each = height * width * channels + biased
    bias = f", and 1 bias: {each:,}" if biased else ""
    yield f"One kernel has {height} × {width} × {channels} = {each - biased:,} weights{bias}."
    yield f"{filters} kernels: {filters} × {each:,} = {filters * each:,}."


def _array(weight: Weight) -> str:
    name = weight.name.replace("_", " ")
    if len(weight.shape) == 1:
        return f"{name}: {weight.size:,}."
    return f"{name}: {_product(weight.shape)} = {weight.size:,}."


def _work(step: Step, row: Row) -> Iterator[str]:
    if row.macs is None:
        yield "A layer of Keras's own: cnnlab does not count its multiplications."
        return
    if not row.macs:
        yield "A MAC is a multiplication with a weight, added to a sum; this layer has none that count."
        return
    outputs, inputs = math.prod(step.output_shape), math.prod(step.input_shape)
    layer = step.node.layer
    if isinstance(layer, SeparableConv2D):
        yield from _work_in_two_parts(step, layer)
    elif isinstance(layer, Conv2DTranspose):
        yield f"Each of the {inputs:,} inputs is multiplied by {row.macs // inputs:,} weights."
        yield f"{inputs:,} × {row.macs // inputs:,} = {row.macs:,} multiplications for one image."
    elif row.macs % outputs == 0:
        inputs = row.macs // outputs
        yield f"Each of the {outputs:,} outputs is a sum of {inputs:,} inputs, each times its weight."
        yield f"{outputs:,} × {inputs:,} = {row.macs:,} multiplications for one image."
    else:
        yield f"{row.macs:,} multiplications for one image."
    kernels = [weight.size for weight in step.weights if weight.name != "bias"]
    if isinstance(step.node.layer, SpatialLayer) and len(kernels) == 1:
        yield f"Each weight works {row.macs // kernels[0]:,} times for one image, once at each place."
    biases = f" + {step.biased_outputs:,} biases" if step.biased_outputs else ""
    yield f"FLOPs, additions counted too: 2 × {row.macs:,}{biases} = {row.flops:,}."


def _work_in_two_parts(step: Step, layer: SeparableConv2D) -> Iterator[str]:
    outputs, window = math.prod(step.output_shape), math.prod(layer.kernel_size)
    maps = layer.spatial(step.input_shape)[2] * layer.depth_multiplier
    between = outputs // layer.filters * maps
    first, second = between * window, outputs * maps
    yield (
        f"Each of the {between:,} numbers in between is a sum of {window:,} inputs, each times its weight: "
        f"{between:,} × {window:,} = {first:,}."
    )
    yield f"Each of the {outputs:,} outputs sums {maps:,} of them up: {outputs:,} × {maps:,} = {second:,}."
    yield f"Together {first:,} + {second:,} = {first + second:,} multiplications for one image."


def _sight(step: Step, row: Row, architecture: Architecture) -> Iterator[str]:
    image_axes, window = step.image_axes or (), step.node.layer.view
    whole = [architecture.input_shape[axis] for axis in image_axes]
    before = [step.before.extent_along(axis) for axis in image_axes]
    after = [step.after.extent_along(axis) for axis in image_axes]
    jump = [step.before.jump_along(axis) for axis in image_axes]
    if step.node.layer.sees_everything or len(step.output_shape) != 3:
        yield "All of the input: every output can depend on every pixel."
        return
    if window is None or after == before:
        yield "As many as what came in: it looks at single places, or already saw everything."
    else:
        square = window.extent[0] == window.extent[1] and before[0] == before[1] and jump[0] == jump[1]
        axes = (0,) if square and whole[0] == whole[1] else (0, 1)
        for axis in axes:
            reach = before[axis] + (window.extent[axis] - 1) * jump[axis]
            name = "" if len(axes) == 1 else ("Rows: " if axis == 0 else "Columns: ")
            one, further, count = _decimal(before[axis]), _decimal(jump[axis]), window.extent[axis]
            yield (
                f"{name}One number of its input sees {one}, its neighbour {further} further; "
                f"{count} in a row see {one} + ({count} − 1) × {further} = {_decimal(reach)}."
            )
            if reach > whole[axis]:
                yield f"The image has only {whole[axis]}, so it sees all of them."
            elif reach.denominator > 1:
                yield f"That is {math.ceil(reach)} pixels at most: how many meet in it depends on its place."
    if row.input_stride:
        text = "×".join(f"{each:g}" for each in dict.fromkeys(row.input_stride))
        yield f"Neighbouring outputs lie {text} {'pixel' if text == '1' else 'pixels'} apart on the image."


def _dense_equivalent(step: Step, row: Row) -> Iterator[str]:
    layer, inputs = step.node.layer, math.prod(step.input_shape)
    local = layer.locally_connected_params(step.input_shape)
    if (
        local is None
        or row.dense_equivalent_params is None
        or row.locality_saving is None
        or row.sharing_saving is None
    ):
        return
    biased = row.dense_equivalent_params != row.neurons * inputs
    plus = " + 1" if biased else ""
    seen, uneven = divmod(local, row.neurons)
    product = "" if uneven else f"{row.neurons:,} × {_sum(seen - biased, plus)} = "
    inputs_seen = f"the {seen - biased:,}" if not uneven else "the few"
    yield (
        f"Dense: each of {row.neurons:,} outputs with each of {inputs:,} inputs: "
        f"{row.neurons:,} × {_sum(inputs, plus)} = {row.dense_equivalent_params:,}."
    )
    yield (
        f"Locality: looking at {inputs_seen} inputs under its window only, with weights of its own at every "
        f"place: {product}{local:,}; {factor(row.locality_saving)} fewer."
    )
    parts = ", and kernels in two parts" if isinstance(layer, SeparableConv2D) else ""
    yield (
        f"Sharing: the same weights at every place{parts}: {local:,} → {row.params:,}; "
        f"{factor(row.sharing_saving)} fewer."
    )
    whole = row.dense_equivalent_params / row.params
    yield f"Together {row.dense_equivalent_params:,} ÷ {row.params:,} = {factor(whole)} fewer."


def _decimal(number: Fraction) -> str:
    return str(number.numerator) if number.denominator == 1 else f"{float(number):g}"


def _sum(inputs: int, plus: str) -> str:
    return f"({inputs:,}{plus})" if plus else f"{inputs:,}"


def _product(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{size:,}" for size in shape)
