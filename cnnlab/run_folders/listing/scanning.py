"""OUT/*/seed-*/, and runs in deeper folders → one flat row per run, from run.json and result.json alone.

Ten thousand are read in a second. What has been read of more than a thousand is kept in an index.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cnnlab.files import read_bytes
from cnnlab.run_folders.contents import RESULT_KEYS, RunResult
from cnnlab.run_folders.integrity import has_digests
from cnnlab.run_folders.listing.index import Index, key_of, many, stamp_of
from cnnlab.run_folders.records import MOST_BYTES, is_aside, is_run, read_json, seed_of
from cnnlab.run_folders.states import STATES, state_of

Row = Mapping[str, Any]
"""What is known of one run; None where it is not (yet)."""

_FROM_STATUS = ("started", "updated", "error")

KEYS = ("name", "digest", "seed", "state", *RESULT_KEYS[3:], *_FROM_STATUS, "path")
"""The keys of a row, in this order: what --where, --sort and --column may name, beside settings."""


DEEPEST = 16
"""So many folders deep are runs looked for."""


def scan(out: Path, *, nested: bool = False) -> list[Row]:
    """Every run below `out`, by name, digest and seed.

    Args:
        nested: also those in deeper folders, as in a folder of several people's runs; links are not followed.

    What can be told from these two files alone is told of damaged runs: their state is "damaged", and they
    have no results. A folder that has lost its run.json is a damaged run.
    """
    folders = []
    for experiment in _folders(out):
        name, dash, digest = _name(experiment).rpartition("-")
        for folder in _folders(experiment) if dash else ():
            if (seed := seed_of(_name(folder))) is not None:
                folders.append((folder, name, digest, seed))
    if many(folders):
        index = Index(Path(out), "run", version=_VERSION)
        found = (_known_row(index, *each) for each in folders)
        rows = [row for row in found if row is not None]
        index.save(forget=True)
    else:
        rows = [_row(*each) for each in folders if is_run(each[0])]
    if nested:
        rows += [_nested_row(folder) for folder in _nested(out, {each[0] for each in folders})]
    rows.sort(key=lambda row: (row["name"], row["digest"], row["seed"]))
    return rows


_VERSION = " ".join((*KEYS, *STATES))
"""What a row in the index depends on, beside the version of cnnlab."""


def _known_row(index: Index, folder: str, name: str, digest: str, seed: int) -> Row | None:
    """The row of a run, from the index where it was read from the same files; None where this is no run.

    Kept are those of runs that only a writer can change: whether one that is running still does, and what is
    wrong with a damaged one, is looked at each time.
    """
    key, stamp = key_of(folder), stamp_of(f"{folder}/run.json")
    if stamp:
        stamp = f"{stamp} {stamp_of(f'{folder}/result.json')}"
    known = index.get(key, stamp) if stamp else None
    if known is not None:
        return dict(zip(KEYS, (*known, folder), strict=True))
    if not is_run(folder):
        return None
    row = _row(folder, name, digest, seed)
    if row["state"] in STATES and row["state"] != "running" and not _says_running(folder, row):
        index.put(key, stamp, [row[each] for each in KEYS[:-1]])
    return row


def _says_running(folder: str, row: Row) -> bool:
    """Whether run.json says that an interrupted run is running: only its lock knows that it is not."""
    if row["state"] != "interrupted":
        return False
    return (read_json(f"{folder}/run.json") or {}).get("state") != "interrupted"


def _nested(folder: str | Path, known: set[str], level: int = 0) -> Iterator[str]:
    """The folders of runs that are not among `known`, which are those in the usual place."""
    for each in _folders(folder):
        if each in known or os.path.islink(each) or is_aside(_name(each)):  # noqa: PTH114
            continue
        if is_run(each):
            yield each
        elif level < DEEPEST:
            yield from _nested(each, known, level + 1)


def _nested_row(folder: str) -> Row:
    """The row of a run whose folders may be called anything: then its files say what it is."""
    found = re.fullmatch(r"(.+)-([0-9a-f]{8,64})", _name(os.path.dirname(folder)))  # noqa: PTH120
    seed = seed_of(_name(folder))
    if found and seed is not None:
        return _row(folder, found[1], found[2], seed)
    status, result = (read_json(f"{folder}/{file}") or {} for file in ("run.json", "result.json"))
    number = status.get("seed")
    return _row(
        folder,
        _text(result.get("name")) or _name(os.path.dirname(folder)),  # noqa: PTH120
        (_text(status.get("digest")) or "")[:8],
        number if isinstance(number, int) else seed or 0,
    )


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


def _row(folder: str, name: str, digest: str, seed: int) -> Row:
    status = read_json(f"{folder}/run.json") or {}
    state, result = state_of(Path(folder), status), {}
    if state == "finished":
        try:
            result = _result(folder, status)
        except (OSError, ValueError, RecursionError):
            if (read_json(f"{folder}/run.json") or {}) != status:  # begun anew meanwhile
                return _row(folder, name, digest, seed)
            state = "damaged"
    known = result | {key: _text(status.get(key)) for key in _FROM_STATUS}
    known |= {"name": name, "digest": digest, "seed": seed, "state": state, "path": folder}
    return {key: known.get(key) for key in KEYS}


def _result(folder: str, status: Mapping[str, Any]) -> dict[str, Any]:
    """The content of result.json.

    Raises:
        OSError, ValueError, RecursionError: it is not the file that the run finished with, or no result.
    """
    content = read_bytes(f"{folder}/result.json", most=MOST_BYTES)
    files = status.get("files")
    digest = files.get("result.json") if isinstance(files, Mapping) else None
    if has_digests(status) and hashlib.sha256(content).hexdigest() != digest:
        raise ValueError("another result.json")
    result = json.loads(content)
    if not isinstance(result, dict):
        raise ValueError("not a result")
    return RunResult.from_dict(result).as_dict()


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _folders(path: str | Path) -> list[str]:
    """The visible folders in a folder; none where it does not exist."""
    try:
        with os.scandir(path) as entries:
            return [entry.path for entry in entries if entry.name[0] != "." and entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _name(path: str) -> str:
    return path.rpartition(os.sep)[2]
