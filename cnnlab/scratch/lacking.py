"""What of a network the engine has no arithmetic for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cnnlab.layers.from_keras.layer import KerasLayer
from cnnlab.layers.graph import GraphNode
from cnnlab.layers.penalties import Constraint
from cnnlab.scratch.activations import ACTIVATIONS
from cnnlab.scratch.table import SCRATCH_LAYERS

PENALTIES = ("_regularizer", "_constraint")


class Lack(NamedTuple):
    """A layer, or a setting of it, that a network cannot have with this engine."""

    node: GraphNode
    field: str | None
    """None: the layer itself."""

    what: str
    """What it would need, such as "activation glu" or "such layer"; "no" goes before it."""


def lacking(nodes: Sequence[GraphNode]) -> Iterator[Lack]:
    """All that keeps a network from being computed by hand, layer by layer."""
    for node in nodes:
        # A layer of Keras's own may have the name of one that the engine computes on other inputs.
        if isinstance(node.layer, KerasLayer) or node.layer.type() not in SCRATCH_LAYERS:
            yield Lack(node, None, "such layer")
            continue
        for field, values in SCRATCH_LAYERS[node.layer.type()].lacks.items():
            value = getattr(node.layer, field)
            if value in values:
                yield Lack(node, field, f"{field} {value}")
        yield from _lacking_settings(node)


def _lacking_settings(node: GraphNode) -> Iterator[Lack]:
    """Of what several layers have: activations, constraints, penalties on outputs, Keras's own penalties."""
    layer = node.layer
    for field in type(layer).model_fields:
        value = getattr(layer, field)
        if isinstance(value, Constraint):
            yield Lack(node, field, "constraints")
        elif field == "activity_regularizer" and value is not None:
            yield Lack(node, field, "penalties on outputs")
        elif field == "activation" and value is not None and value not in ACTIVATIONS:
            yield Lack(node, field, f"{field} {value}")
    for field, value in () if node.settings is None else node.settings.config.items():
        if field.endswith(PENALTIES) and value is not None and getattr(layer, field, None) is None:
            yield Lack(node, field, "such penalties")
