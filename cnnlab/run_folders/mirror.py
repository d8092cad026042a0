"""A run's folder, written here while another machine trains the run there, in a folder of its own.

What comes from there is written in the order in which a run that is trained here writes it: whoever is killed
meanwhile leaves a folder from which the run can be resumed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from cnnlab.errors import CnnlabError
from cnnlab.files import open_regular
from cnnlab.run_folders.checkpoints import CHECKPOINTS, NEWEST, last_epoch
from cnnlab.run_folders.epochs import epoch_files, epoch_in
from cnnlab.run_folders.folders import PARTIAL, disk
from cnnlab.run_folders.integrity import DIGESTED, DamagedRun, file_digest
from cnnlab.run_folders.records import read_json
from cnnlab.run_folders.run_writer import RunWriter

STATUS = "run.json"

_LAST = (NEWEST, "history.csv")
"""A checkpoint says under which environment.json it was begun; the table may be behind it, never ahead."""

_RESUMED_FROM = (*CHECKPOINTS, STATUS, "history.csv", "config.yaml", "environment.json")

_OURS = {
    "state",
    "updated",
    "format",
    "digest",
    "seed",
    "data",
    "started",
    "command",
    "pid",
    "error",
    "files",
}
"""What this process says in run.json, whatever is said there."""

Stamp = tuple[int, int, int]
"""What changes with a file: its number, size and time."""


class Mirror(RunWriter):
    """The folder of a run that another machine trains, held by this process."""

    _elsewhere: Mapping[str, Any] = {}
    """What run.json says there."""

    @property
    def seconds(self) -> float:
        """Time spent on this run so far, as the machine that trains it counts it."""
        return float(self._elsewhere.get("seconds") or self._seconds_before)

    def take(self, files: Mapping[str, bytes]) -> None:
        """Write files that are new or have changed where the run is trained.

        Raises:
            CnnlabError: the disk is full or cannot be written, or these are no files of a run.
        """
        for name in files:
            if Path(name).name != name or name.startswith("."):
                raise CnnlabError(f"{self.path}: expected names of files, found {name!r:.60}")
        if STATUS in files:
            self._take_status(files[STATUS])
        others = [name for name in files if name not in (*_LAST, STATUS, *CHECKPOINTS)]
        for name in [*others, *(name for name in _LAST if name in files)]:
            self.save_with(name, partial(_write, files[name]))

    def _take_status(self, content: bytes) -> None:
        """Note what run.json says there; here, only its state is another one until all files are."""
        try:
            said = json.loads(content)
        except ValueError as error:
            raise CnnlabError(
                f"{self.path}: the machine that trains it has a damaged run.json: {error}"
            ) from None
        self._elsewhere = said
        for mark in self.status.keys() - said.keys() - _OURS:
            del self.status[mark]
        self.write_state("running", **{key: value for key, value in said.items() if key not in _OURS})

    def finish(self) -> None:
        """Say that all is here, once each file is what it was there.

        Raises:
            CnnlabError: a file is missing, or is another one.
        """
        files = self._elsewhere.get("files")
        if self._elsewhere.get("state") != "finished" or not isinstance(files, Mapping):
            raise CnnlabError(f"{self.path}: the machine that trained it does not say that it is finished")
        for name in files:
            with disk(self.path / name, "read"):
                self._digests[name] = file_digest(self.path / name)
        known = {name for name in files if name in DIGESTED or epoch_in(name) is not None}
        if wrong := [name for name in files if name not in known or self._digests[name] != files[name]]:
            raise CnnlabError(
                f"{self.path}: {', '.join(wrong)} did not come as the machine has written them; "
                "run the same command again"
            )
        super().finish()


def to_resume(path: Path) -> dict[str, bytes]:
    """The files that another machine needs to go on with the run in this folder; {} where it begins anew.

    Raises:
        DamagedRun: a checkpoint is there, and cannot be read.
        CnnlabError: the disk cannot be read.
    """
    if not any((path / name).exists() for name in CHECKPOINTS):
        return {}
    return _contents(path, (*_RESUMED_FROM, *epoch_files(path)))


def saved_epochs(path: Path) -> int:
    """How many epochs the run in this folder has behind it when it is resumed."""
    try:
        saved, _ = last_epoch(path, None)
    except DamagedRun:
        return 0
    return saved.epoch if saved else 0


class Changes:
    """What has changed in a run's folder since it was last asked for, while another process writes there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[str, Stamp] = {}

    def write(self, files: Mapping[str, bytes]) -> None:
        """Put files there that are no news to whoever asks later.

        Raises:
            OSError: the disk is full, or cannot be written.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (self.path / name).write_bytes(content)
            self._known[name] = _stamp(self.path / name)

    def take(self) -> dict[str, bytes]:
        """The files that are new or have changed. Each is whole, as its writer renames it into its place.

        The table is read before the checkpoint, which may be replaced meanwhile: it is never ahead.

        Raises:
            OSError: the disk cannot be read.
        """
        try:
            names = sorted(each.name for each in self.path.iterdir() if each.is_file())
        except FileNotFoundError:
            return {}
        # The state first: where it says that the run is finished, all other files are what they will be.
        names.sort(key=lambda name: (name != STATUS, name != "history.csv", name == NEWEST))
        changed = {}
        for name in names:
            if name.startswith(PARTIAL) or name in CHECKPOINTS[1:]:  # whoever takes it keeps the one before
                continue
            try:
                stamp = _stamp(self.path / name)
                if stamp == self._known.get(name):
                    continue
                with (self.path / name).open("rb") as file:
                    changed[name] = file.read()
            except FileNotFoundError:  # removed, as checkpoints are in the end
                continue
            self._known[name] = stamp  # of before: a file that was replaced meanwhile counts as changed again
        return changed


def _write(content: bytes, path: Path) -> None:
    path.write_bytes(content)


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return (status.st_ino, status.st_size, status.st_mtime_ns)


def _contents(path: Path, names: Iterable[str]) -> dict[str, bytes]:
    contents = {}
    for name in names:
        with disk(path / name, "read"):
            try:
                with open_regular(path / name) as file:
                    contents[name] = file.read()
            except FileNotFoundError:
                continue
    if STATUS in contents and read_json(path / STATUS) is None:
        del contents[STATUS]  # damaged: the checkpoint knows whose it is
    return contents
