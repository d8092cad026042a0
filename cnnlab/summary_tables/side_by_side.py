"""Two networks or more side by side: totals, then stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cnnlab.accounting.architecture import Architecture
from cnnlab.accounting.quantities import amount, exactly, ratio, share, size
from cnnlab.accounting.stages import Stage, stages
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.layers.base import times

Cells = list[list[str]]
Count = int | None
"""None where a layer is not known: – in the table."""

Quantity = tuple[str, Callable[[ExperimentConfig], Count], Callable[[Any], str]]


def _of(count: Callable[[Architecture], Count]) -> Callable[[ExperimentConfig], Count]:
    return lambda config: count(config.architecture)


QUANTITIES: tuple[Quantity, ...] = (
    ("layers with weights", _of(lambda network: sum(row.neurons > 0 for row in network.rows)), exactly),
    ("parameters", _of(lambda network: network.total_params), exactly),
    ("trainable", _of(lambda network: network.trainable_params), exactly),
    ("neurons", _of(lambda network: network.neurons), exactly),
    ("MACs per image", _of(lambda network: network.macs), exactly),
    ("FLOPs per image", _of(lambda network: network.flops), exactly),
    ("parameters as Dense layers", _of(lambda network: network.dense_equivalent_params), exactly),
    ("memory: parameters", _of(lambda network: network.params_bytes), size),
    ("memory: activations of an image", _of(lambda network: network.activation_bytes), size),
    ("memory: training a batch", lambda config: config.training_memory.total_bytes, size),
)


def totals_table(configs: Sequence[ExperimentConfig]) -> tuple[list[str], Cells]:
    """A line a quantity, a column a network; for two of them also the second by the first."""
    names = [config.name for config in configs]
    headers = ["", *names, *([f"{names[1]} ÷ {names[0]}"] if len(names) == 2 else [])]
    lines = [
        ["input", *(times(config.input_shape) for config in configs)],
        ["output", *(times(config.architecture.output_shape) for config in configs)],
        ["batch size", *(str(config.training.batch_size) for config in configs)],
    ]
    lines = [[*line, *[""] * (len(headers) - len(line))] for line in lines]
    for label, count, written in QUANTITIES:
        counts = [count(config) for config in configs]
        line = [label, *(written(each) for each in counts)]
        if len(configs) == 2:
            first, second = counts
            line.append(ratio(second / first) if first and second is not None else "")
        lines.append(line)
    return headers, lines


def stages_table(configs: Sequence[ExperimentConfig]) -> tuple[list[str], Cells]:
    """A line a stage: the first of one network beside the first of the other, dense layers likewise.

    Of two networks it shows output, parameters, share and MACs; of more only output and parameters.
    """
    networks = [config.architecture for config in configs]
    parts = [{stage.label: stage for stage in stages(network)} for network in networks]
    labels = sorted({label for part in parts for label in part}, key=_order)
    headers = [""]
    for config in configs:
        columns = ["params", "%", "MACs"] if len(configs) == 2 else ["params"]
        headers += [f"{config.name}\noutput", *(f"\n{column}" for column in columns)]
    lines = [
        [label]
        + [
            cell
            for part, network in zip(parts, networks, strict=True)
            for cell in _cells(part.get(label), network, short=len(configs) > 2)
        ]
        for label in labels
    ]
    return headers, lines


def _cells(stage: Stage | None, network: Architecture, *, short: bool) -> list[str]:
    if stage is None:
        return ["–", ""] if short else ["–", "", "", ""]
    cells = [times(stage.output_shape), f"{stage.params:,}"]
    part = stage.params / network.total_params if network.total_params else 0.0
    return cells if short else [*cells, share(part), amount(stage.macs)]


def _order(label: str) -> tuple[bool, int]:
    """Stages first, dense layers after them, by their numbers."""
    kind, _, number = label.rpartition(" ")
    return kind == "dense", int(number)
