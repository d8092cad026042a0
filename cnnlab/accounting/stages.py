"""A network in a few parts: stages of one image size each, then its dense layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cnnlab.accounting.architecture import Architecture, LayerStep, Row
from cnnlab.accounting.quantities import sum_of_known
from cnnlab.language.fields import Shape

Pairs = Sequence[tuple[LayerStep, Row]]


@dataclass(frozen=True)
class Stage:
    """Convolutions of the same stride on the input with the pooling that ends them, or one dense layer.

    `label`: "stage 2", counted from the input, or "dense 1". What has no neurons, such as Dropout, belongs
    to what it follows.
    """

    label: str
    rows: tuple[Row, ...]
    output_shape: Shape

    @property
    def params(self) -> int:
        return sum(row.params for row in self.rows)

    @property
    def macs(self) -> int | None:
        return sum_of_known(row.macs for row in self.rows)


def stages(architecture: Architecture) -> tuple[Stage, ...]:
    """The parts of a network in order; every row belongs to exactly one."""
    parts: list[tuple[str, list[tuple[LayerStep, Row]]]] = []
    early: list[tuple[LayerStep, Row]] = []  # what comes before the first neurons
    numbers = {"stage": 0, "dense": 0}
    stride: tuple[float, float] | None = None
    for segment in _segments(architecture):
        _, end = segment[-1]
        if any(row.neurons for _, row in segment):
            kind = "stage" if end.input_stride else "dense"
            if kind == "dense" or end.input_stride != stride:
                numbers[kind] += 1
                parts.append((f"{kind} {numbers[kind]}", early))
                early, stride = [], end.input_stride
        (parts[-1][1] if parts else early).extend(segment)
    if not parts:
        parts.append(("stage 1", early))
    return tuple(_stage(label, pairs) for label, pairs in parts)


def trunk(inputs: Sequence[Sequence[int]]) -> list[bool]:
    """For every node, whether all paths lead through it: no branch runs beside it.

    Args:
        inputs: for every node the positions of those that feed it.
    """
    alone = [True] * len(inputs)
    earliest = len(inputs)
    for position in reversed(range(len(inputs))):
        alone[position] = earliest >= position
        earliest = min(earliest, *inputs[position])
    return alone


def _segments(architecture: Architecture) -> Iterator[Pairs]:
    """Rows up to and including the next one that all paths lead through."""
    alone = trunk([step.node.inputs for step in architecture.steps])
    segment: list[tuple[LayerStep, Row]] = []
    for closes, step, row in zip(alone, architecture.steps, architecture.rows, strict=True):
        segment.append((step, row))
        if closes:
            yield segment
            segment = []


def _stage(label: str, pairs: Pairs) -> Stage:
    """Its output is the last one that still is an image, or a row of numbers for a dense layer."""
    rows = tuple(row for _, row in pairs)
    images = [row.output_shape for row in rows if row.input_stride]
    return Stage(label, rows, images[-1] if images else rows[-1].output_shape)
