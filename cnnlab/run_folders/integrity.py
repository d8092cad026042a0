"""Whether a run's files are those that it wrote: what a damaged one says is never believed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cnnlab.errors import UserError
from cnnlab.files import open_regular

RUN_FORMAT = 2
"""Of what this version writes: run.json has a digest of the experiment, and of a finished run's files, and
checkpoints know whose they are. Runs without a number are of 0.1.0 and are read as they are."""

DIGESTED = ("config.yaml", "environment.json", "history.csv", "result.json", "predictions.npz", "model.keras")
"""The files that results are made of; the others are copies of what these hold, for people."""

NEEDED = DIGESTED[:4]
"""Without these no run is finished; predictions and model may be removed to save space."""


class DamagedRun(UserError):
    """A run's folder does not hold what the run wrote."""

    beginning = "this run is damaged: "

    def __init__(self, path: Path, problem: str, *, can_be_resumed: bool = False) -> None:
        remedy = (
            "to resume it from its checkpoint"
            if can_be_resumed
            else "with --fresh, which keeps the old folder"
        )
        super().__init__(f"{path}: {self.beginning}{problem}; train it again {remedy}")
        self.path = path
        self.problem = problem


class ForeignRun(DamagedRun):
    """A run's folder holds another run."""

    beginning = ""


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, as 64 hex digits.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def has_digests(status: Mapping[str, Any]) -> bool:
    """Whether the files of the finished run with this run.json can be checked; those of 0.1.0 cannot."""
    return status.get("format") is not None


def check_files(path: Path, status: Mapping[str, Any]) -> None:
    """Check that the files of a finished run are those that it finished with.

    Args:
        status: the content of its run.json.

    Raises:
        DamagedRun: a file is missing, has changed or cannot be read.
    """
    digests = status.get("files") if has_digests(status) else {}
    if not isinstance(digests, Mapping) or (has_digests(status) and not set(NEEDED) <= digests.keys()):
        raise DamagedRun(path, "run.json lacks the digests of its files")
    for name in DIGESTED:
        try:
            found = file_digest(path / name)
        except FileNotFoundError:
            if name in NEEDED:
                raise DamagedRun(path, f"{name} is missing") from None
            continue
        except OSError as error:
            raise DamagedRun(path, f"{name} cannot be read: {error.strerror or error}") from None
        if has_digests(status) and found != digests.get(name):
            raise DamagedRun(path, f"{name} is not the file that the run finished with")


def link_in(source: Path) -> str | None:
    """The name of a symbolic link in a run's folder, or of the folder itself."""
    if source.is_symlink():
        return source.name
    for folder, folders, files in os.walk(source):
        for name in (*folders, *files):
            if os.path.islink(f"{folder}/{name}"):  # noqa: PTH114
                return name
    return None
