"""OUT/*/seed-*/ → one flat row per run, from run.json and result.json alone: ten thousand in a second."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cnnlab.run_folders.contents import RESULT_KEYS
from cnnlab.run_folders.records import read_json
from cnnlab.run_folders.states import state_of

Row = Mapping[str, Any]
"""What is known of one run; None where it is not (yet)."""

_FROM_STATUS = ("started", "updated", "error")

KEYS = ("name", "digest", "seed", "state", *RESULT_KEYS[3:], *_FROM_STATUS, "path")
"""The keys of a row, in this order: what --where, --sort and --column may name, beside settings."""


def scan(out: Path) -> list[Row]:
    """Every run below `out`, by name, digest and seed. Folders without run.json are no runs."""
    rows = []
    for experiment in _folders(out):
        name, dash, digest = _name(experiment).rpartition("-")
        for folder in _folders(experiment):
            seed = _name(folder).removeprefix("seed-")
            if dash and seed.isdecimal() and (status := read_json(f"{folder}/run.json")) is not None:
                rows.append(_row(folder, name, digest, int(seed), status))
    rows.sort(key=lambda row: (row["name"], row["digest"], row["seed"]))
    return rows


def sort_rows(rows: Sequence[Row], key: str) -> list[Row]:
    """Sort by a key, from the highest down with "-" before it; what lacks the key comes last."""
    descending, key = key.startswith("-"), key.removeprefix("-")
    known = [row for row in rows if row.get(key) is not None]
    known.sort(key=lambda row: _rank(row[key]), reverse=descending)
    return known + [row for row in rows if row.get(key) is None]


def _rank(value: Any) -> tuple[int, Any]:
    """What a value is sorted by: a setting may be a number in one run and a list or a text in another."""
    if isinstance(value, int | float):
        return 0, value
    if isinstance(value, list) and all(isinstance(each, int | float) for each in value):
        return 1, value
    return 2, value if isinstance(value, str) else json.dumps(value)


def _row(folder: str, name: str, digest: str, seed: int, status: Mapping[str, Any]) -> Row:
    state = state_of(Path(folder), status)
    result = (read_json(f"{folder}/result.json") if state == "finished" else None) or {}
    known = result | {key: status.get(key) for key in _FROM_STATUS}
    known |= {"name": name, "digest": digest, "seed": seed, "state": state, "path": folder}
    return {key: known.get(key) for key in KEYS}


def _folders(path: str | Path) -> list[str]:
    """The visible folders in a folder; none where it does not exist."""
    try:
        with os.scandir(path) as entries:
            return [entry.path for entry in entries if entry.name[0] != "." and entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _name(path: str) -> str:
    return path.rpartition(os.sep)[2]
