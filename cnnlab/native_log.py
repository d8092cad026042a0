"""What native libraries write to file descriptor 2 by themselves, past Python and all log levels."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Aside:
    """What was written in the block, once it is over."""

    text: bytes = b""


@contextmanager
def stderr_aside() -> Iterator[Aside]:
    """Turn file descriptor 2 aside in the block, for all threads; who asks may show what came of it."""
    aside = Aside()
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield aside
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            kept.seek(0)
            aside.text = kept.read()
