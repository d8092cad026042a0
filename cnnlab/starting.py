"""The first moments of a command's process: a signal ends it, while all the rest is being imported."""

from __future__ import annotations

# The module behind `signal`, which imports others first: a Ctrl-C meanwhile would show a traceback.
import _signal
import os

_ending: list[int] = []
"""The signal that ends this process; others are ignored then."""


def handle_signals() -> None:
    """Let Ctrl-C, SIGTERM and SIGHUP end the process with one line, unless they are ignored, as by nohup."""
    for number in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP):
        if _signal.getsignal(number) != _signal.SIG_IGN:
            _signal.signal(number, _end)


def _end(number: int, frame: object) -> None:
    """Nothing has begun yet: there is nothing to put in order."""
    if _ending:
        return
    _ending.append(number)
    os.write(2, b"\ninterrupted\n" if os.isatty(2) else b"interrupted\n")  # a terminal has written ^C
    os._exit(128 + number)
