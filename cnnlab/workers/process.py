"""A worker process, seen from its parent."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

from cnnlab.errors import CnnlabError
from cnnlab.process_environment import environment_of_the_user
from cnnlab.workers.messages import AfterEpoch, Ended, Message, Start, Task

# A new interpreter, with the modules that this one finds: a fork would share threads and backend with this
# process, and `multiprocessing` would run the user's script once more. Ctrl-C and the hang-up of a terminal
# reach all processes of a command: a worker leaves them to its parent.
_PROGRAM = """\
import _signal, os, pickle, sys

for number in (_signal.SIGINT, _signal.SIGHUP):
    _signal.signal(number, _signal.SIG_IGN)
tasks = os.fdopen(os.dup(0), "rb")
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
answers = os.fdopen(int(sys.argv.pop()), "wb")
sys.path[:] = pickle.load(tasks)
from cnnlab.workers.worker import main

main(tasks, answers)
"""

OUTPUT_LIMIT = 1 << 14
"""Bytes that are kept of what a worker prints, from the end."""


class WorkerProcess:
    """Trains runs in a process of its own; its messages are put into an inbox.

    Attributes:
        start: how it computes.
        task: the run that it trains, or waits for until it is ready; None: it has nothing to do.
        is_ready: whether its backend has started.
    """

    def __init__(self, start: Start, task: Task, inbox: SimpleQueue[tuple[WorkerProcess, Message]]) -> None:
        self.start = start
        self.task: Task | None = task
        self.is_ready = False
        self._inbox = inbox
        # Libraries' log lines, and tracebacks of what is reported anyway: for those who look for a bug.
        shown = os.environ.get("CNNLAB_TRACEBACK") == "1"
        environment = environment_of_the_user()
        environment.pop("MPLBACKEND", None)  # a notebook's
        answers, for_worker = os.pipe()  # apart from stdout, where any library may print
        self._answers = os.fdopen(answers, "rb")
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _PROGRAM, str(for_worker)], pass_fds=(for_worker,),
                stdin=subprocess.PIPE, stdout=2 if shown else subprocess.PIPE,
                stderr=None if shown else subprocess.STDOUT,
                env=environment,
            )  # fmt: skip
        finally:
            os.close(for_worker)
        self._output = b""
        self._threads = [
            threading.Thread(target=each, daemon=True) for each in (self._listen, self._read_output)
        ]
        for thread in self._threads:
            thread.start()
        self._send(sys.path)
        self._send(start)

    def begin(self, task: Task) -> None:
        """Let it train a run, now that it is ready."""
        self.task = task
        self._send(task)

    def answer(self, *, goes_on: bool) -> None:
        """Tell it, after an epoch, whether its run goes on."""
        self._send(AfterEpoch(goes_on))

    def close(self) -> None:
        """Let it end: a run that it trains is interrupted."""
        with suppress(OSError):
            if self._process.stdin:
                self._process.stdin.close()

    def wait(self, seconds: float) -> None:
        """Wait until it has ended, and kill it where that takes longer."""
        try:
            self._process.wait(timeout=seconds)
        except BaseException as error:
            self._process.kill()
            self._process.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
        for thread in self._threads:
            thread.join(timeout=seconds)

    def _send(self, content: Any) -> None:
        with suppress(OSError):  # it has died: whoever listens says so
            if self._process.stdin:
                pickle.dump(content, self._process.stdin)
                self._process.stdin.flush()

    def _listen(self) -> None:
        unreadable = None
        try:
            with self._answers as answers:
                while True:
                    self._inbox.put((self, pickle.load(answers)))
        except (EOFError, OSError):
            pass
        except Exception as error:  # noqa: BLE001  # pickle raises what it likes, such as for a class that is not here
            unreadable = f"its answer cannot be read: {error}"
            self._process.kill()
        code = self._process.wait()
        lines = self._output.decode(errors="replace").strip().splitlines()
        ended = Ended(code, lines[-1] if lines else "") if unreadable is None else Ended(1, unreadable)
        self._inbox.put((self, ended))

    def _read_output(self) -> None:
        if self._process.stdout:
            with self._process.stdout as output:
                while part := os.read(output.fileno(), OUTPUT_LIMIT):
                    self._output = (self._output + part)[-OUTPUT_LIMIT:]


class WorkerDied(CnnlabError):
    """A worker process came to an end while it trained a run, which can be resumed."""

    def __init__(self, ended: Ended) -> None:
        killed_by = _signal_of(ended.code)
        if killed_by is None:
            how = f"ended with exit code {ended.code}" + (f": {ended.last_line}" if ended.last_line else "")
        else:
            how = f"was killed by {killed_by}"
        if killed_by == "SIGKILL":
            how += "; the system may have run out of memory (fewer --workers need less)"
        super().__init__(f"its worker process {how}\n   run the same command again to resume this run")


def _signal_of(code: int) -> str | None:
    """The signal that killed a process, or that it ended by itself for, after it had put its run in order."""
    with suppress(ValueError):
        return signal.Signals(-code if code < 0 else code - 128).name
    return f"signal {-code}" if code < 0 else None  # a real-time signal
