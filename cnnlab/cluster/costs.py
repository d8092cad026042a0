"""What a run costs on each kind of device that a cluster has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cnnlab.wording import counted

if TYPE_CHECKING:
    from cnnlab.cluster.nodes import Node
    from cnnlab.training.costs import CostEstimate


@dataclass(frozen=True)
class DeviceCost:
    """What a run will cost on one kind of machine.

    Attributes:
        device: what computes there, such as "2 GPUs (A100), Xeon, 8 CPUs".
        machines: how many of these the cluster has.
        runs_at_once: how many such runs they train at the same time.
    """

    estimate: CostEstimate
    device: str
    machines: int
    runs_at_once: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        own = {"device": self.device, "machines": self.machines, "runs_at_once": self.runs_at_once}
        return {**asdict(self.estimate), **own}


def kinds(nodes: Sequence[Node], facts: Sequence[Mapping[str, Any]]) -> dict[str, list[Node]]:
    """Machines by what they compute on, in the order in which they are found.

    Args:
        facts: what each machine has said: see `probe.facts`.
    """
    found: dict[str, list[Node]] = {}
    for node, said in zip(nodes, facts, strict=True):
        kind = f"{said['cpu']}, {counted(node.cpus, 'CPU')}"
        if node.gpus:
            model = f" ({node.accelerator})" if node.accelerator else ""
            kind = f"{counted(node.gpus, 'GPU')}{model}, {kind}"
        found.setdefault(kind, []).append(node)
    return found
