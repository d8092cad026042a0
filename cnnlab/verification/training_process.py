"""A run that is trained in a process of its own, which is watched by what it writes, and may be killed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cnnlab.run_folders.checkpoints import NEWEST
from cnnlab.run_folders.folders import PARTIAL
from cnnlab.run_folders.records import EpochRow, read_history, read_json

POLL_SECONDS = 0.004

SAVE_POLL_SECONDS = 0.001
"""A small checkpoint is written in a few milliseconds."""

ENDS_WITH_ITS_PARENT = """\
import os, sys, threading

threading.Thread(target=lambda: os.read(0, 1) or os._exit(1), daemon=True).start()
"""
"""The beginning of a program: whoever starts it holds the other end of its standard input, which closes even
if that process is killed."""

COMMAND = f"""\
{ENDS_WITH_ITS_PARENT}
sys.path.append(sys.argv.pop(1))
from cnnlab.__main__ import main

main()
"""
"""A command of cnnlab, found in the folder that is the first argument. The current directory is no source of
modules: what runs there is what runs here."""


MOST_SAID = 1 << 16
"""Bytes of the messages of a process that are kept, from the end."""


class _Messages(threading.Thread):
    """Reads what a process says on stderr. It does not go to the disk, which may be full."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        super().__init__(daemon=True)
        self._stream = process.stderr
        self._said = b""

    def run(self) -> None:
        while self._stream and (part := os.read(self._stream.fileno(), MOST_SAID)):
            self._said = (self._said + part)[-MOST_SAID:]

    def until_the_end(self) -> str:
        self.join(timeout=10)  # another process may have got the other end
        return self._said.decode(errors="replace").strip()


@dataclass
class TrainingProcess:
    """`cnnlab train` of a config file, in a process of its own. `out` holds this run only."""

    out: Path
    process: subprocess.Popen[bytes]
    _messages: _Messages
    _before: int | None
    """When run.json had been written last before the process began."""

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    @property
    def begun(self) -> bool:
        """Whether the process has opened the run's folder."""
        return _changed(self.out) != self._before

    @property
    def finished(self) -> bool:
        return any(
            (read_json(path) or {}).get("state") == "finished" for path in self.out.glob("*/seed-*/run.json")
        )

    @property
    def history(self) -> list[EpochRow]:
        """The rows of history.csv so far, those of processes before included."""
        return read_history(run_folder(self.out)) if self.epochs else []

    @property
    def epochs(self) -> int:
        """How many rows there are."""
        for path in self.out.glob("*/seed-*/history.csv"):
            return path.read_bytes().count(b"\n") - 1
        return 0

    @property
    def has_checkpoint(self) -> bool:
        return any(self.out.glob(f"*/seed-*/{NEWEST}"))

    @property
    def saving(self) -> bool:
        """Whether a checkpoint is being written, or was when the process was killed."""
        return any(self.out.glob(f"*/seed-*/{PARTIAL}*-{NEWEST}"))

    @property
    def messages(self) -> str:
        """What the process has said on stderr until its end: warnings, and why it failed."""
        return self._messages.until_the_end()

    @property
    def failure(self) -> str:
        """Why the process failed."""
        return self.messages or f"exit code {self.wait()}, no message; is there room in TMPDIR?"

    def wait_until_begun(self) -> None:
        """Wait until the process has opened the run's folder, or has ended."""
        while self.running and not self.begun:
            self.wait_a_moment()

    def wait_until_saving(self) -> None:
        """Wait until the process writes a checkpoint, has written one too fast to be seen, or has ended."""
        rows = self.epochs
        while self.running and not self.saving and self.epochs == rows:
            self.wait_a_moment(SAVE_POLL_SECONDS)

    def wait_a_moment(self, seconds: float = POLL_SECONDS) -> None:
        """Wait for so many seconds, or until it ends."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=seconds)

    def wait(self) -> int:
        """Wait for its end; returns the exit code."""
        return self.process.wait()

    def kill(self) -> bool:
        """End the process, wherever it is, without notice; False where it had ended by itself."""
        self.process.kill()
        return self.process.wait() < 0


@contextmanager
def training_process(config: Path, out: Path, data_dir: Path | None) -> Iterator[TrainingProcess]:
    """Train, or go on with what is in `out`.

    A process that is still there at the end is killed; it also ends if this process is killed.
    """
    out.mkdir(exist_ok=True)
    before = _changed(out)
    package = Path(__file__).parents[2]
    command: list[str | Path] = [
        sys.executable,
        "-P",
        "-c",
        COMMAND,
        package,
        "train",
        config,
        "--out",
        out,
        "--quiet",
    ]
    if data_dir is not None:
        command += ["--data-dir", data_dir]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        messages = _Messages(process)
        messages.start()
        try:
            yield TrainingProcess(out, process, messages, before)
        finally:
            process.kill()
            messages.until_the_end()


def run_folder(out: Path) -> Path:
    """The folder of the one run below `out`."""
    [path] = out.glob("*/seed-*")
    return path


def _changed(out: Path) -> int | None:
    """When the run below `out` was last said to be running, or to be anything else."""
    for path in out.glob("*/seed-*/run.json"):
        return path.stat().st_mtime_ns
    return None
