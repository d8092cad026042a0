"""What arithmetic made a run: under another one, the same config and seed give other last bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from cnnlab.run_folders.records import Record, read_json
from cnnlab.run_folders.run_writer import RunWriter
from cnnlab.version import ARITHMETIC

Fact = str | int | bool | None
"""None: not recorded, or not known."""

RESUMED = "resumed_elsewhere"
"""The mark, in run.json and environment.json, of a run that was resumed under other arithmetic."""

_ALWAYS = {"arithmetic": "cnnlab's arithmetic", "keras": "Keras", "numpy": "NumPy", "device": "device"}
_ON_CPU = {
    "cpu": "CPU",
    "instruction_set": "instruction set",
    "onednn": "oneDNN",
    "threads": "threads",
    "parallel_operations": "parallel operations",
}
_ON_GPU = {"device_name": "device"}


@dataclass(frozen=True)
class Arithmetic:
    """What of a run's environment.json decides the last bits of its numbers."""

    facts: Mapping[str, Fact]
    resumed_elsewhere: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, Any]) -> Self:
        """Of runs from before a fact was recorded, or with something else in its place, it is not known."""
        facts = {key: _fact(environment.get(key)) for key in (*_ALWAYS, *_ON_CPU, *_ON_GPU)}
        backend = _fact(environment.get("backend"))
        if backend is not None:
            version = _fact(environment.get(str(backend)))
            facts["backend"] = f"{backend} {version}" if version else backend
        return cls(facts, environment.get(RESUMED) is True)

    @property
    def number(self) -> int | None:
        """cnnlab's own, `cnnlab.version.ARITHMETIC` when the run was trained; None: it had none."""
        number = self.facts.get("arithmetic")
        return number if isinstance(number, int) else None

    def differences(self, other: Arithmetic) -> list[str]:
        """Phrases such as "threads: 2 → 1", from here to the other; what either does not know is left out."""
        devices = {self.facts.get("device"), other.facts.get("device")}
        labels = {"backend": "backend", **_ALWAYS, **(_ON_GPU if devices == {"gpu"} else {})}
        if "gpu" not in devices:
            labels |= _ON_CPU
        pairs = [(label, self.facts.get(key), other.facts.get(key)) for key, label in labels.items()]
        return [
            f"{label}: {_shown(before)} → {_shown(after)}"
            for label, before, after in pairs
            if before is not None and after is not None and before != after
        ]


def resume_under(run: RunWriter, environment: dict[str, Any]) -> list[str]:
    """Where a run that is about to go on was trained under other arithmetic; it is marked then, for good.

    Args:
        run: the open run; its environment.json is still that of the process before.
        environment: what will take its place; the mark is put into it.

    Returns:
        The differences; none for a run that begins anew.
    """
    before = read_json(run.path / "environment.json")
    if before is None or not any(run.path.glob("checkpoint*.npz")):
        return []
    earlier = Arithmetic.from_environment(before)
    differences = earlier.differences(Arithmetic.from_environment(environment))
    if differences or earlier.resumed_elsewhere:
        environment[RESUMED] = True
        run.write_state("running", **{RESUMED: True})
    return differences


def reused_from_before(record: Record) -> str | None:
    """A sentence where a finished run is reused that would not have today's arithmetic; the same for many."""
    number = Arithmetic.from_environment(record.environment).number
    if number == ARITHMETIC:
        return None
    trained = f"under arithmetic {number}" if number is not None else "before cnnlab numbered its arithmetic"
    return (
        f"reusing runs that were trained {trained}, which is {ARITHMETIC} now; new runs can differ from them "
        "in the last digits; --fresh trains them again"
    )


def differences_among(records: Sequence[Record]) -> list[str]:
    """Where the runs of one experiment differ: each difference once, in the order of the runs."""
    first, *others = (Arithmetic.from_environment(record.environment) for record in records)
    return list(dict.fromkeys(each for other in others for each in first.differences(other)))


def _fact(value: Any) -> Fact:
    return value if isinstance(value, str | int) else None


def _shown(fact: Fact) -> str:
    if isinstance(fact, bool):
        return "on" if fact else "off"
    return str(fact)
