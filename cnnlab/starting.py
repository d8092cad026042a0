"""The first moments of a command's process: its streams are open, and a signal ends it from now on."""

from __future__ import annotations

# The module behind `signal`, which imports others first: a Ctrl-C meanwhile would show a traceback.
import _signal
import os
import sys

_ending: list[int] = []
"""The signal that ends this process; others are ignored then."""


_own: list[bool] = []
"""One item in a process that is a command or a worker process of cnnlab's, and runs nothing else."""


def claim_process() -> None:
    """Tell that this process is a command or a worker process of cnnlab's, and runs nothing else."""
    _own[:] = [True]


def runs_nothing_else() -> bool:
    """Whether `claim_process` has been called."""
    return bool(_own)


def handle_signals() -> None:
    """Let Ctrl-C, SIGTERM and SIGHUP end the process with one line, unless they are ignored, as by nohup."""
    for number in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP):
        if _signal.getsignal(number) != _signal.SIG_IGN:
            _signal.signal(number, _end)


def open_streams() -> None:
    """Give the process its three streams where it was started without them, as by `>&-`.

    Else the next file that is opened would be number 1 or 2, and whatever a library prints would go into it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115


def _end(number: int, frame: object) -> None:
    """Nothing has begun yet: there is nothing to put in order."""
    if _ending:
        return
    _ending.append(number)
    os.write(2, b"\ninterrupted\n" if os.isatty(2) else b"interrupted\n")  # a terminal has written ^C
    os._exit(128 + number)
