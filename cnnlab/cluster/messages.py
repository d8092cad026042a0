"""What passes between a command and the machines of a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnlab.config.experiment import ExperimentConfig
    from cnnlab.workers.messages import Message


@dataclass(frozen=True)
class Job:
    """To a machine: a run to train there.

    files: what it goes on from, by name; of the run's folder.
    dataset: the name of its data's file, and a list with a reference to the data.
    most_at_once: how many runs may be trained at the same time on a machine.
    """

    config: ExperimentConfig
    files: Mapping[str, bytes]
    dataset: tuple[str, Sequence[Any]]
    most_at_once: int
    estimate: bool = False


@dataclass(frozen=True)
class Begun:
    """From a machine: it has taken a job, and in this folder."""

    machine: str
    node: str
    path: Path


@dataclass(frozen=True)
class News:
    """From a machine: what its worker process said, in order, and the files that have changed."""

    messages: Sequence[Message] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
