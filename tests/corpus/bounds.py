"""No reader may go on for ever, nor take all of the memory: a test ends it, instead of waiting with it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SECONDS = 20
"""On a busy machine; a reader takes some milliseconds, and a model of Keras's less than a second."""

MOST_MEMORY = 1 << 30
"""Bytes more than before. The largest files that are tried have some kilobytes."""


class OutOfBounds(BaseException):
    """A reader took too long, or too much memory; no Exception, which a reader might catch."""


@contextmanager
def bounded(*, seconds: float = SECONDS, memory: int = MOST_MEMORY) -> Iterator[None]:
    """End the block after so many seconds, and see afterwards that it has not held more memory than that.

    The peak is what the system has counted, where it can be reset: on Linux.
    """

    def too_long(*_: Any) -> None:
        raise OutOfBounds(f"takes more than {seconds} s")

    before = _restarted_peak()
    handler = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
    if before is not None and (more := _peak() - before) > memory:
        raise OutOfBounds(f"takes {more:,} bytes")


def _restarted_peak() -> int | None:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:  # not Linux, or a container that hides it
        return None
    return _peak()


def _peak() -> int:
    status = Path("/proc/self/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024
