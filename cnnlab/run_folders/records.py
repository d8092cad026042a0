"""Run folders, read: what a run left behind, and which runs there are."""

from __future__ import annotations

import csv
import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cnnlab.config.experiment import ExperimentConfig, load_config
from cnnlab.errors import UserError
from cnnlab.files import read_bytes
from cnnlab.language.source import read_yaml
from cnnlab.plugins import Distribution
from cnnlab.run_folders.contents import DatasetFacts, RunResult, check_content
from cnnlab.run_folders.integrity import RUN_FORMAT, DamagedRun, check_files, has_digests
from cnnlab.run_folders.predictions import Predictions, read_predictions
from cnnlab.run_folders.states import STATES, state_of

HISTORY_COLUMNS = (
    "epoch",
    "loss",
    "accuracy",
    "val_loss",
    "val_accuracy",
    "learning_rate",
    "seconds",
    "images_per_second",
)
MOST_BYTES = 64 * 2**20
"""No text that cnnlab writes comes near it."""

_CHECKPOINTS = ("checkpoint.npz", "checkpoint-previous.npz")

_WITH_STATUS = ("result.json", "predictions.npz", "model.keras", *_CHECKPOINTS)
"""Files that no run has before it has run.json."""

EpochRow = Mapping[str, float | int | None]
"""One row of history.csv; val_loss and val_accuracy are None without validation images."""


@dataclass(frozen=True)
class Record:
    """What a finished run left behind: everything that tables, curves and statistics are made of."""

    path: Path
    config: ExperimentConfig
    result: RunResult  # result.json
    history: tuple[EpochRow, ...]  # history.csv
    environment: Mapping[str, Any]  # environment.json
    checked: bool
    """Whether its files are known to be those it finished with; those of 0.1.0 have no digests."""

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def seed(self) -> int:
        return self.config.seed

    @property
    def dataset(self) -> DatasetFacts:
        """What the run was trained and tested on.

        Raises:
            UserError: environment.json does not say it.
        """
        try:
            return DatasetFacts.from_dict(self.environment["dataset"])
        except (KeyError, ValueError) as error:
            raise UserError(
                f"{self.path}: environment.json is incomplete ({error}); train again with --fresh"
            ) from None

    @cached_property
    def predictions(self) -> Predictions | None:
        """The answers on the test images, read when first asked for; None where the file is gone."""
        return read_predictions(self.path)


def read_status(path: Path) -> dict[str, Any] | None:
    """The content of a run's run.json; None where there is none.

    Raises:
        DamagedRun: it is missing although this is a run's folder, or it cannot be read.
        UserError: it is of a later version of cnnlab.
    """
    status = read_json(path / "run.json")
    if status is None:
        if is_run(path):
            there = os.path.lexists(path / "run.json")
            raise _without_status(path, "run.json cannot be read" if there else "run.json is missing")
        return None
    _check_content(path / "run.json", status)
    if status.get("format", 1) > RUN_FORMAT:
        raise UserError(f"{path}: this run is of a later version of cnnlab; update cnnlab to read it")
    if status.get("state") not in STATES:
        raise _without_status(path, "run.json does not say what state it is in")
    return status


def _without_status(path: Path, problem: str) -> DamagedRun:
    """Training it again goes on at its checkpoint, where it has one."""
    has_checkpoint = any(os.path.lexists(path / name) for name in _CHECKPOINTS)
    return DamagedRun(path, problem, can_be_resumed=has_checkpoint)


def read_facts(path: Path) -> dict[str, Any]:
    """The content of one of a run's JSON or YAML files, unchecked; {} where there is no such file.

    Raises:
        UserError: the file is broken.
    """
    if not path.exists():
        return {}
    data = read_yaml(path).plain() if path.suffix == ".yaml" else read_json(path)
    if data is None:
        raise DamagedRun(path.parent, f"{path.name} cannot be read")
    _check_content(path, data)
    return dict(data)


def _check_content(path: Path, content: Any) -> None:
    try:
        check_content(path.name, content)
    except ValueError as error:
        raise _unlike(path, error) from None


def _unlike(path: Path, error: ValueError) -> DamagedRun:
    return DamagedRun(path.parent, f"{path.name} is not what a run writes ({error})")


def is_run(path: str | Path) -> bool:
    """Whether a path is a run's folder, whole or damaged: one that has lost its run.json is still one."""
    if os.path.lexists(f"{path}/run.json"):
        return True
    name = os.path.basename(path)  # noqa: PTH119  # listings ask for ten thousand paths
    return seed_of(name) is not None and any(os.path.lexists(f"{path}/{file}") for file in _WITH_STATUS)


def seed_of(name: str) -> int | None:
    """The seed in the name of a run's folder, seed-N; None where it is no such name."""
    found = re.fullmatch(r"seed-([0-9]{1,10})", name)
    return int(found[1]) if found else None


def is_aside(name: str) -> bool:
    """Whether a folder's name is one that a run gets when another is trained in its place."""
    return re.fullmatch(r"(damaged|earlier)-seed-[0-9]{1,10}(-[0-9]+)?", name) is not None


def runs_in(folder: Path) -> list[Path]:
    """The run in this folder, or those of all seeds of an experiment, ascending; none where it is neither."""
    if is_run(folder):
        return [folder]
    try:
        seeds = [path for path in folder.glob("seed-*") if seed_of(path.name) is not None and is_run(path)]
    except OSError:  # a name that no path can have
        return []
    return sorted(seeds, key=lambda path: (len(path.name), path.name))


def read_record(path: Path) -> Record:
    """Read a finished run.

    Raises:
        DamagedRun: its files are not those that it finished with.
        UserError: this is no run, or not a finished one.
    """
    status = read_status(path)
    if status is None:
        raise UserError(f"{path}: not a run; expected a folder with run.json")
    try:
        return _read_record(path, status)
    except DamagedRun:
        if read_json(path / "run.json") == status:
            raise
    return read_record(path)  # another process has begun it anew while it was read


def _read_record(path: Path, status: Mapping[str, Any]) -> Record:
    state = state_of(path, status)
    if state != "finished":
        remedy = "wait for it to finish" if state == "running" else "train it again to resume it"
        raise UserError(f"{path}: expected a finished run, this one is {state}; {remedy}")
    check_files(path, status)
    result, environment = read_json(path / "result.json"), read_json(path / "environment.json")
    if result is None or environment is None:
        raise DamagedRun(path, "result.json or environment.json cannot be read")
    try:
        reached = RunResult.from_dict(result)
    except ValueError as error:
        raise _unlike(path / "result.json", error) from None
    _check_content(path / "environment.json", environment)
    config, history = read_config(path), read_history(path)
    if reached.epochs is not None and len(history) != reached.epochs:
        raise DamagedRun(path, f"history.csv has {len(history)} of {reached.epochs} epochs")
    return Record(path, config, reached, tuple(history), environment, checked=has_digests(status))


def read_config(path: Path) -> ExperimentConfig:
    """The config of a run, finished or not.

    Raises:
        UserError: it cannot be read, possibly because a plug-in that the run used is not installed.
    """
    try:
        return load_config(str(path / "config.yaml"), trained=True)
    except UserError as error:
        hints = [
            f"   this run used the plug-in {plugin}; install it"
            for plugin in _plugins_of(path)
            if not plugin.is_installed
        ]
        if not hints:
            raise
        raise UserError("\n".join([str(error), *hints])) from None


def _plugins_of(path: Path) -> list[Distribution]:
    """The plug-ins that a run used, as environment.json has them."""
    recorded = (read_json(path / "environment.json") or {}).get("plugins", {})
    return [Distribution(name, version) for name, version in recorded.items()]


def read_history(path: Path) -> list[EpochRow]:
    """The rows of a run's history.csv; empty cells are None.

    Raises:
        DamagedRun: the file is missing, or is not a table of epochs 1, 2, 3, ….
    """
    try:
        text = read_bytes(path / "history.csv", most=MOST_BYTES).decode()
        table = csv.DictReader(text.splitlines(), strict=True)
        rows: list[EpochRow] = [
            {key: int(cell) if key == "epoch" else float(cell) if cell else None for key, cell in row.items()}
            for row in table
        ]
        whole = is_history(rows)
    except FileNotFoundError:
        raise DamagedRun(path, "history.csv is missing") from None
    except (OSError, ValueError, TypeError, KeyError, csv.Error):
        whole = False
    if not whole:
        raise DamagedRun(path, "history.csv is not a table of epochs")
    return rows


def is_history(rows: Sequence[EpochRow]) -> bool:
    """Whether rows are those of the epochs 1, 2, 3, …, with all columns and finite numbers."""
    return all(
        row.get("epoch") == number
        and set(HISTORY_COLUMNS) <= row.keys()
        and all(cell is None or math.isfinite(cell) for cell in row.values())
        and None not in (row["loss"], row["accuracy"], row["seconds"])
        for number, row in enumerate(rows, start=1)
    )


def read_json(path: str | Path) -> dict[str, Any] | None:
    """The content of a JSON file; None where there is none, or a broken one."""
    try:
        data = json.loads(read_bytes(path, most=MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None
