"""Which runs to remove, what that frees, and what is kept as the best."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnlab.errors import OptionError, UserError
from cnnlab.run_folders.holding import remove_run
from cnnlab.run_folders.listing import Row, find_runs, select


@dataclass(frozen=True)
class Removal:
    """Runs that were chosen for removal.

    rows: of what is removed. kept: of the best ones, which stay. size: in bytes. unreadable: runs whose
    config cannot be read, which meet no condition on settings.
    """

    rows: tuple[Row, ...]
    kept: tuple[Row, ...]
    size: int
    unreadable: tuple[str, ...]
    removed: bool = False

    @property
    def paths(self) -> list[Path]:
        return [Path(row["path"]) for row in self.rows]

    def carry_out(self) -> Removal:
        """Remove exactly these runs, each whole or not at all.

        Raises:
            CnnlabError: a process is training one of them, or it cannot be removed.
        """
        for path in self.paths:
            remove_run(path)
        return Removal(self.rows, self.kept, self.size, self.unreadable, removed=True)

    def as_dict(self) -> dict[str, Any]:
        """What `cnnlab runs rm --json` prints."""
        document: dict[str, Any] = {"removed": self.removed, "bytes": self.size}
        document["runs"] = [str(path) for path in self.paths]
        return document | ({"kept": [str(Path(row["path"])) for row in self.kept]} if self.kept else {})


def plan_removal(
    runs: Sequence[str], out: Path, *, where: str | None = None, keep_best: int | None = None
) -> Removal:
    """Choose runs, and remove none.

    Args:
        runs: folders or names of experiments; none: all that meet the condition.
        keep_best: so many of the chosen ones stay: the finished ones with the highest validation accuracy.
            One that is being trained stays as well.

    Raises:
        UserError: there is no such run, neither runs nor a condition are given, or none of the chosen runs
            has a validation accuracy.
    """
    if keep_best is not None and (not isinstance(keep_best, int) or keep_best < 1):  # type: ignore[redundant-expr]
        raise OptionError("keep_best", f"expected 1 or more, found {keep_best!r:.60}")
    if not runs and where is None:
        raise UserError("expected runs to remove, or --where")
    paths = list(dict.fromkeys(path for run in runs for path in find_runs(run, out)))
    rows: list[Row] = [{"path": str(path)} for path in paths]
    unreadable: list[str] = []
    if where is not None or keep_best is not None:
        among = {path.resolve() for path in paths} if runs else None
        rows, unreadable = select(out, where=where, among=among)
        rows = [{**row, "path": str(Path(row["path"]).resolve())} for row in rows]
        if among is not None and where is None and len(rows) < len(among):
            raise UserError(f"--keep-best compares runs in {out}; some of these lie elsewhere")
    kept: list[Row] = []
    if keep_best is not None and rows:
        kept = _best(rows, keep_best)
        stay = {row["path"] for row in kept}
        rows = [row for row in rows if row["path"] not in stay and row["state"] != "running"]
    size = sum(disk_use(row["path"]) for row in rows)
    return Removal(tuple(rows), tuple(kept), size, tuple(unreadable))


def _best(rows: Sequence[Row], number: int) -> list[Row]:
    """Those with the highest validation accuracy, never by test accuracy; of equals the first in a list."""
    validated = [row for row in rows if row["validation_accuracy"] is not None]
    if not validated:
        raise UserError(
            "--keep-best: none of these runs has a validation accuracy; choose those to remove by --where"
        )
    return sorted(validated, key=lambda row: row["validation_accuracy"], reverse=True)[:number]


def disk_use(path: str | Path) -> int:
    """The sizes of all files of a run, in bytes; a file with two names counts once, links do not."""
    sizes: dict[tuple[int, int], int] = {}
    for folder, _, files in os.walk(path):
        for name in files:
            try:
                found = os.lstat(f"{folder}/{name}")
            except OSError:  # removed meanwhile
                continue
            sizes[found.st_dev, found.st_ino] = found.st_size
    return sum(sizes.values())
