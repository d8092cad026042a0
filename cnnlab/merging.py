"""Runs that were trained elsewhere → the folder of all runs. Nothing that is there is ever overwritten."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cnnlab.errors import CnnlabError, UserError
from cnnlab.files import open_regular
from cnnlab.run_folders.checkpoints import Owner, last_epoch
from cnnlab.run_folders.epochs import check_epochs
from cnnlab.run_folders.holding import fill, hold
from cnnlab.run_folders.identity import check_owner, run_path
from cnnlab.run_folders.integrity import DamagedRun, check_files, link_in
from cnnlab.run_folders.records import is_run, read_config, read_record, read_status, runs_in, seed_of
from cnnlab.run_folders.run_writer import trained_on
from cnnlab.run_folders.states import is_held, state_of

Outcome = Literal["taken in", "already there", "being trained", "other content", "unfinished here", "damaged"]
"""What became of a run; the last three are problems: it is left out although somebody may need it."""

PROBLEMS: tuple[Outcome, ...] = ("other content", "unfinished here", "damaged")


@dataclass(frozen=True)
class MergedRun:
    """One of the runs elsewhere. `path`: its place below OUT; None where that is not known."""

    source: Path
    path: Path | None
    outcome: Outcome
    state: str | None = None
    reason: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "source": str(self.source),
            "path": None if self.path is None else str(self.path),
            "outcome": self.outcome,
            "state": self.state,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Merge:
    """What became of all runs of a folder. `dry_run`: nothing was written, "taken in" means: would be."""

    folder: Path
    out: Path
    dry_run: bool
    runs: tuple[MergedRun, ...]

    @property
    def taken(self) -> tuple[MergedRun, ...]:
        return tuple(run for run in self.runs if run.outcome == "taken in")

    @property
    def problems(self) -> tuple[MergedRun, ...]:
        return tuple(run for run in self.runs if run.outcome in PROBLEMS)

    def as_dict(self) -> dict[str, Any]:
        """What `cnnlab runs merge --json` prints."""
        return {
            "folder": str(self.folder),
            "out": str(self.out),
            "dry_run": self.dry_run,
            "runs": [run.as_dict() for run in self.runs],
        }


def merge_runs(folder: Path, out: Path, *, dry_run: bool = False) -> Merge:
    """Take in the runs of a folder.

    Args:
        folder: of runs, as OUT is, or that of an experiment or of a run. Links in it are not followed.
        dry_run: look only.

    Raises:
        UserError: there are no runs in it, or it is OUT or lies in it.
        CnnlabError: OUT cannot be written; runs that were taken in before are kept.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: expected a folder of runs, found none")
    if folder.resolve().is_relative_to(out.resolve()):
        raise UserError(f"{folder}: lies in {out}, the folder that runs are merged into; nothing to do")
    sources = _runs(folder)
    if not sources:
        raise UserError(
            f"{folder}: no runs there; expected NAME-DIGEST/seed-N folders, or the folder of an experiment "
            "or of a run"
        )
    return Merge(folder, out, dry_run, tuple(_merge(source, out, dry_run) for source in sources))


def _runs(folder: Path) -> list[Path]:
    """The runs, and links to folders of runs, which `_merge` names."""
    if found := runs_in(folder):
        return found
    found = []
    for experiment in sorted(folder.iterdir()):
        if experiment.name[0] != "." and "-" in experiment.name and not is_run(experiment):
            runs = runs_in(experiment)
            found += [experiment] if runs and experiment.is_symlink() else runs
    return found


def _merge(source: Path, out: Path, dry_run: bool) -> MergedRun:
    target = state = None
    try:
        if link := link_in(source):
            raise DamagedRun(source, f"{link} is a symbolic link, which is not followed")
        if is_held(source):
            return MergedRun(source, None, "being trained", "running", "merge again when it has finished")
        state, target = _checked(source, out)
        if dry_run or is_held(target):  # being trained here, it is there
            return _compared(source, target, state) or MergedRun(source, target, "taken in", state)
        with hold(target, out):
            if known := _compared(source, target, state):
                return known
            fill(target, lambda path: _copy(source, path, state))
    except UserError as error:
        problem = error.problem if isinstance(error, DamagedRun) else str(error)
        return MergedRun(source, target, "damaged", state, problem)
    return MergedRun(source, target, "taken in", state)


def _checked(source: Path, out: Path) -> tuple[str, Path]:
    """A whole run's state, and its place below OUT.

    Raises:
        UserError: it is damaged, cannot be read, or another run than its folder's name says.
    """
    status = read_status(source)
    if status is None:
        raise UserError(f"{source}: not a run; expected a folder with run.json")
    state = state_of(source, status)
    config = read_record(source).config if state == "finished" else read_config(source)
    if state == "finished":
        check_epochs(source, status)
    check_owner(source, status, config)
    if seed_of(source.name) != config.seed:
        raise DamagedRun(source, f"the config of {source.name} has seed {config.seed}")
    if state != "finished":
        last_epoch(source, Owner(config.digest, config.seed, trained_on(source)))
    return state, run_path(config, out)


def _compared(source: Path, target: Path, state: str) -> MergedRun | None:
    """What to say of a run that OUT has; None where it has none."""
    if not os.path.lexists(target):
        return None

    def said(outcome: Outcome, reason: str | None = None) -> MergedRun:
        return MergedRun(source, target, outcome, state, reason)

    try:
        status = read_status(target) or {}
        here = state_of(target, status)
        if here == "finished":
            check_files(target, status)
        if trained_on(source) != trained_on(target):
            return said("other content", "it was trained on other data")
        if here == "finished" and state == "finished":
            return (
                said("other content", found)
                if (found := _difference(source, target))
                else said("already there")
            )
    except UserError as error:
        problem = error.problem if isinstance(error, DamagedRun) else str(error)
        return said("other content", f"{target} is damaged: {problem}; remove it and merge again")
    if here == "finished":
        return said("already there", "finished")
    if state != "finished" and read_status(source) == status:
        return said("already there")
    what = "finished" if state == "finished" else state
    remedy = f"to have the {what} one of {source}, remove it (cnnlab runs rm {target}) and merge again"
    return said("unfinished here", f"{target} is {here}; {remedy}")


def _difference(source: Path, target: Path) -> str | None:
    """How the bits of two finished runs differ, times and memory aside."""
    files: list[Any] = [(read_status(run) or {}).get("files") for run in (source, target)]
    if files[0] and files[0] == files[1]:
        return None
    from cnnlab.verification.same_bits import differences

    found = differences(target, source, removed=True)
    return str(found[0]) if found else None


def _check_readable(source: Path) -> None:
    """Whether the source is to blame where a copy failed.

    Raises:
        DamagedRun: a file of it cannot be read.
    """
    for file in source.rglob("*"):
        try:
            if file.is_file():
                with open_regular(file) as content:
                    while content.read(1 << 20):
                        pass
        except OSError as error:
            raise DamagedRun(source, f"{file.name} cannot be read: {error.strerror or error}") from None


def _copy(source: Path, path: Path, state: str) -> None:
    """Copy a run, and check the copy: the source may be changed, or its disk fail, meanwhile.

    Raises:
        DamagedRun: the copy is not the run that was checked.
        CnnlabError: the disk is full.
    """
    try:
        shutil.copytree(source, path, symlinks=True, ignore=shutil.ignore_patterns(".*"))
        for file in path.rglob("*"):
            if file.is_file():
                _flush(file)
    except (OSError, shutil.Error) as error:
        full = getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error)
        if full:
            raise CnnlabError(
                f"{path.parent}: cannot be written: no space left; free some space and merge again: the runs "
                "that were taken in are kept"
            ) from None
        _check_readable(source)
        raise CnnlabError(f"{source}: cannot be copied to {path.parent}: {error}") from None
    status: Mapping[str, Any] | None = read_status(path)
    if status is None or status != read_status(source) or is_held(source):
        raise DamagedRun(source, "it was changed while it was copied")
    if state == "finished":
        check_files(path, status)
        check_epochs(path, status)


def _flush(file: Path) -> None:
    """Let the disk confirm that it has the file."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
