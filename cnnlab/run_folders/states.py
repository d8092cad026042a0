"""What state a run is in, and whether a process holds it: run.json alone does not know who was killed."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    import filelock

State = Literal["running", "finished", "failed", "interrupted", "pruned"]
"""What run.json says; a listing also knows runs that are "damaged"."""

STATES = get_args(State)

LONGEST_PROBE = 1.0
"""Seconds that a writer waits for a lock: readers who ask whether it is held hold it for microseconds."""


def state_of(path: Path, status: Mapping[str, Any]) -> str:
    """The state of the run in this folder, whose run.json says `status`; "damaged" where that is no state.

    A run that says "running" while no process holds it was killed: it is "interrupted".
    """
    state = status.get("state")
    if state not in STATES:
        return "damaged"
    return "interrupted" if state == "running" and not is_held(path) else str(state)


def is_held(path: Path) -> bool:
    """Whether a process trains, or removes, the run in this folder right now. Others may ask at once."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(lock_of(path).lock_file, flags)
    except PermissionError:  # somebody else's, who may be training
        return True
    except OSError:  # nobody has ever held it
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def held(path: Path, *, timeout: float = LONGEST_PROBE) -> Iterator[None]:
    """Be the only process that writes to this folder.

    Raises:
        filelock.Timeout: another one holds it, and does not let go in so many seconds.
        OSError: the lock cannot be made.
    """
    with lock_of(path).acquire(timeout=timeout, poll_interval=0.01):
        yield


def lock_of(path: Path) -> filelock.BaseFileLock:
    """Held by whoever writes to, or removes, the folder at this path."""
    import filelock

    return filelock.FileLock(path.parent / f".{path.name}.lock")
