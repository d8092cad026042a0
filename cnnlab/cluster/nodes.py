"""The machines of a cluster: whether they have the same cnnlab, and what there is room for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cnnlab.cluster import probe
from cnnlab.errors import CnnlabError
from cnnlab.wording import counted

ANSWER_WITHIN = 60.0
"""Seconds in which a machine says what it has of cnnlab: Ray starts a process for that."""

_ACCELERATOR = "accelerator_type:"


@dataclass(frozen=True)
class Node:
    """A machine of a cluster, alive, as Ray knows it."""

    id: str
    machine: str
    cpus: int
    gpus: int
    accelerator: str | None = None

    @classmethod
    def from_ray(cls, node: Mapping[str, Any]) -> Node:
        """From an item of `ray.nodes()`."""
        resources = node["Resources"]
        types = [name.removeprefix(_ACCELERATOR) for name in resources if name.startswith(_ACCELERATOR)]
        return cls(
            node["NodeID"],
            node.get("NodeManagerHostname") or node.get("NodeManagerAddress") or node["NodeID"],
            int(resources.get("CPU", 0)),
            int(resources.get("GPU", 0)),
            types[0] if types else None,
        )

    def room(self, need: Need) -> int:
        """How many such runs it trains at the same time."""
        by_cpu = self.cpus // need.threads
        return min(by_cpu, self.gpus) if need.gpu else by_cpu


@dataclass(frozen=True)
class Need:
    """What a run takes of a machine."""

    threads: int
    gpu: bool = False

    def __str__(self) -> str:
        return counted(self.threads, "CPU") + (" and a GPU" if self.gpu else "")


def alive() -> list[Node]:
    """The machines that compute, in the order in which Ray knows them."""
    import ray

    nodes = [Node.from_ray(each) for each in ray.nodes() if each["Alive"]]
    return [node for node in nodes if node.cpus > 0]


def room(nodes: Iterable[Node], need: Need) -> int:
    """How many such runs a cluster trains at the same time."""
    return sum(node.room(need) for node in nodes)


def check_room(nodes: Sequence[Node], need: Need) -> None:
    """Refuse a run that no machine has room for, even an idle one.

    Raises:
        CnnlabError: with what the machines have.
    """
    if room(nodes, need):
        return
    found = ", ".join(
        f"{node.machine} with {counted(node.cpus, 'CPU')}"
        + (f" and {counted(node.gpus, 'GPU')}" if node.gpus else "")
        for node in nodes
    )
    raise CnnlabError(
        f"the cluster has no room for a run that takes {need}: found {found or 'no machine that computes'}\n"
        "   use fewer --threads, or let a larger machine join"
    )


def facts_of(nodes: Sequence[Node]) -> list[dict[str, Any]]:
    """What each machine has of cnnlab: see `probe.facts`.

    Raises:
        CnnlabError: a machine does not answer.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    ray.cloudpickle.register_pickle_by_value(probe)
    try:
        asked = ray.remote(probe.facts)
        answers = [
            asked.options(
                num_cpus=0, max_retries=1,
                scheduling_strategy=NodeAffinitySchedulingStrategy(node.id, soft=False),
            ).remote()
            for node in nodes
        ]  # fmt: skip
        ready, _ = ray.wait(answers, num_returns=len(answers), timeout=ANSWER_WITHIN)
    finally:
        ray.cloudpickle.unregister_pickle_by_value(probe)
    facts = []
    for node, answer in zip(nodes, answers, strict=True):
        if answer not in ready:
            raise CnnlabError(f"{node.machine}: the machine does not answer within {ANSWER_WITHIN:.0f} s")
        try:
            facts.append(ray.get(answer))
        except ray.exceptions.RayError as error:
            raise CnnlabError(f"{node.machine}: the machine does not answer: {first_line(error)}") from error
    return facts


def check_versions(found: Sequence[Mapping[str, Any]]) -> None:
    """Refuse machines on which a run would be another one than here.

    Args:
        found: what they have of cnnlab.

    Raises:
        CnnlabError: with the names of the machines, and the versions.
    """
    here = probe.facts()
    problems = []
    for each in found:
        if "error" in each:
            problem = f"cnnlab cannot be imported there: {each['error']}"
        elif each["version"] != here["version"] or each["arithmetic"] != here["arithmetic"]:
            problem = (
                f"expected cnnlab {here['version']} with arithmetic {here['arithmetic']}, as here; found "
                f"{each['version']} with arithmetic {each['arithmetic']}"
            )
        elif each["sources"] != here["sources"]:
            problem = (
                f"expected the source files of cnnlab {here['version']} that are here, "
                f"{here['sources'][:8]}…; found others, {each['sources'][:8]}…"
            )
        else:
            continue
        problems.append(f"{each['machine']}: {problem}")
    if problems:
        problems.append("   install the same version of cnnlab on all machines of the cluster")
        raise CnnlabError("\n".join(dict.fromkeys(problems)))


def first_line(error: BaseException) -> str:
    """What an error of Ray's comes down to."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]
