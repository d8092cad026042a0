"""On a machine of a cluster: starts cnnlab's worker process there, and says what comes of it.

Whatever happens to Ray's process, the worker ends by itself, as its pipe closes.
"""

from __future__ import annotations

import fcntl
import os
import platform
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TextIO

from cnnlab.cluster.messages import Begun, Job, News
from cnnlab.errors import CnnlabError
from cnnlab.run_folders.identity import run_path
from cnnlab.run_folders.mirror import Changes
from cnnlab.workers.messages import Done, Ended, Event, Failed, Message, Ready, SharedSettings, Start, Task
from cnnlab.workers.process import WorkerProcess
from cnnlab.workers.shipped import write_shipped

PREFIX = "cnnlab-cluster-"
"""How the names of temporary folders begin, each with the data and the runs of one command."""

ABANDONED_AFTER = 120.0
"""Seconds after which a folder that no process holds is one of a command that was killed."""

LISTENING = 2.0
"""Seconds to wait for news at most, so that whoever asks can do something else."""

STOPPING = 12.0
"""Seconds in which an interrupted worker ends; then it is killed."""


class Host:
    """One worker process on this machine, and its folder: trains one run after the other.

    Args:
        session: names the command, whose data is kept once on each machine.
        environment: variables of the user's that decide how libraries compute.
    """

    def __init__(
        self, session: str, settings: SharedSettings, start: Start, environment: Mapping[str, str | None]
    ) -> None:
        _remove_abandoned()
        for name, value in environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        with _full_disk():
            self._folder, self._lock = _enter(session)
            self._data = self._folder / "data"
            self._data.mkdir(exist_ok=True)
            self._out = self._folder / f"runs-{secrets.token_hex(4)}"
            self._out.mkdir()
        self._start = replace(
            start, settings=replace(settings, out=self._out, fresh=False, shipped=self._data)
        )
        self._inbox: SimpleQueue[tuple[WorkerProcess, Message]] = SimpleQueue()
        self._worker: WorkerProcess | None = None
        self._changes: Changes | None = None

    def begin(self, job: Job) -> Begun:
        """Let the worker train a run.

        Raises:
            CnnlabError: there is no room on the disk.
        """
        import ray

        with _full_disk():
            for earlier in self._out.iterdir():
                shutil.rmtree(earlier, ignore_errors=True)
            self._keep(*job.dataset)
            path = run_path(job.config, self._out)
            self._changes = Changes(path)
            if job.files:
                self._changes.write(job.files)
        context = ray.get_runtime_context()
        task = Task(job.config, job.most_at_once, job.estimate)
        if self._worker is not None and self._worker.is_ready:
            self._worker.begin(task)
        else:
            self._worker = WorkerProcess(self._start, task, self._inbox)
        return Begun(platform.node(), context.get_node_id(), path)

    def news(self) -> News:
        """What the worker has said since the last call; waits for that, but not for long.

        Raises:
            CnnlabError: its files cannot be read.
        """
        messages: list[Message] = []
        until = time.monotonic() + LISTENING
        with suppress(Empty):
            while True:
                wait = until - time.monotonic() if not messages else 0.0
                worker, message = (
                    self._inbox.get(timeout=max(0.0, wait)) if wait > 0 else self._inbox.get_nowait()
                )
                if worker is not self._worker:
                    continue
                if isinstance(message, Ready):
                    worker.is_ready = True
                    if worker.task:
                        worker.begin(worker.task)
                elif isinstance(message, Ended):
                    self._worker = None
                elif isinstance(message, Failed) and not worker.is_ready:  # nor will it ever be
                    worker.close()
                    self._worker = None
                if _is_step(message) and messages and _is_step(messages[-1]):
                    messages.pop()  # only the last counts
                messages.append(message)
        files = {}
        if self._changes and any(_saved(each) for each in messages):
            with _full_disk():
                files = self._changes.take()
        return News(messages, files)

    def answer(self, goes_on: bool) -> None:
        """Tell the worker, after an epoch, whether its run goes on."""
        if self._worker:
            self._worker.answer(goes_on=goes_on)

    def stop(self) -> None:
        """End the worker, and remove what is here of it."""
        if self._worker:
            self._worker.close()
            self._worker.wait(STOPPING)
        shutil.rmtree(self._out, ignore_errors=True)
        _leave(self._folder, self._lock)

    def _keep(self, name: str, reference: Any) -> None:
        """Keep data of a run on this machine, where it is not there yet."""
        import ray

        path = self._data / name
        with (self._folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                write_shipped(path, ray.get(reference[0]))


def _is_step(message: Message) -> bool:
    return isinstance(message, Event) and message.name == "stepped"


def _saved(message: Message) -> bool:
    """Whether files have changed by then that are worth keeping."""
    return isinstance(message, Done | Failed | Ended) or (
        isinstance(message, Event) and message.name == "epoch_ended"
    )


def _enter(session: str) -> tuple[Path, TextIO]:
    """The folder of a command on this machine, held by this process with others of the same command."""
    folder = Path(tempfile.gettempdir()) / f"{PREFIX}{session}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise CnnlabError(f"{folder}: expected a folder of this user's")
    lock = (folder / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_SH)
    return folder, lock


def _leave(folder: Path, lock: TextIO) -> None:
    """Let go of a command's folder; the last one removes it."""
    with suppress(OSError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    lock.close()


def _remove_abandoned() -> None:
    """Remove what commands have left that were killed together with their processes here."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            if folder.is_symlink() or time.time() - folder.stat().st_mtime < ABANDONED_AFTER:
                continue
            with (folder / "lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _full_disk() -> Iterator[None]:
    """Errors of this machine's disk, with the machine's name."""
    try:
        yield
    except OSError as error:
        raise CnnlabError(
            f"{platform.node()}: {error.filename or tempfile.gettempdir()}: {error.strerror or error}; runs "
            "need room there while they are trained (TMPDIR says where)"
        ) from None
