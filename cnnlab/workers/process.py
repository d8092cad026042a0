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
from cnnlab.workers.messages import Ended, Message, Start, Task

# A new interpreter, with the modules that this one finds: a fork would share threads and backend with this
# process, and `multiprocessing` would run the user's script once more. Ctrl-C and the hang-up of a terminal
# reach all processes of a command: a worker leaves them to its parent.
_PROGRAM = """\
import _signal, os, pickle, sys

for number in (_signal.SIGINT, _signal.SIGHUP):
    _signal.signal(number, _signal.SIG_IGN)
tasks = os.fdopen(os.dup(0), "rb")
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
sys.path[:] = pickle.load(tasks)
from cnnlab.workers.worker import main

main(tasks)
"""

MOST_SAID = 1 << 14
"""Bytes that are kept of what a worker writes to stderr, from the end."""


class WorkerProcess:
    """Trains runs in a process of its own; what it has to say is put into an inbox.

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
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _PROGRAM],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None if shown else subprocess.PIPE,
            env={name: value for name, value in os.environ.items() if name != "MPLBACKEND"},
        )  # fmt: skip
        self._said = b""
        self._threads = [
            threading.Thread(target=each, daemon=True) for each in (self._listen, self._keep_what_is_said)
        ]
        for thread in self._threads:
            thread.start()
        self._send(sys.path)
        self._send(start)

    @property
    def pid(self) -> int:
        return self._process.pid

    def begin(self, task: Task) -> None:
        """Let it train a run, now that it is ready."""
        self.task = task
        self._send(task)

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
        if self._process.stdout:
            with self._process.stdout as stdout, suppress(EOFError, OSError, pickle.UnpicklingError):
                while True:
                    self._inbox.put((self, pickle.load(stdout)))
        code = self._process.wait()
        lines = self._said.decode(errors="replace").strip().splitlines()
        self._inbox.put((self, Ended(code, lines[-1] if lines else "")))

    def _keep_what_is_said(self) -> None:
        if self._process.stderr:
            with self._process.stderr as stderr:
                while part := os.read(stderr.fileno(), MOST_SAID):
                    self._said = (self._said + part)[-MOST_SAID:]


class WorkerDied(CnnlabError):
    """A worker process came to an end while it trained a run, which can be resumed."""

    def __init__(self, ended: Ended) -> None:
        number = max(
            -ended.code, ended.code - 128
        )  # of one that ended by itself, after it had put the run in order
        if number <= 0:
            how = f"ended with exit code {ended.code}" + (f": {ended.said}" if ended.said else "")
        else:
            how = f"was killed by {_signal_name(number)}"
        if number == signal.SIGKILL:
            how += "; the system may have run out of memory (fewer --workers need less)"
        super().__init__(f"its worker process {how}\n   run the same command again to resume this run")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
