"""Ctrl-C while something long is under way: it counts, even where a library loses it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click


class Interruption:
    """Whether the user has pressed Ctrl-C."""

    def __init__(self) -> None:
        self.wanted = False

    def check(self) -> None:
        """Raise a KeyboardInterrupt that did not get through.

        Raises:
            KeyboardInterrupt: the user has pressed Ctrl-C.
        """
        if self.wanted:
            raise KeyboardInterrupt


@contextmanager
def noticed_interruption() -> Iterator[Interruption]:
    """Ctrl-C raises KeyboardInterrupt as ever, and is remembered.

    TensorFlow, while it is imported, and JAX, in a callback of the garbage collector, swallow the exception;
    whoever calls `check` now and then gets it all the same. Nothing changes where Ctrl-C is ignored, as in
    the background of a shell, or outside of the main thread.
    """
    interruption = Interruption()
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield interruption
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        interruption.wanted = True
        raise KeyboardInterrupt

    def unraisable(lost: Any) -> None:
        if not issubclass(lost.exc_type, KeyboardInterrupt):  # that one is remembered
            shown_before(lost)

    shown_before = sys.unraisablehook
    signal.signal(signal.SIGINT, interrupt)
    sys.unraisablehook = unraisable
    try:
        yield interruption
    except Exception as error:
        if interruption.wanted and not isinstance(error, click.Abort):  # such as of an import torn in two
            raise KeyboardInterrupt from error
        raise
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.unraisablehook = shown_before
