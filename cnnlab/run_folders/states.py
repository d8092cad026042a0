"""What state a run is in, and whether a process holds it: run.json alone does not know who was killed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import filelock

State = Literal["running", "finished", "failed", "interrupted"]


def state_of(path: Path, status: Mapping[str, Any]) -> str | None:
    """The state of the run in this folder, whose run.json says `status`; None where that says nothing.

    A run that says "running" while no process holds it was killed: it is "interrupted".
    """
    state = status.get("state")
    return "interrupted" if state == "running" and not is_held(path) else state


def is_held(path: Path) -> bool:
    """Whether a process trains, or removes, the run in this folder right now."""
    import filelock

    lock = lock_of(path)
    if not Path(lock.lock_file).exists():  # asking for it would make it
        return False
    try:
        with lock.acquire(timeout=0):
            return False
    except (filelock.Timeout, OSError):
        return True


def lock_of(path: Path) -> filelock.BaseFileLock:
    """Held by whoever trains or removes the run in this folder."""
    import filelock

    return filelock.FileLock(path.parent / f".{path.name}.lock")
