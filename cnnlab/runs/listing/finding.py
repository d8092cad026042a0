"""What a user calls a run → its folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cnnlab.errors import UserError, unknown
from cnnlab.runs.listing.scanning import Row, scan
from cnnlab.runs.records import runs_in


def find_runs(text: str, out: Path) -> list[Path]:
    """The runs that an argument means, at least one.

    A run's folder, as a path or below `out` (cnn-1a2b3c4d/seed-0); an experiment's folder: all its seeds;
    a name (cnn): all runs of that name below `out`.

    Raises:
        UserError: there is no such run.
    """
    for folder in (Path(text), out / text):
        if runs := runs_in(folder):
            return runs
    rows = scan(out)
    found = [Path(row["path"]) for row in rows if row["name"] == text]
    if not found:
        raise unknown_run(text, rows, out)
    return found


def unknown_run(text: str, rows: Sequence[Row], out: Path) -> UserError:
    """No run goes by this name: did you mean ...?, or that there are none at all."""
    if not rows:
        return UserError(f"unknown run {text!r}: there are no runs in {out} yet; cnnlab train makes them")
    return unknown(f"run in {out}:", text, dict.fromkeys(row["name"] for row in rows))
