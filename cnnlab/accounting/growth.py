"""Blocks that keep what goes into them and put more channels behind it, as DenseNet's do."""

from __future__ import annotations

from typing import NamedTuple

from cnnlab.accounting.architecture import Architecture
from cnnlab.layers.graph import IMAGE


class Growth(NamedTuple):
    """By how many channels a block's output is larger than its input, and how many both have."""

    channels: int
    before: int
    after: int


def growth(architecture: Architecture, prefix: str) -> Growth | None:
    """How much the block of that name, with its /, grows; None where its output does not hold its input.

    Of a repeated block it is the growth of all rounds together.
    """
    steps = architecture.steps
    inside = [index for index, step in enumerate(steps) if step.node.name.startswith(prefix)]
    first, last = inside[0], inside[-1]
    enters = steps[first].node.inputs[0]
    at = last
    while at != enters:
        joined = steps[at].node.layer.joined_axis
        if joined is None:
            return None
        # The input comes through each of the concatenations unchanged.
        at = min(steps[at].node.inputs)
        if at != enters and at not in inside:
            return None
    axis = (steps[last].node.layer.joined_axis or 0) % len(steps[last].output_shape)
    entering = architecture.input_shape if enters == IMAGE else steps[enters].output_shape
    before, after = entering[axis], steps[last].output_shape[axis]
    return Growth(after - before, before, after)
