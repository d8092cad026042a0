"""Run folders, written: the only writer of runs. What is removed is renamed away first."""

from __future__ import annotations

import csv
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import CnnlabError, UserError
from cnnlab.run_folders.checkpoints import CHECKPOINTS, DamagedCheckpoint, Owner, SavedEpoch, as_arrays, read
from cnnlab.run_folders.folders import Folder, disk, refuse_links
from cnnlab.run_folders.identity import is_finished
from cnnlab.run_folders.integrity import DIGESTED, RUN_FORMAT, DamagedRun, file_digest
from cnnlab.run_folders.records import (
    HISTORY_COLUMNS,
    EpochRow,
    is_run,
    read_history,
    read_json,
    read_record,
    read_status,
)
from cnnlab.run_folders.states import State, held, lock_of

if TYPE_CHECKING:
    import numpy as np

NEWEST, PREVIOUS = CHECKPOINTS


class RunWriter(Folder):
    """The folder of one run, held by this process while it trains.

    Args:
        data: the digest of the data that it is trained on.
    """

    def __init__(self, path: Path, config: ExperimentConfig, *, data: str) -> None:
        super().__init__(path)
        self.config = config
        self.status = read_status(path) or {}
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
        process = {"command": sys.argv, "pid": os.getpid(), "error": None, "files": None}
        started = self.status.get("started", _now())
        self.write_state("running", format=RUN_FORMAT, **owner, started=started, **process)

    def finish(self) -> None:
        """Say that all is written, and of which files."""
        files = {name: self._digests[name] for name in DIGESTED if name in self._digests}
        self.write_state("finished", seconds=self.seconds, files=files)
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

    def read_checkpoint(self, warn: Callable[[str], None]) -> SavedEpoch | None:
        """The end of the last epoch; None where none is finished.

        Where the newest file is damaged it is the end of the epoch before, and `warn` is told.

        Raises:
            DamagedRun: all that is there is damaged.
        """
        saved, problems = _saved(self.path, self._owner)
        if saved and problems:
            warn(f"{self.path}: {problems[0]}; resuming after epoch {saved.epoch}, which was saved before it")
        return saved

    def _whole(self, name: str, partial: Path) -> None:
        if name in DIGESTED:
            self._digests[name] = file_digest(partial)
        if name == NEWEST:
            with suppress(FileNotFoundError):
                (self.path / NEWEST).replace(self.path / PREVIOUS)


@contextmanager
def hold(path: Path, out: Path) -> Iterator[None]:
    """Be the only process that trains, or removes, the run in this folder below `out`.

    Raises:
        CnnlabError: another process trains it, or its folder cannot be written.
    """
    refuse_links(path, inside=out)
    with disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path, CnnlabError(f"{path}: another process is training this run")):
        for leftover in path.parent.glob(f"{_removed(path)}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        yield


@contextmanager
def open_run(path: Path, config: ExperimentConfig, *, data: str) -> Iterator[RunWriter]:
    """Write to the folder of a run that is held; its state on disk follows what happens in the block.

    Args:
        data: the digest of the data that it is trained on.
    """
    run = RunWriter(path, config, data=data)

    def leave(state: State, error: str | None = None) -> None:
        if run.status.get("state") == "finished":
            return  # only tidying up was left
        with suppress(CnnlabError):  # a disk that does not take the run does not take this either
            run.write_state(state, seconds=run.seconds, error=error)

    try:
        run.begin()
        yield run
        run.finish()
    except (KeyboardInterrupt, GeneratorExit):  # the latter where Ctrl-C came while the block was left
        leave("interrupted")
        raise
    except BaseException as error:
        told = isinstance(error, CnnlabError)
        leave("failed", error=str(error) if told else f"{type(error).__name__}: {error}")
        raise


def trained_on(path: Path) -> str | None:
    """The digest of the data that a run, finished or not, was begun on; None where none is known."""
    data = (read_json(path / "run.json") or {}).get("data")
    if data is None:  # of 0.1.0
        dataset = (read_json(path / "environment.json") or {}).get("dataset")
        data = dataset.get("digest") if isinstance(dataset, dict) else None
    return data if isinstance(data, str) else None


def remove_leftovers(path: Path) -> None:
    """Remove the checkpoints of a finished run that was killed before it could do so itself."""
    import filelock

    leftovers = [path / name for name in CHECKPOINTS if (path / name).exists()]
    if not leftovers:
        return
    with suppress(filelock.Timeout, OSError), held(path, timeout=0):
        if (read_json(path / "run.json") or {}).get("state") == "finished":  # not begun anew meanwhile
            for leftover in leftovers:
                leftover.unlink(missing_ok=True)


def start_over(path: Path, config: ExperimentConfig) -> None:
    """Clear the folder of a run that is held; a damaged one is kept beside, as damaged-seed-N.

    Raises:
        CnnlabError: the folder cannot be renamed or removed.
    """
    if not path.exists():
        return
    with disk(path):
        if _is_damaged(path, config):
            path.rename(_free(path.with_name(f"damaged-{path.name}")))
        else:
            _remove(path)


def remove_run(path: Path) -> None:
    """Remove a run's folder, whole or not at all, and its experiment's where that is empty then.

    Raises:
        UserError: this is not a run's folder.
        CnnlabError: a process is training this run, or the folder cannot be removed.
    """
    if path.is_symlink() or path.parent.is_symlink() or not is_run(path):
        raise UserError(f"{path}: expected a run's folder with run.json; nothing was removed")
    busy = CnnlabError(f"{path}: a process is training this run; nothing was removed")
    with _alone(path, busy, "removed"), disk(path, "removed"):
        _remove(path)
        Path(lock_of(path).lock_file).unlink(missing_ok=True)
    with suppress(OSError):  # other seeds, or files of the user's, are still in there
        path.parent.rmdir()


@contextmanager
def _alone(path: Path, busy: CnnlabError, what: str = "written") -> Iterator[None]:
    import filelock

    with ExitStack() as lock:
        with disk(path, what):
            try:
                lock.enter_context(held(path))
            except filelock.Timeout:
                raise busy from None
        yield


def _remove(path: Path) -> None:
    """Half a run is never seen, however long removing takes, or if it is killed."""
    doomed = path.with_name(f"{_removed(path)}{secrets.token_hex(4)}")
    path.rename(doomed)
    shutil.rmtree(doomed)


def _removed(path: Path) -> str:
    """How the names of folders begin that are being removed."""
    return f".removed-{path.name}-"


def _is_damaged(path: Path, config: ExperimentConfig) -> bool:
    """Whether a run is not what it should be: somebody may want to look at it."""
    try:
        if is_finished(path, config):
            read_record(path)
        else:
            _saved(path, None)
    except UserError:
        return True
    return False


def _saved(path: Path, owner: Owner | None) -> tuple[SavedEpoch | None, list[str]]:
    """The last epoch in a folder that was saved and can be read, and what is wrong with later ones.

    Raises:
        DamagedRun: all that is there is damaged.
    """
    problems: list[str] = []
    for name in CHECKPOINTS:
        try:
            return read(path / name, owner, history=lambda: read_history(path)), problems
        except FileNotFoundError:
            continue
        except DamagedCheckpoint as error:
            problems.append(f"{name} {error}")
        except DamagedRun as error:  # of 0.1.0, which needs the table
            problems.append(f"{name} cannot be used: {error.problem}")
    if problems:
        raise DamagedRun(path, problems[0])
    return None, problems


def _free(path: Path) -> Path:
    """This path, or the first free one with a number behind."""
    number = 2
    free = path
    while free.exists():
        free = path.with_name(f"{path.name}-{number}")
        number += 1
    return free


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        cells = (row[column] for column in columns)
        writer.writerow(["×".join(map(str, cell)) if isinstance(cell, tuple) else cell for cell in cells])
    return text.getvalue()
