"""What native libraries write to file descriptor 2 by themselves, past Python and all log levels."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

_turning = threading.RLock()
"""Whoever came while another thread is in the block would take that one's file for stderr."""


@dataclass
class Aside:
    """What was written in the block, once it is over."""

    text: bytes = b""


@contextmanager
def stderr_aside() -> Iterator[Aside]:
    """Turn file descriptor 2 aside in the block, for all threads; who asks may show what came of it.

    One thread at a time: others wait.
    """
    aside = Aside()
    with _turning, tempfile.TemporaryFile() as kept:
        with suppress(OSError):  # stderr is full or closed
            sys.stderr.flush()
        stderr = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            yield aside
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            kept.seek(0)
            aside.text = kept.read()


def give_back(text: bytes) -> None:
    """Show on stderr what was turned aside; where stderr takes nothing, a training is not lost for it."""
    with suppress(OSError):
        os.write(2, text)
