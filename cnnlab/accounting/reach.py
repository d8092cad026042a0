"""Which rows and columns of the image all inputs of a layer reach together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnlab.accounting.architecture import Architecture, LayerStep
from cnnlab.language.fields import Shape
from cnnlab.layers.graph import IMAGE

Spans = list[tuple[int, int]]
"""By axis the first and the last place; none where the last comes before the first."""


def reach(architecture: Architecture, step: LayerStep) -> Spans:
    """By axis of the network's input, the first and the last place that some input of a layer depends on.

    What lies beyond has no effect on the layer; between them there may be gaps.
    """
    steps = architecture.steps
    seen: dict[int, Spans] = {}
    _add(seen, step, [_all(shape) for shape in step.input_shapes])
    for position in range(len(steps) - 1, -1, -1):
        if position in seen:
            _add(seen, steps[position], list(_before(steps[position], seen[position])))
    return seen[IMAGE]


def _add(seen: dict[int, Spans], step: LayerStep, parts: Sequence[Spans]) -> None:
    for source, part in zip(step.node.inputs, parts, strict=True):
        known = seen.get(source, part)
        seen[source] = [(min(a[0], b[0]), max(a[1], b[1])) for a, b in zip(known, part, strict=True)]


def _all(shape: Shape) -> Spans:
    return [(0, size - 1) for size in shape]


def _before(step: LayerStep, spans: Spans) -> Iterator[Spans]:
    """For each input of a layer, what its outputs in `spans` depend on."""
    layer, order = step.node.layer, step.node.layer.axes_order
    for shape in step.input_shapes:
        if len(shape) != len(spans) or layer.sees_everything or layer.hides_positions or layer.only_reshapes:
            yield _all(shape)
        elif order is not None:
            yield [spans[order.index(axis)] for axis in range(len(order))]
        else:
            footprints = layer.footprints(shape)
            whole = layer.spanned_axes(shape, step.output_shape)
            if layer.joined_axis is not None:
                whole |= {layer.joined_axis % len(shape)}
            yield [
                (0, size - 1)
                if axis in whole or size == 1
                else _inside(*footprints[axis].covered(*span), size)
                if axis in footprints
                else span
                for axis, (span, size) in enumerate(zip(spans, shape, strict=True))
            ]


def _inside(first: int, last: int, size: int) -> tuple[int, int]:
    return max(first, 0), min(last, size - 1)
