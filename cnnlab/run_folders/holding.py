"""Be the only process in a run's folder: to train it, to start it over, to remove it.

What is removed is renamed away first: half a run is never seen, however long removing takes, and whoever is
killed meanwhile.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import CnnlabError, UserError
from cnnlab.run_folders.checkpoints import CHECKPOINTS, last_epoch
from cnnlab.run_folders.folders import disk, refuse_links
from cnnlab.run_folders.identity import is_finished
from cnnlab.run_folders.records import is_run, read_json, read_record, read_status
from cnnlab.run_folders.states import held, lock_of


@contextmanager
def hold(path: Path, out: Path) -> Iterator[None]:
    """Be the only process that trains, or removes, the run in this folder below `out`.

    Raises:
        CnnlabError: another process trains it, or its folder cannot be written.
    """
    refuse_links(path, inside=out)
    with disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path, CnnlabError(f"{path}: another process is training this run")):
        _remove_leftover_folders(path)
        yield


def _remove_leftover_folders(path: Path) -> None:
    """Finish what processes that were killed have begun to remove of a run that is held."""
    for leftover in path.parent.glob(f"{_removed(path)}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def remove_checkpoints(path: Path, out: Path) -> None:
    """Remove the checkpoints of a finished run below `out` that was killed before it could do so itself.

    They stay in a run that a link leads to, which may be somebody else's, or is being trained.
    """
    import filelock

    leftovers = [path / name for name in CHECKPOINTS if (path / name).exists()]
    if not leftovers:
        return
    with suppress(filelock.Timeout, OSError, CnnlabError), ExitStack() as lock:
        refuse_links(path, inside=out)
        lock.enter_context(held(path, timeout=0))
        if (read_json(path / "run.json") or {}).get("state") == "finished":  # not begun anew meanwhile
            for leftover in leftovers:
                leftover.unlink(missing_ok=True)


def start_over(path: Path, config: ExperimentConfig) -> None:
    """Clear the folder of a run that is held; a damaged one is kept beside, as damaged-seed-N.

    Raises:
        CnnlabError: the folder cannot be renamed or removed.
    """
    if not path.exists():
        return
    with disk(path):
        if _is_damaged(path, config):
            path.rename(_free(path.with_name(f"damaged-{path.name}")))
        else:
            _remove(path)


def keep_aside(path: Path) -> Path:
    """Rename the folder of a finished run that is held, so that another can be trained: to earlier-seed-N.

    Raises:
        CnnlabError: the folder cannot be renamed.
    """
    kept = _free(path.with_name(f"earlier-{path.name}"))
    with disk(path):
        path.rename(kept)
    return kept


def fill(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` make the folder of a run that is held and not there yet; it appears whole or not at all.

    What a kill leaves of it is removed as is what is left of removed runs.

    Raises:
        CnnlabError: there is something at this path, or it cannot be written.
    """
    with disk(path):
        if os.path.lexists(path):
            raise CnnlabError(f"{path}: already there; nothing was written")
        unfinished = path.with_name(f"{_removed(path)}{secrets.token_hex(4)}")
        try:
            write(unfinished)
            unfinished.rename(path)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


def remove_run(path: Path) -> None:
    """Remove a run's folder, whole or not at all, and its experiment's where that is empty then.

    Raises:
        UserError: this is not a run's folder.
        CnnlabError: a process is training this run, or the folder cannot be removed.
    """
    for part in (path, path.parent):
        if part.is_symlink():
            raise UserError(f"{part}: expected a folder, found a symbolic link; nothing was removed")
    if not is_run(path):
        raise UserError(f"{path}: expected a run's folder with run.json; nothing was removed")
    busy = CnnlabError(f"{path}: a process is training this run; nothing was removed")
    with _alone(path, busy, "removed"), disk(path, "removed"):
        _remove(path)
        _remove_leftover_folders(path)
        Path(lock_of(path).lock_file).unlink(missing_ok=True)
    with suppress(OSError):  # other seeds, or files of the user's, are still in there
        path.parent.rmdir()


@contextmanager
def _alone(path: Path, busy: CnnlabError, what: str = "written") -> Iterator[None]:
    import filelock

    with ExitStack() as lock:
        with disk(path, what):
            try:
                lock.enter_context(held(path))
            except filelock.Timeout:
                raise busy from None
        yield


def _remove(path: Path) -> None:
    doomed = path.with_name(f"{_removed(path)}{secrets.token_hex(4)}")
    path.rename(doomed)
    shutil.rmtree(doomed)


def _removed(path: Path) -> str:
    """How the names of folders begin that are being removed."""
    return f".removed-{path.name}-"


def _is_damaged(path: Path, config: ExperimentConfig) -> bool:
    """Whether a run is not what it should be: somebody may want to look at it."""
    try:
        read_status(path)
        if is_finished(path, config):
            read_record(path)
        else:
            last_epoch(path, None)
    except UserError:
        return True
    return False


def _free(path: Path) -> Path:
    """This path, or the first free one with a number behind."""
    number = 2
    free = path
    while free.exists():
        free = path.with_name(f"{path.name}-{number}")
        number += 1
    return free
