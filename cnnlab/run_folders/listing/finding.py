"""What a user calls a run → its folder."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

from cnnlab.config.experiment import known_configs, load_config
from cnnlab.errors import CnnlabWarning, UserError, unknown
from cnnlab.run_folders.integrity import DamagedRun
from cnnlab.run_folders.listing.scanning import Row, scan
from cnnlab.run_folders.records import is_run, read_json, read_status, runs_in


def runs_at(text: str, out: Path) -> list[Path]:
    """The runs in the folder of this path, or of this path below `out`; none where it is no run's folder."""
    return runs_in(Path(text)) or runs_in(out / text)


def runs_named(name: str, out: Path) -> list[Path]:
    """The finished runs of the experiment of this name, damaged ones included, ascending by seed.

    None where nothing has finished.

    Raises:
        UserError: the runs there have other names, or several experiments have this one.
    """
    finished = [row for row in scan(out) if row["state"] in ("finished", "damaged")]
    found = [Path(row["path"]) for row in finished if row["name"] == name]
    if finished and not found:
        known = dict.fromkeys([*known_configs(), *(row["name"] for row in finished)])
        raise unknown("experiment", name, known)
    folders = sorted({run.parent.name for run in found})
    if len(folders) > 1:
        listed = ", ".join(folders)
        raise UserError(f"{name}: {len(folders)} experiments have this name; give one of {listed}")
    return found


def runs_meant(text: str, out: Path) -> list[Path]:
    """The runs meant by their folder, or by a name that no config has; none where a config is meant.

    Raises:
        UserError: nothing has this name, or several experiments have.
    """
    if runs := runs_at(text, out):
        return runs
    is_name = re.fullmatch(r"[\w-]{1,100}", text) is not None  # a path may be too long to ask for
    if not is_name or text in known_configs() or Path(text).exists():
        return []
    return runs_named(text, out)


def find_runs(text: str, out: Path) -> list[Path]:
    """The runs that an argument means, at least one.

    A run's folder, as a path or below `out` (cnn-1a2b3c4d/seed-0); an experiment's folder: all its seeds;
    a name (cnn): all runs of that name below `out`.

    Raises:
        UserError: there is no such run.
    """
    if runs := runs_at(text, out):
        return runs
    rows = scan(out)
    found = [Path(row["path"]) for row in rows if row["name"] == text]
    if not found:
        raise unknown_run(text, rows, out)
    return found


def finished_runs(text: str, out: Path) -> list[Path]:
    """The finished runs that an argument means, at least one; a run's own folder whatever its state.

    Raises:
        DamagedRun: none is left, and one of them has lost its run.json.
        UserError: there is no such run, or none of them is finished.

    Warns of each that has lost its run.json, where others are left.
    """
    if is_run(Path(text)):
        return [Path(text)]
    is_experiment = text in known_configs()
    try:
        runs = find_runs(text, out)
    except UserError:
        if not is_experiment:
            raise
        runs = []
    finished: list[Path] = []
    damaged: list[DamagedRun] = []
    for path in runs:
        try:
            if (read_status(path) or {}).get("state") == "finished":
                finished.append(path)
        except DamagedRun as error:
            damaged.append(error)
    if damaged and not finished:
        raise damaged[0]
    for problem in damaged:
        warnings.warn(f"left out: {problem}", CnnlabWarning, stacklevel=2)
    if not finished:
        remedy = _remedy(text) if is_experiment else "finish training it first"
        raise UserError(f"{text}: no finished run in {out}; {remedy}")
    return finished


def _remedy(experiment: str) -> str:
    """What to do about an experiment without a run, which some configs cannot have."""
    if load_config(experiment).dataset is None:
        return "this config has no dataset and can only be summarized"
    return f"train it first: cnnlab train {experiment}"


def latest_run(text: str, out: Path) -> Path:
    """Of the finished runs that an argument means the one that was finished last.

    Raises:
        UserError: there is no such run, or none of them is finished.
    """
    return _latest_of(finished_runs(text, out))


def _latest_of(runs: Sequence[Path]) -> Path:
    return max(runs, key=finished_at)


def finished_at(path: Path) -> str:
    """When a finished run was finished, as text that sorts by time; "" where it does not say."""
    return str((read_json(path / "run.json") or {}).get("updated", ""))


def latest_experiment(text: str, out: Path) -> list[Path]:
    """Of the finished runs that an argument means those of the experiment that was trained last, by seed.

    Raises:
        UserError: there is no such run, or none of them is finished.
    """
    runs = finished_runs(text, out)
    latest = _latest_of(runs)
    return [path for path in runs if path.parent == latest.parent]


def unknown_run(text: str, rows: Sequence[Row], out: Path) -> UserError:
    """No run goes by this name: did you mean ...?, or that there are none at all."""
    if not rows:
        return UserError(
            f"unknown run {text!r}: there are no runs in {out} yet; create one with cnnlab train"
        )
    return unknown(f"run in {out}:", text, dict.fromkeys(row["name"] for row in rows))
