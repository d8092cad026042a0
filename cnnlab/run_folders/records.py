"""Run folders, read: what a run left behind, and which runs there are."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnlab.config.experiment import ExperimentConfig, load_config
from cnnlab.errors import UserError
from cnnlab.language.source import read_yaml
from cnnlab.npz import NpzError, open_npz
from cnnlab.plugins import Distribution
from cnnlab.run_folders.contents import DatasetFacts, RunResult
from cnnlab.run_folders.states import state_of

if TYPE_CHECKING:
    import numpy as np

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
EpochRow = Mapping[str, float | int | None]
"""One row of history.csv; val_loss and val_accuracy are None without validation images."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a run answered on the test images, in their order.

    labels, predicted: (N,) int64, class indices. probabilities: (N, num_classes) float16.
    """

    labels: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray

    @property
    def right(self) -> np.ndarray:
        """(N,) bool"""
        right: np.ndarray = self.predicted == self.labels
        return right


@dataclass(frozen=True)
class Record:
    """What a finished run left behind: everything that tables, curves and statistics are made of."""

    path: Path
    config: ExperimentConfig
    result: RunResult  # result.json
    history: tuple[EpochRow, ...]  # history.csv
    environment: Mapping[str, Any]  # environment.json

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


def run_path(config: ExperimentConfig, out: Path) -> Path:
    """Where the run of a config and its seed lives: OUT/NAME-DIGEST8/seed-N."""
    return out / f"{config.name}-{config.digest[:8]}" / f"seed-{config.seed}"


def find_finished(config: ExperimentConfig, out: Path) -> Record | None:
    """The finished run of this config and seed, if there is one."""
    path = run_path(config, out)
    status = read_json(path / "run.json")
    return read_record(path) if status and status.get("state") == "finished" else None


def finished_seeds(config: ExperimentConfig, out: Path) -> set[int]:
    """The seeds with which an experiment has finished."""
    return {
        seed
        for path in run_path(config, out).parent.glob("seed-*")
        if (text := path.name.removeprefix("seed-")).isdecimal()
        and find_finished(config.with_seed(seed := int(text)), out) is not None
    }


def data_digest_of(path: Path) -> str | None:
    """The digest of the data that a run, finished or not, was begun on; None where none is known."""
    environment = read_json(path / "environment.json")
    return str(environment["dataset"]["digest"]) if environment else None


def read_facts(path: Path) -> dict[str, Any]:
    """The content of one of a run's JSON or YAML files, unchecked; {} where there is no such file.

    Raises:
        UserError: the file is broken.
    """
    if not path.exists():
        return {}
    data = read_yaml(path).plain() if path.suffix == ".yaml" else read_json(path)
    if not isinstance(data, dict):
        raise UserError(f"{path}: cannot be read; train this run again with --fresh")
    return data


def is_run(path: Path) -> bool:
    """Whether a path is a run's folder."""
    try:
        return (path / "run.json").is_file()
    except OSError:  # a name that no path can have
        return False


def runs_in(folder: Path) -> list[Path]:
    """The run in this folder, or those of all seeds of an experiment, ascending; none where it is neither."""
    if is_run(folder):
        return [folder]
    try:
        seeds = [path for path in folder.glob("seed-*") if is_run(path)]
    except OSError:  # a name that no path can have
        return []
    return sorted(seeds, key=lambda path: (len(path.name), path.name))


def read_record(path: Path) -> Record:
    """Read a finished run.

    Raises:
        UserError: the run is not finished, or its folder is not whole.
    """
    status = read_json(path / "run.json")
    if status is None:
        raise UserError(f"{path}: not a run; expected a folder with run.json")
    state = state_of(path, status)
    if state != "finished":
        remedy = "wait for it to finish" if state == "running" else "train it again to resume it"
        raise UserError(f"{path}: expected a finished run, this one is {state or 'broken'}; {remedy}")
    result, environment = read_json(path / "result.json"), read_json(path / "environment.json")
    if result is None or environment is None or not (path / "history.csv").is_file():
        raise UserError(
            f"{path}: result.json, environment.json or history.csv is missing; train again with --fresh"
        )
    config = read_config(path)
    try:
        reached = RunResult.from_dict(result)
    except ValueError as error:
        raise UserError(f"{path}: result.json is incomplete ({error}); train again with --fresh") from None
    return Record(path, config, reached, tuple(read_history(path)), environment)


def read_config(path: Path) -> ExperimentConfig:
    """The config of a run, finished or not.

    Raises:
        UserError: it cannot be read, possibly because a plug-in that the run used is not installed.
    """
    try:
        return load_config(str(path / "config.yaml"))
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


def read_predictions(path: Path) -> Predictions | None:
    """A run's predictions.npz; None where there is none.

    Raises:
        UserError: the file is broken.
    """
    file = path / "predictions.npz"
    try:
        with open_npz(file) as npz:
            return Predictions(npz.array("labels"), npz.array("predicted"), npz.array("probabilities"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, NpzError):
        raise UserError(f"{file}: cannot be read; train this run again with --fresh") from None


def read_history(path: Path) -> list[EpochRow]:
    """The rows of a run's history.csv; empty cells are None.

    Raises:
        UserError: the file is broken.
    """
    try:
        with (path / "history.csv").open(newline="", encoding="utf-8") as file:
            return [
                {
                    key: int(text) if key == "epoch" else float(text) if text else None
                    for key, text in row.items()
                }
                for row in csv.DictReader(file)
            ]
    except (ValueError, TypeError):
        raise UserError(f"{path / 'history.csv'}: cannot be read; train again with --fresh") from None


def read_json(path: str | Path) -> dict[str, Any] | None:
    """The content of a JSON file; None where there is none, or a broken one."""
    # Thousands of runs are read to list them: pathlib and text decoding would take as long as all the rest.
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            data = json.loads(file.read())
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None
