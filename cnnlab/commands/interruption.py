"""Ctrl-C while something long is under way: it counts, even where a library loses it."""

from __future__ import annotations

import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click

IMPATIENCE = 1.0
"""Seconds within which a second Ctrl-C is taken for the first one."""


class Interruption:
    """Whether the user has pressed Ctrl-C; the handler that remembers it."""

    def __init__(self) -> None:
        self._began = -math.inf

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if time.monotonic() - self._began < IMPATIENCE:
            return  # the first one is being dealt with: the bar is erased, the run's state written
        self._began = time.monotonic()
        raise KeyboardInterrupt

    @property
    def wanted(self) -> bool:
        return self._began > -math.inf

    def check(self) -> None:
        """Raise a KeyboardInterrupt that did not get through.

        Raises:
            KeyboardInterrupt: the user has pressed Ctrl-C.
        """
        if self.wanted:
            raise KeyboardInterrupt


def notice_interruptions() -> None:
    """Handle Ctrl-C like this to the end of the process, unless it is ignored, as in the background."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, Interruption())
        sys.unraisablehook = _hidden(sys.unraisablehook)


@contextmanager
def noticed_interruption() -> Iterator[Interruption]:
    """Ctrl-C raises KeyboardInterrupt as ever, and is remembered.

    TensorFlow, while it is imported, and JAX, in a callback of the garbage collector, swallow the exception;
    whoever calls `check` now and then gets it all the same. Nothing changes where Ctrl-C is ignored, as in
    the background of a shell, or outside of the main thread.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT)
    interruption = before if isinstance(before, Interruption) else Interruption()
    if not in_main_thread or before not in (signal.default_int_handler, interruption):
        yield interruption
        return
    shown_before = sys.unraisablehook
    signal.signal(signal.SIGINT, interruption)
    sys.unraisablehook = _hidden(shown_before)
    try:
        yield interruption
    except Exception as error:
        if interruption.wanted and not isinstance(error, click.Abort):  # such as of an import torn in two
            raise KeyboardInterrupt from error
        raise
    finally:
        signal.signal(signal.SIGINT, before)
        sys.unraisablehook = shown_before


def _hidden(show: Callable[[Any], object]) -> Callable[[Any], object]:
    """What is shown of exceptions in destructors, but for a KeyboardInterrupt: that one is remembered."""

    def unraisable(lost: Any) -> None:
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            show(lost)

    return unraisable
