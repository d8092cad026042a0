"""Which sweep is which, and which folder is whose."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from cnnlab.run_folders.records import read_json

if TYPE_CHECKING:
    from cnnlab.search.study import Plan

STUDY = "study.db"
"""The file of Optuna's study."""


def sweep_path(plan: Plan, out: Path) -> Path:
    """OUT/sweeps/NAME/; OUT/sweeps/NAME-XXXXXXXX/ where another sweep has that folder."""
    folder = out / "sweeps" / plan.base.name
    identity = sweep_digest(plan)
    owner = _owner(folder)
    if owner in (None, identity):
        return folder
    return folder.with_name(f"{folder.name}-{identity[:8]}")


def sweep_digest(plan: Plan) -> str:
    """64 hex digits (SHA-256) of what makes a sweep this one: it may go on with more trials.

    More seeds are another sweep where what is tried depends on what came of earlier points.
    """
    decisive = {
        "experiment": plan.base.digest,
        "space": [list(axis) for axis in plan.space],
        "search": plan.search,
        "adaptive": [plan.seeds, plan.prune] if plan.search == "tpe" or plan.prune else None,
    }
    return _digest(decisive)


def seed_of_search(plan: Plan) -> int:
    """What is drawn follows from the experiment and what varies, not from the number of trials or seeds."""
    decisive = {
        "experiment": plan.base.digest,
        "space": [list(axis) for axis in plan.space],
        "search": plan.search,
    }
    return int(_digest(decisive)[:8], 16)


def _digest(decisive: object) -> str:
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def _owner(folder: Path) -> str | None:
    """The digest of the sweep that a folder is of. The study, there from the beginning, says it."""
    study = folder / STUDY
    if study.is_file():
        try:
            with closing(sqlite3.connect(study)) as database:
                for (name,) in database.execute("SELECT study_name FROM studies"):
                    return str(name)
        except sqlite3.Error:
            pass  # whoever opens it says so
    owner = (read_json(folder / "sweep.json") or {}).get("sweep")
    return owner if isinstance(owner, str) else None
