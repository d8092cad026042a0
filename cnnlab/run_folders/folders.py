"""Run folders, written: the only writer below experiments/. Files appear whole or not at all."""

from __future__ import annotations

import csv
import errno
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import CnnlabError, UserError
from cnnlab.npz import NpzError, read_npz
from cnnlab.run_folders.records import HISTORY_COLUMNS, EpochRow, is_run, read_history, read_json, run_path
from cnnlab.run_folders.states import State, lock_of

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure


class Folder:
    """A folder that results are written to, one whole file at a time.

    `written`: the names of the files that were written by way of this object, in their order. Others that are
    there are older.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written: list[str] = []
        with _disk(path):
            path.mkdir(parents=True, exist_ok=True)

    def save_with(self, name: str, save: Callable[[Path], object]) -> None:
        """Let `save` write a file under a temporary name, then give it its own: a reader never sees half."""
        partial = self.path / f".partial-{name}"  # the ending stays: some writers choose the format by it
        with _disk(self.path / name):
            try:
                save(partial)
                partial.replace(self.path / name)
            finally:
                partial.unlink(missing_ok=True)  # on a full disk it would take the room of the next file
        if name not in self.written:
            self.written.append(name)

    def write_text(self, name: str, text: str) -> None:
        self.save_with(name, lambda path: path.write_text(text, encoding="utf-8"))

    def write_json(self, name: str, data: Mapping[str, Any]) -> None:
        self.write_text(name, json.dumps(data, indent=2, ensure_ascii=False) + "\n")

    def write_arrays(self, name: str, **arrays: np.ndarray) -> None:
        import numpy as np

        self.save_with(name, lambda path: np.savez_compressed(path, **arrays))  # type: ignore[arg-type]

    def remove(self, name: str) -> None:
        """Remove a file that is out of date, if it is there."""
        with _disk(self.path / name):
            (self.path / name).unlink(missing_ok=True)
        self.written = [each for each in self.written if each != name]

    def write_figure(self, name: str, figure: Figure) -> None:
        self.save_with(name, lambda path: figure.savefig(path))


class RunWriter(Folder):
    """The folder of one run, held by this process while it trains."""

    def __init__(self, path: Path, config: ExperimentConfig) -> None:
        super().__init__(path)
        self.config = config
        self.status = read_json(path / "run.json") or {}
        self._seconds_before = float(self.status.get("seconds", 0.0))
        self._began = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Time spent on this run so far, that of earlier, interrupted processes included."""
        return self._seconds_before + time.perf_counter() - self._began

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

    def read_history(self) -> list[EpochRow]:
        return read_history(self.path)

    def write_checkpoint(self, arrays: Mapping[str, np.ndarray]) -> None:
        import numpy as np

        self.write_state("running", seconds=self.seconds)  # whoever is killed has no time to say it
        self.save_with("checkpoint.npz", lambda path: np.savez(path, **arrays))  # type: ignore[arg-type]

    def read_checkpoint(self) -> dict[str, np.ndarray] | None:
        """The arrays of the last finished epoch; None where none is finished.

        Raises:
            CnnlabError: the file is damaged.
        """
        path = self.path / "checkpoint.npz"
        if not path.exists():
            return None
        try:
            return read_npz(path)
        except (OSError, NpzError):
            raise CnnlabError(f"{path}: this checkpoint is damaged; start over with --fresh") from None


@contextmanager
def open_run(config: ExperimentConfig, out: Path, *, fresh: bool = False) -> Iterator[RunWriter]:
    """Hold a run's folder while it is trained; its state on disk follows what happens in the block.

    Args:
        fresh: forget what is there and start over.

    Raises:
        CnnlabError: another process trains this run, or the folder cannot be written.
    """
    import filelock

    path = run_path(config, out)
    lock = lock_of(path)
    with _disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise CnnlabError(f"{path}: another process is training this run") from None
    try:
        if fresh and path.exists():
            with _disk(path):
                shutil.rmtree(path)
        run = RunWriter(path, config)
        started = run.status.get("started", _now())
        run.write_state("running", started=started, command=sys.argv, pid=os.getpid(), error=None)

        def leave(state: State, error: str | None = None) -> None:
            run.write_state(state, seconds=run.seconds, error=error)

        try:
            yield run
        except KeyboardInterrupt:
            leave("interrupted")
            raise
        except BaseException as error:
            leave("failed", error=f"{type(error).__name__}: {error}" if not _told(error) else str(error))
            raise
        leave("finished")
        run.remove("checkpoint.npz")
    finally:
        lock.release()


def remove_run(path: Path) -> None:
    """Remove a run's folder, whole or not at all, and its experiment's where that is empty then.

    Raises:
        UserError: this is not a run's folder.
        CnnlabError: a process is training this run, or the folder cannot be removed.
    """
    import filelock

    if path.is_symlink() or not is_run(path):
        raise UserError(f"{path}: expected a run's folder with run.json; nothing was removed")
    lock = lock_of(path)
    with _disk(path, "removed"):
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise CnnlabError(f"{path}: a process is training this run; nothing was removed") from None
        try:
            # Renamed first: half a run is never seen, however long removing takes.
            doomed = path.with_name(f".removed-{path.name}-{os.getpid()}")
            path.rename(doomed)
            shutil.rmtree(doomed)
            Path(lock.lock_file).unlink(missing_ok=True)
        finally:
            lock.release()
    with suppress(OSError):  # other seeds, or files of the user's, are still in there
        path.parent.rmdir()


def _told(error: BaseException) -> bool:
    return isinstance(error, CnnlabError)


@contextmanager
def _disk(path: Path, what: str = "written") -> Iterator[None]:
    """Errors of the disk in the user's words."""
    try:
        yield
    except OSError as error:
        hint = (
            "; free some space, and the run resumes from its last epoch"
            if error.errno == errno.ENOSPC
            else ""
        )
        raise CnnlabError(f"{path}: cannot be {what}: {error.strerror or error}{hint}") from None


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
