"""Run folders, written: the only writer of runs."""

from __future__ import annotations

import csv
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import CnnlabError, Pruned
from cnnlab.foreign_text import csv_cell, printable
from cnnlab.framework_errors import described
from cnnlab.run_folders.checkpoints import (
    CHECKPOINTS,
    NEWEST,
    PREVIOUS,
    Owner,
    SavedEpoch,
    as_arrays,
    last_epoch,
)
from cnnlab.run_folders.epochs import epoch_files, epoch_in, file_of
from cnnlab.run_folders.folders import Folder, disk
from cnnlab.run_folders.integrity import DIGESTED, RUN_FORMAT, DamagedRun, file_digest
from cnnlab.run_folders.records import HISTORY_COLUMNS, EpochRow, read_json, read_status
from cnnlab.run_folders.states import State

if TYPE_CHECKING:
    import numpy as np

_FLUSHED = {NEWEST, *DIGESTED} - {"history.csv"}
"""Files that are on the disk before they take their names. Those of every epoch cost some 10 ms each; what
history.csv and run.json hold is in the checkpoint, too, or can be done without, until the run is finished."""


class RunWriter(Folder):
    """The folder of one run, held by this process while it trains.

    Args:
        data: the digest of the data that it is trained on.
    """

    def __init__(self, path: Path, config: ExperimentConfig, *, data: str) -> None:
        super().__init__(path)
        self.config = config
        self.status: dict[str, Any] = {}
        self._lost_status: str | None = None
        try:
            self.status |= read_status(path) or {}
        except DamagedRun as error:
            if not any((path / name).exists() for name in CHECKPOINTS):
                raise
            self._lost_status = error.problem  # the checkpoint knows whose it is
        self._owner = Owner(config.digest, config.seed, data)
        self._digests: dict[str, str] = {}
        self._seconds_before = float(self.status.get("seconds") or 0.0)
        self._began = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Time spent on this run so far, that of earlier, interrupted processes included."""
        return self._seconds_before + time.perf_counter() - self._began

    def begin(self) -> None:
        """Say whose folder this is, and that the run is being trained."""
        self.remove_partial_files()
        owner = {"digest": self._owner.experiment, "seed": self._owner.seed, "data": self._owner.data}
        command = [printable(word) for word in sys.argv]  # names of files need not be text
        process = {"command": command, "pid": os.getpid(), "error": None, "files": None}
        started = self.status.get("started", _now())
        self.write_state("running", format=RUN_FORMAT, **owner, started=started, **process)

    def finish(self) -> None:
        """Say that all is written, and of which files."""
        files = {name: self._digests[name] for name in DIGESTED if name in self._digests}
        with disk(self.path, "read"):  # those of earlier, interrupted processes, too
            files |= {name: file_digest(self.path / name) for name in epoch_files(self.path)}
        with disk(self.path):  # a machine that loses power has all of it, or the checkpoint
            if "history.csv" in files:
                self._flush("history.csv")
            self._flush()
            self.write_state("finished", seconds=self.seconds, files=files)
            self._flush()
        for name in CHECKPOINTS:
            self.remove(name)

    def write_state(self, state: State, **more: Any) -> None:
        self.status |= {"state": state, "updated": _now(), **more}
        self.write_json("run.json", self.status)

    def write_setting(self, environment: Mapping[str, Any]) -> None:
        """What is known before the first epoch: the config, the summary, the environment."""
        from dataclasses import asdict

        rows = [asdict(row) for row in self.config.architecture.rows]
        self.write_text("config.yaml", self.config.to_yaml())
        self.write_text("layers.csv", _csv(rows, list(rows[0])))
        self.write_json("environment.json", environment)

    def write_history(self, history: Sequence[EpochRow]) -> None:
        """The contract's columns first, then those of the config's metrics."""
        columns = dict.fromkeys((*HISTORY_COLUMNS, *history[0]))
        self.write_text("history.csv", _csv(history, list(columns)))

    def write_checkpoint(self, arrays: Mapping[str, np.ndarray], history: Sequence[EpochRow]) -> None:
        """Save the end of an epoch: what training needs to go on, and the table up to there."""
        import numpy as np

        self.write_state("running", seconds=self.seconds)  # whoever is killed has no time to say it
        everything = as_arrays(SavedEpoch(arrays, history), self._owner)
        self.save_with(NEWEST, lambda path: np.savez(path, **everything))  # type: ignore[arg-type]
        self.write_history(history)

    def has_epoch(self, epoch: int) -> bool:
        """Whether the weights of an epoch are in the folder."""
        return (self.path / file_of(epoch)).exists()

    def write_epoch(self, epoch: int, weights: Mapping[str, np.ndarray]) -> None:
        """Keep the weights after an epoch, ahead of its checkpoint: a run that is resumed has no gap.

        Args:
            epoch: 0 for the initial weights.
            weights: by Keras's names of them, in Keras's order.
        """
        import numpy as np

        self.save_with(file_of(epoch), lambda path: np.savez(path, **weights))  # type: ignore[arg-type]

    def read_checkpoint(self, warn: Callable[[str], None]) -> SavedEpoch | None:
        """The end of the last epoch; None where none is finished.

        Where the newest file is damaged it is the end of the epoch before, and `warn` is told.

        Raises:
            DamagedRun: all that is there is damaged.
        """
        saved, problems = last_epoch(self.path, self._owner)
        if saved and problems:
            warn(f"{self.path}: {problems[0]}; resuming after epoch {saved.epoch}, which was saved before it")
            self.remove(NEWEST)  # or the next save would keep it in place of the one that is whole
        elif saved and self._lost_status:
            warn(f"{self.path}: {self._lost_status}; resuming after epoch {saved.epoch} from its checkpoint")
        return saved

    def _before_naming(self, name: str, partial: Path) -> None:
        if name in DIGESTED:
            self._digests[name] = file_digest(partial)
        finished = name == "run.json" and self.status["state"] == "finished"
        if name in _FLUSHED or finished or epoch_in(name) is not None:
            self._flush(partial.name)
        if name == NEWEST:
            with suppress(FileNotFoundError):
                self._keep_previous()

    def _flush(self, name: str = "") -> None:
        """Let the disk confirm that it has a file; without a name: that it has the names of all files."""
        descriptor = os.open(self.path / name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        except OSError:
            if name:  # some disks cannot flush folders
                raise
        finally:
            os.close(descriptor)

    def _keep_previous(self) -> None:
        """Let the checkpoint that is about to be replaced be the previous one; there is one at any time.

        Raises:
            FileNotFoundError: there is none yet.
        """
        second = self.partial(PREVIOUS)
        try:
            os.link(self.path / NEWEST, second, follow_symlinks=False)
        except FileNotFoundError:
            raise
        except OSError:  # a disk that gives a file one name only
            (self.path / NEWEST).replace(self.path / PREVIOUS)
        else:
            try:
                second.replace(self.path / PREVIOUS)
            finally:
                second.unlink(missing_ok=True)  # two names of the same file stay: see rename(2)


@contextmanager
def open_run(path: Path, config: ExperimentConfig, *, data: str) -> Iterator[RunWriter]:
    """Write to the folder of a run that is held; its state on disk follows what happens in the block.

    Args:
        data: the digest of the data that it is trained on.
    """
    run = RunWriter(path, config, data=data)
    with following(run):
        yield run


@contextmanager
def following(run: RunWriter) -> Iterator[None]:
    """Let the state of a run on disk follow what happens in the block."""

    def leave(state: State, error: str | None = None) -> None:
        if run.status.get("state") == "finished":
            return  # only tidying up was left
        with suppress(CnnlabError):  # a disk that does not take the run does not take this either
            run.write_state(state, seconds=run.seconds, error=error)

    try:
        run.begin()
        yield
        run.finish()
    except (KeyboardInterrupt, GeneratorExit):  # the latter where Ctrl-C came while the block was left
        leave("interrupted")
        raise
    except Pruned as error:
        leave("pruned", error=str(error))
        raise
    except BaseException as error:
        told = isinstance(error, CnnlabError)
        leave("failed", error=str(error) if told else described(error))
        raise


def trained_on(path: Path) -> str | None:
    """The digest of the data that a run, finished or not, was begun on; None where none is known."""
    data = (read_json(path / "run.json") or {}).get("data")
    if data is None:  # of 0.1.0
        dataset = (read_json(path / "environment.json") or {}).get("dataset")
        data = dataset.get("digest") if isinstance(dataset, dict) else None
    return data if isinstance(data, str) else None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        cells = (row[column] for column in columns)
        writer.writerow(
            ["×".join(map(str, cell)) if isinstance(cell, tuple) else csv_cell(cell) for cell in cells]
        )
    return text.getvalue()
