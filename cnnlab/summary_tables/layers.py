"""A network as a table, layer by layer, with what it costs in all below it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile

from cnnlab.accounting.architecture import Architecture, Row
from cnnlab.accounting.growth import growth
from cnnlab.accounting.quantities import amount, exactly, factor, ratio, share, size, sum_of_known
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.layers.base import snake_case, times
from cnnlab.summary_tables.text import table_width

Column = tuple[str, Callable[[Row], str], Callable[[Architecture], str]]
"""A header, the cell of a layer, and the cell of the last line."""

LINE = 120  # characters
INDENT = "· "  # tables, in Markdown too, drop blanks at the beginning of a cell


def _kind(row: Row) -> str:
    """Conv2D 3×3 /2, 2 groups: the type, its window, its stride where it is not 1, as papers write it.

    Of a Conv2D also the groups; the other types are known to treat channels apart.
    """
    if row.kernel is None or row.stride is None:
        return row.type
    step = f" /{row.stride[0]}" if row.stride[0] == row.stride[1] else f" /{times(row.stride)}"
    groups = f", {row.groups} groups" if row.type == "Conv2D" and row.groups not in (None, 1) else ""
    return f"{row.type} {times(row.kernel)}{step if row.stride != (1, 1) else ''}{groups}"


def _nothing(_: Architecture) -> str:
    return ""


COLUMNS: tuple[Column, ...] = (
    ("Type", _kind, _nothing),
    ("Output", lambda row: times(row.output_shape), _nothing),
    ("Params", lambda row: f"{row.params:,}", lambda network: f"{network.total_params:,}"),
    ("%", lambda row: share(row.params_share), _nothing),
    ("MACs", lambda row: amount(row.macs), lambda network: amount(network.macs)),
    ("Receptive field", lambda row: times(row.receptive_field) if row.receptive_field else "", _nothing),
    ("Locality", lambda row: ratio(row.locality_saving) if row.locality_saving else "", _nothing),
    ("Sharing", lambda row: ratio(row.sharing_saving) if row.sharing_saving else "", _nothing),
)
"""What fits 120 characters, counts of work in three digits."""

WIDE_COLUMNS: tuple[Column, ...] = (
    ("Type", lambda row: row.type, _nothing),
    ("Kernel", lambda row: times(row.kernel) if row.kernel else "", _nothing),
    ("Stride", lambda row: times(row.stride) if row.stride else "", _nothing),
    ("Groups", lambda row: f"{row.groups:,}" if row.groups else "", _nothing),
    *COLUMNS[1:4],
    ("MACs", lambda row: exactly(row.macs), lambda network: exactly(network.macs)),
    ("FLOPs", lambda row: exactly(row.flops), lambda network: exactly(network.flops)),
    ("Neurons", lambda row: f"{row.neurons:,}" if row.neurons else "",
     lambda network: f"{network.neurons:,}"),
    ("Weights", lambda row: size(row.params_bytes), lambda network: size(network.params_bytes)),
    ("Activations", lambda row: size(row.activation_bytes), lambda network: size(network.activation_bytes)),
    COLUMNS[5],
    ("Jump", lambda row: "×".join(f"{each:g}" for each in row.input_stride or ()), _nothing),
    ("Dense params", lambda row: exactly(row.dense_equivalent_params),
     lambda network: exactly(network.dense_equivalent_params)),
    *COLUMNS[6:],
)  # fmt: skip
"""Everything, to the last digit."""


def layer_table(architecture: Architecture, *, wide: bool) -> tuple[list[str], list[list[str]]]:
    """Headers and cells: a line a layer, the layers of a block below a line with its sums, totals last.

    A wide table leaves names whole and has no lines for blocks: every line of it is a layer.
    """
    columns = WIDE_COLUMNS if wide else COLUMNS
    headers = ["Layer", *(header for header, _, _ in columns)]
    lines: list[list[str]] = []
    open_blocks: list[str] = []
    for row in architecture.rows:
        *blocks, name = [row.name] if wide else row.name.split("/")
        same = takewhile(lambda pair: pair[0] == pair[1], zip(open_blocks, blocks, strict=False))
        shared = len(list(same))
        for depth in range(shared, len(blocks)):
            sums = _block_line(architecture, blocks[: depth + 1])
            lines.append([INDENT * depth + blocks[depth], *(sums.get(header, "") for header in headers[1:])])
        open_blocks = blocks
        lines.append([INDENT * len(blocks) + name, *(cell(row) for _, cell, _ in columns)])
    lines.append(["total", *(total(architecture) for _, _, total in columns)])
    if not wide and table_width(headers, lines) > LINE:
        headers[1] = "Window"
        for line in lines:
            line[1] = _without_type(line[0], line[1])
    return headers, lines


def _without_type(name: str, kind: str) -> str:
    """Conv2D 3×3 → 3×3 where the layer's name says the rest, as conv2d_1 does."""
    type_name, _, window = kind.partition(" ")
    return window if name.lstrip(INDENT).startswith(snake_case(type_name)) else kind


def _block_line(architecture: Architecture, path: list[str]) -> dict[str, str]:
    """What a block costs with all that is in it, and the shape that leaves it."""
    prefix = "/".join(path) + "/"
    rows = [row for row in architecture.rows if row.name.startswith(prefix)]
    params = sum(row.params for row in rows)
    more = growth(architecture, prefix)
    return {
        "Type": "block" if more is None else f"+{more.channels} channels",
        "Output": times(rows[-1].output_shape),
        "Params": f"{params:,}",
        "%": share(params / architecture.total_params if architecture.total_params else 0),
        "MACs": amount(sum_of_known(row.macs for row in rows)),
    }


def conclusion(config: ExperimentConfig) -> str:
    """The whole network in a few sentences: parameters, computation, memory, saving."""
    architecture = config.architecture
    lines = [parameters(architecture) + f", {architecture.neurons:,} neurons."]
    if architecture.macs is None:
        lines.append("MACs and FLOPs are unknown: cnnlab does not count them for every Keras layer.")
    else:
        lines.append(f"Per image: {architecture.macs:,} MACs, {exactly(architecture.flops)} FLOPs.")
    memory = config.training_memory
    lines.append(
        f"Memory: parameters {size(architecture.params_bytes)}, activations of one image "
        f"{size(architecture.activation_bytes)}. Training in batches of {memory.batch_size} with "
        f"{memory.optimizer}: about {size(memory.total_bytes)}\n"
        f"   (weights {size(memory.weights_bytes)} + gradients {size(memory.gradients_bytes)} + optimizer "
        f"{size(memory.optimizer_bytes)} + activations {size(memory.activations_bytes)})."
    )
    if any(row.locality_saving for row in architecture.rows):
        shared = any((row.sharing_saving or 1) > 1 for row in architecture.rows)
        sharing = ", Sharing the factor saved because all positions use the same kernel" if shared else ""
        lines.append(
            "Compared with Dense layers of the same input and output: Locality is the factor saved because "
            f"outputs see only a\n   window{sharing}."
        )
    dense, params = architecture.dense_equivalent_params, architecture.total_params
    if dense is not None and dense > params:
        more = f", {factor(dense / params)} as many" if params else ""
        lines.append(f"With Dense layers instead of convolutions, it would need {dense:,} parameters{more}.")
    return "\n".join(lines)


def parameters(architecture: Architecture) -> str:
    """25,636,712 parameters (25,583,592 trainable + 53,120 not trainable)"""
    trained = f"{architecture.trainable_params:,} trainable"
    if architecture.non_trainable_params:
        trained += f" + {architecture.non_trainable_params:,} not trainable"
    return f"{architecture.total_params:,} parameters ({trained})"
