"""What passes between a command and its worker processes: pickled objects, one after the other, in pipes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnlab.backend import Backend
    from cnnlab.config.experiment import ExperimentConfig
    from cnnlab.config.sections import RuntimeConfig
    from cnnlab.datasets import DataPaths
    from cnnlab.errors import CnnlabError
    from cnnlab.training.costs import CostEstimate


@dataclass(frozen=True)
class SharedSettings:
    """What all runs of a command have in common.

    command: what the user has typed, which runs record.
    may_prune: whether a run waits after each epoch to hear whether it goes on.
    shipped: a folder with datasets that another machine has sent; None: data is looked for as always.
    """

    out: Path
    data_paths: DataPaths
    fresh: bool
    command: tuple[str, ...]
    may_prune: bool = False
    shipped: Path | None = None


@dataclass(frozen=True)
class Start:
    """To a worker, first: how it is to compute, which no process can change later."""

    settings: SharedSettings
    runtime: RuntimeConfig
    threads: int


@dataclass(frozen=True)
class Task:
    """To a worker that has nothing to do: a run, and how many are trained at the same time.

    estimate: do not train it, but try a few steps, to say what it will cost.
    """

    config: ExperimentConfig
    side_by_side: int
    estimate: bool = False


@dataclass(frozen=True)
class AfterEpoch:
    """To a worker that waits after an epoch: whether its run goes on."""

    goes_on: bool


@dataclass(frozen=True)
class Ready:
    """From a worker: its backend has started."""

    backend: Backend


@dataclass(frozen=True)
class Event:
    """From a worker, for the reporter: the name of its method and its arguments, but the run in progress.

    Or "python_warning", of another library: its text, category, file and line.
    """

    name: str
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    """From a worker: the run is finished, and where it is. `reused`: it had been so before."""

    path: Path
    reused: bool


@dataclass(frozen=True)
class Estimated:
    """From a worker: what the run will cost."""

    estimate: CostEstimate


@dataclass(frozen=True)
class Failed:
    """From a worker: the run failed, or the backend did not start."""

    error: CnnlabError


@dataclass(frozen=True)
class Ended:
    """A worker process has ended, put here by whoever reads its messages.

    code: as `subprocess.Popen.returncode`: the negative number of the signal that killed it.
    last_line: of what it printed.
    """

    code: int
    last_line: str


Message = Ready | Event | Done | Estimated | Failed | Ended
