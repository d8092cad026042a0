"""Ctrl-C and its like while something long is under way: they count, even where a library loses them."""

from __future__ import annotations

import math
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

IMPATIENCE = 1.0
"""Seconds within which a second signal is taken for the first one."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What ends a command in good order: Ctrl-C, `kill` or a shutdown, a terminal that is closed."""


class Interrupted(KeyboardInterrupt):
    """The user has ended the command.

    Not KeyboardInterrupt itself: where that one passes through an `exec` of text, such as those of
    dataclasses, Python ends its process by SIGINT in the end, although it was caught.
    """


class Interruption:
    """Whether the user has ended the command by a signal; the handler that remembers it."""

    def __init__(self) -> None:
        self._began = -math.inf
        self._number: int = signal.SIGINT
        self._finished = False

    def handle_signals(self) -> None:
        """Take the signals to the end of the process, unless they are ignored, as by nohup."""
        hide_unraisable(lambda lost: self._finished or issubclass(lost.exc_type, KeyboardInterrupt))
        for number in SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self)

    def finish(self) -> None:
        """Ignore signals from here on: all is written, they could only make noise."""
        self._finished = True  # first: one that has arrived already is still handed to this object
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self._finished or time.monotonic() - self._began < IMPATIENCE:
            return  # the first one is being dealt with: the bar is erased, the run's state written
        if not self.wanted:
            self._number = number
        self._began = time.monotonic()
        raise Interrupted

    @property
    def wanted(self) -> bool:
        return self._began > -math.inf

    @property
    def exit_code(self) -> int:
        """130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP."""
        return 128 + self._number

    def check(self) -> None:
        """Raise an exception that did not get through once more.

        Raises:
            Interrupted: the user has ended the command.
        """
        if self.wanted:
            raise Interrupted


def interruption_of_process() -> Interruption:
    """The one that handles this process's signals; a new one where there is none."""
    handlers = (signal.getsignal(number) for number in SIGNALS)
    return next((each for each in handlers if isinstance(each, Interruption)), Interruption())


def hide_unraisable(hidden: Callable[[Any], bool]) -> None:
    """Show no tracebacks of such exceptions where Python could not raise them, as in destructors."""
    show = sys.unraisablehook

    def unraisable(lost: Any) -> None:
        if not hidden(lost):
            show(lost)

    sys.unraisablehook = unraisable
