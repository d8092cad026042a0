"""Ctrl-C during a command, noticed wherever a library swallows it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

from cnnlab.interruption import Interrupted, Interruption, hide_unraisable, interruption_of_process


@contextmanager
def noticed_interruption() -> Iterator[Interruption]:
    """The interruption of this process; without one that handles signals, one for Ctrl-C in the block alone.

    TensorFlow, while it is imported, and JAX, in a callback of the garbage collector, swallow the exception;
    whoever calls `check` now and then gets it all the same. Nothing changes where Ctrl-C is ignored, as in
    the background of a shell, or outside of the main thread.
    """
    interruption = interruption_of_process()
    try:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler and _in_main_thread():
            shown_before = sys.unraisablehook
            signal.signal(signal.SIGINT, interruption)
            hide_unraisable(lambda lost: issubclass(lost.exc_type, KeyboardInterrupt))
            try:
                yield interruption
            finally:
                signal.signal(signal.SIGINT, signal.default_int_handler)
                sys.unraisablehook = shown_before
        else:
            yield interruption
    except Exception as error:
        if interruption.wanted and not isinstance(error, click.Abort):  # such as of an import torn in two
            raise Interrupted from error
        raise


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
