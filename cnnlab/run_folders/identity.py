"""Whose folder is whose: an experiment is its whole digest, of which folders show the beginning."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import UserError
from cnnlab.run_folders.checkpoints import Owner, last_epoch
from cnnlab.run_folders.integrity import DamagedRun, ForeignRun, has_digests
from cnnlab.run_folders.records import (
    Record,
    is_run,
    read_config,
    read_json,
    read_record,
    read_status,
    runs_in,
    seed_of,
)
from cnnlab.run_folders.states import state_of

DIGITS = (8, 16, 32, 64)
"""So many digits of the digest a folder's name has: as few as tell it from those that are there."""


def run_path(config: ExperimentConfig, out: Path) -> Path:
    """Where the run of a config and its seed lives: OUT/NAME-DIGEST8/seed-N.

    Where another experiment with the same first digits has that folder, it is one with more digits.
    """
    folders = [out / f"{config.name}-{config.digest[:digits]}" for digits in DIGITS]
    seed = f"seed-{config.seed}"
    for folder in folders:
        if (read_json(folder / seed / "run.json") or {}).get("digest") == config.digest:
            return folder / seed
    owners = [_owner(folder) for folder in folders]  # the last one can only be this experiment's
    # An experiment stays where it is, even if the shorter name is free again.
    place = owners.index(config.digest) if config.digest in owners else owners.index(None)
    return folders[place] / seed


def find_finished(config: ExperimentConfig, out: Path) -> Record | None:
    """The finished run of this config and seed, if there is one.

    Raises:
        DamagedRun: there is one, but its files are not those that it finished with.
    """
    path = run_path(config, out)
    return read_record(path) if is_finished(path, config) else None


def is_finished(path: Path, config: ExperimentConfig) -> bool:
    """Whether the run in this folder is this config's, and finished.

    Raises:
        DamagedRun: it is another's, or has lost its run.json and cannot be resumed either.
    """
    try:
        status = read_status(path)
    except DamagedRun as error:
        if _has_checkpoint(path, config):
            return False
        raise DamagedRun(path, error.problem) from None  # a checkpoint that is there is of no use
    if status is None:
        return False
    check_owner(path, status, config)
    return state_of(path, status) == "finished"


def finished_seeds(config: ExperimentConfig, out: Path) -> set[int]:
    """The seeds with which an experiment has finished, damaged runs included."""
    seeds = set()
    for run in runs_in(run_path(config, out).parent):
        seed = seed_of(run.name)
        if seed is None:
            continue
        try:
            counts = is_finished(run, config.with_seed(seed))
        except DamagedRun:  # whoever asks for it is told so
            counts = True
        if counts:
            seeds.add(seed)
    return seeds


def _has_checkpoint(path: Path, config: ExperimentConfig) -> bool:
    """Whether there is a checkpoint of this run, whatever has become of run.json in a power failure."""
    try:
        saved, _ = last_epoch(path, Owner(config.digest, config.seed, data=None))
    except DamagedRun:
        return False
    return saved is not None and _recorded_digest(path, {}) in (None, config.digest)


def check_owner(path: Path, status: Mapping[str, Any], config: ExperimentConfig) -> None:
    """Check that the run in this folder is of this experiment and seed, whatever the folder is called.

    Args:
        status: the content of its run.json.

    Raises:
        DamagedRun: it is another run, such as one that was copied here, or a damaged one.
    """
    digest = _recorded_digest(path, status)
    if digest is None and has_digests(status):
        raise DamagedRun(path, "run.json does not say which experiment it is of")
    if digest is not None and digest != config.digest:
        raise ForeignRun(
            path, f"expected a run of the experiment {config.digest[:16]}…, found one of {digest[:16]}…"
        )
    seed = status.get("seed", config.seed)
    if seed != config.seed:
        raise ForeignRun(path, f"expected the run of seed {config.seed}, found that of seed {seed}")


def _owner(folder: Path) -> str | None:
    """The digest of the experiment whose runs are in this folder; None where there are none."""
    beginning = folder.name.rpartition("-")[2]
    for run in [] if is_run(folder) else runs_in(folder):
        digest = _recorded_digest(run, read_json(run / "run.json") or {})
        if digest is not None and digest.startswith(beginning):
            return digest
    return None


def _recorded_digest(path: Path, status: Mapping[str, Any]) -> str | None:
    """The digest that a run has recorded; for one of 0.1.0 that of its result, or else of its config."""
    digest = status.get("digest")
    if not has_digests(status):
        digest = (read_json(path / "result.json") or {}).get("digest")
        if digest is None and (path / "config.yaml").exists():
            try:
                digest = read_config(path).digest
            except UserError:  # killed while it was written for the first time; there is nothing to lose
                return None
    return digest if isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest) else None
