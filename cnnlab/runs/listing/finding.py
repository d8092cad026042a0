"""What a user calls a run → its folder."""

from __future__ import annotations

from pathlib import Path

from cnnlab.errors import unknown
from cnnlab.runs.listing.scanning import scan
from cnnlab.runs.records import is_run


def find_runs(text: str, out: Path) -> list[Path]:
    """The runs that an argument means, at least one.

    A run's folder, as a path or below `out` (cnn-1a2b3c4d/seed-0); an experiment's folder: all its seeds;
    a name (cnn): all runs of that name below `out`.

    Raises:
        UserError: there is no such run.
    """
    for folder in (Path(text), out / text):
        if is_run(folder):
            return [folder]
        seeds = [path for path in folder.glob("seed-*") if is_run(path)] if folder.is_dir() else []
        if seeds:
            return sorted(seeds, key=lambda path: (len(path.name), path.name))
    rows = scan(out)
    found = [Path(row["path"]) for row in rows if row["name"] == text]
    if not found:
        raise unknown(f"run in {out}:", text, dict.fromkeys(row["name"] for row in rows))
    return found
