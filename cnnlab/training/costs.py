"""What a run will cost, as a value: whoever is told of it needs no framework."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class CostEstimate:
    """What a run will cost, told from its first steps. Times on the machine as busy as it was just now."""

    name: str
    steps: int  # that were tried
    steps_per_epoch: int
    seconds_per_step: float
    seconds_per_epoch: float  # training and validation
    seconds: float  # the whole run, to the last epoch
    peak_memory_bytes: int | None  # as in `RunResult`
    disk_bytes: int  # what the run's folder will hold when it is finished
    checkpoint_bytes: int  # and while it is trained, besides
    seconds_in_loops: float | None  # of a step, if convolutions are loops in Python; told from a sample

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)
