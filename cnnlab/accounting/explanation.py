"""A layer's row of the summary, worked out step by step as on a blackboard.

What is particular to a layer, it says itself; here is what holds for all of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from cnnlab.accounting.architecture import Architecture, LayerStep, Row
from cnnlab.accounting.field_sentences import field_sentences
from cnnlab.accounting.quantities import factor, share
from cnnlab.errors import unknown
from cnnlab.language.fields import as_written
from cnnlab.layers.base import Layer, SpatialLayer, times


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
    layer = step.node.layer
    purpose = [Section("What it does", (_purpose(layer),))] if layer.about else []
    sections = [
        *purpose,
        Section(
            f"Output: {times(step.output_shape)}",
            (*_axes(step), *layer.explain_output(step.input_shapes, step.output_shape)),
        ),
        Section(f"Parameters: {row.params:,}", tuple(_parameters(step, row, architecture))),
        Section(
            "Multiplications: " + ("unknown" if row.macs is None else f"{row.macs:,} MACs"),
            tuple(_multiplications(step, row)),
        ),
    ]
    if row.receptive_field:
        title = f"Receptive field: {times(row.receptive_field)} pixels"
        sections.append(Section(title, tuple(field_sentences(step, row, architecture))))
    if row.locality_saving and row.sharing_saving:
        title = f"A Dense layer instead: {row.dense_equivalent_params:,} parameters"
        sections.append(Section(title, tuple(_dense_equivalent(step, row))))
    return tuple(sections)


def _axes(step: LayerStep) -> Iterator[str]:
    """Where a layer takes other axes for rows and columns than the layers before it: that it does."""
    layer, axes = step.node.layer, step.before.input_axes
    if (
        not isinstance(layer, SpatialLayer)
        or len(axes) != 3
        or not {*(step.image_axes or (None,))} <= {*axes}
    ):
        return
    assert step.image_axes is not None
    rows, columns = (axes.index(axis) for axis in step.image_axes)
    if {rows, columns} != {*layer.spatial_axes}:
        order = ("first", "second", "third")
        height, width, channels = layer.spatial(step.input_shape)
        yield (
            f"With data_format {layer.data_format}, the layer takes its {times(step.input_shape)} input for "
            f"{height} rows, {width} columns and {channels} channels. But a layer before it has the other "
            f"format: the image's rows are the {order[rows]} axis, its columns the {order[columns]}."
        )


def _purpose(layer: Layer) -> str:
    """The first paragraph of what the layer says about itself, with the values of the settings it names."""
    return re.sub(r"`(\w+)`", lambda name: _setting(layer, name[1]), layer.about.split("\n\n")[0])


def _setting(layer: Layer, name: str) -> str:
    """The value of a field; whatever else stands in quotes stays a word."""
    value = getattr(layer, name) if name in type(layer).model_fields else name
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str) or (isinstance(value, tuple) and len(set(map(str, value))) == 1):
        return str(value if isinstance(value, str) else value[0])
    return times(value) if isinstance(value, tuple) else as_written(value)


def _parameters(step: LayerStep, row: Row, architecture: Architecture) -> Iterator[str]:
    if step.node.shares is not None:
        yield f"None of its own: it shares the weights of {architecture.rows[step.node.shares].name}."
        return
    if not row.params:
        yield "None: this layer has nothing to learn."
        return
    yield from step.node.layer.explain_parameters(step.input_shapes)
    frozen = row.params - row.trainable_params
    if frozen:
        yield f"{row.trainable_params:,} are trained; the other {frozen:,} follow the data."
    if row.params < architecture.total_params:
        yield f"{share(row.params_share)}% of the network's {architecture.total_params:,} parameters."


def _multiplications(step: LayerStep, row: Row) -> Iterator[str]:
    if row.macs is None:
        yield "cnnlab does not count the multiplications of this Keras layer."
        return
    if not row.macs:
        yield "A MAC is a multiplication by a weight, added to a sum. This layer performs none."
        return
    yield from step.node.layer.explain_macs(step.input_shape, step.output_shape)
    biases = f" + {step.biased_outputs:,} biases" if step.biased_outputs else ""
    yield f"FLOPs, which count additions too: 2 × {row.macs:,}{biases} = {row.flops:,}."


def _dense_equivalent(step: LayerStep, row: Row) -> Iterator[str]:
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
    inputs_seen = f"the {seen - biased:,} inputs" if not uneven else "inputs"
    yield (
        f"Dense: each of {row.neurons:,} outputs is connected to each of {inputs:,} inputs: "
        f"{row.neurons:,} × {_sum(inputs, plus)} = {row.dense_equivalent_params:,}."
    )
    yield (
        f"Locality: connected only to {inputs_seen} under its window, with separate weights at every "
        f"position: {product}{local:,}; {factor(row.locality_saving)} fewer."
    )
    if row.sharing_saving == 1:
        yield "Weight sharing: none; each weight is used at one position only."
        return
    arrays = len([weight for weight in step.weights if weight.name != "bias"])
    parts = ", and kernels in two parts" if arrays > 1 else ""
    yield (
        f"Weight sharing: the same weights at every position{parts}: {local:,} → {row.params:,}; "
        f"{factor(row.sharing_saving)} fewer."
    )
    whole = row.dense_equivalent_params / row.params
    yield f"Together: {row.dense_equivalent_params:,} ÷ {row.params:,} = {factor(whole)} fewer."


def _sum(inputs: int, plus: str) -> str:
    return f"({inputs:,}{plus})" if plus else f"{inputs:,}"
