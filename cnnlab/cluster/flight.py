"""A run that a machine of a cluster trains, and its folder here."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cnnlab.cluster.nodes import Need
from cnnlab.errors import CnnlabError
from cnnlab.interruption import Interrupted
from cnnlab.run_folders.holding import hold
from cnnlab.run_folders.identity import run_path
from cnnlab.run_folders.mirror import Mirror, saved_epochs, to_resume
from cnnlab.run_folders.records import Record, read_record
from cnnlab.run_folders.run_writer import following
from cnnlab.trainer import Trainer
from cnnlab.workers.pool import Run

MOST_LOSSES = 3
"""So often a run is begun on another machine without an epoch in between; then it fails."""


@dataclass(eq=False)
class Flight:
    """A run under way.

    Attributes:
        host: the process of Ray's that has it. pending: what that has been asked for.
        there: the run's folder on that machine; None until it has begun.
        node: the id of the machine, machine: its name.
        losses: how many machines have been lost since the last epoch.
    """

    run: Run
    need: Need
    host: Any = None
    pending: Any = None
    there: Path | None = None
    node: str | None = None
    machine: str = "a machine"
    losses: int = 0
    waits_since: float = 0.0
    only_on: str | None = None
    path: Path | None = None
    mirror: Mirror | None = None
    _folder: ExitStack = field(default_factory=ExitStack)
    _begun_after: int = 0

    def open(self, trainer: Trainer) -> Record | None:
        """Hold the run's folder and clear it of what the run does not go on from.

        Returns:
            The run, if another process has finished it meanwhile.

        Raises:
            CnnlabError: another process trains it, or the folder cannot be written.
        """
        config = self.run.config
        data = trainer.dataset(config).provenance.digest
        self.path = run_path(config, trainer.out)
        with ExitStack() as folder:
            folder.enter_context(hold(self.path, trainer.out))
            if record := trainer.reused(config):
                return record
            trainer.clear_way(self.path, config, data)
            trainer.check_room(self.path, config)
            self.mirror = Mirror(self.path, config, data=data)
            folder.enter_context(following(self.mirror))
            self._folder = folder.pop_all()
        return None

    def files(self) -> dict[str, bytes]:
        """What a machine goes on from.

        Raises:
            CnnlabError: it cannot be read.
        """
        if self.path is None:
            return {}
        self._begun_after = saved_epochs(self.path)
        return to_resume(self.path)

    def is_lost(self) -> int | None:
        """Count a lost machine; returns the epochs after which the run goes on, None if it does not."""
        saved = 0 if self.path is None else saved_epochs(self.path)
        self.losses = 1 if saved > self._begun_after else self.losses + 1
        self.host = self.pending = self.there = self.node = None
        return saved if self.losses <= MOST_LOSSES else None

    def here(self, text: Any) -> Any:
        """A text from there, with the names of the folders here."""
        if not isinstance(text, str) or self.there is None or self.path is None:
            return text
        return text.replace(str(self.there), str(self.path)).replace(
            str(self.there.parent), str(self.path.parent)
        )

    def finish(self) -> Record:
        """Close the folder of a run that is finished.

        Raises:
            CnnlabError: a file is not what it was there, or cannot be written.
        """
        if self.path is None:
            raise ValueError("a run without a folder")
        self._folder.close()
        return read_record(self.path)

    def fail(self, error: CnnlabError) -> None:
        """Close the folder of a run that has failed, or was pruned."""
        with suppress(CnnlabError), self._folder:
            raise error

    def interrupt(self) -> None:
        """Close the folder of a run that can be resumed as it is."""
        with suppress(KeyboardInterrupt, CnnlabError), self._folder:
            raise Interrupted
