"""The weights of each epoch, which a run keeps where its config asks for them: one file an epoch.

epoch-000.npz holds the initial weights. The arrays of a file are named as Keras names the network's weights,
and stand in Keras's order.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnlab.errors import CnnlabError, UserError
from cnnlab.npz import NpzError, read_npz
from cnnlab.run_folders.integrity import DamagedRun, file_digest
from cnnlab.run_folders.records import read_status

if TYPE_CHECKING:
    import numpy as np

    from cnnlab.config.experiment import ExperimentConfig

LARGE = 10**9
"""Bytes of kept weights of one run that a user may not expect."""

_NAME = re.compile(r"epoch-([0-9]{3,9})\.npz")


def file_of(epoch: int) -> str:
    """The name of the file with the weights after an epoch; 0: the initial ones."""
    return f"epoch-{epoch:03d}.npz"


def epoch_in(name: str) -> int | None:
    """Which epoch's weights a file of this name holds; None where it is no such file."""
    found = _NAME.fullmatch(name)
    epoch = int(found[1]) if found else None
    return epoch if epoch is not None and file_of(epoch) == name else None


def epoch_files(path: Path) -> list[str]:
    """The files of all epochs that are in a run's folder, ascending."""
    epochs = (epoch_in(file.name) for file in path.glob("epoch-*.npz"))
    return [file_of(epoch) for epoch in sorted(epoch for epoch in epochs if epoch is not None)]


def kept_epochs(path: Path) -> list[int]:
    """The epochs whose weights a run has kept and still has, ascending; 0 stands for the initial weights.

    Raises:
        UserError: this is no run, or its run.json cannot be read.
    """
    status = read_status(path) or {}
    found = epoch_files(path)
    if status.get("state") == "finished":  # whatever else is there is not this run's
        found = [name for name in found if name in (status.get("files") or {})]
    return [epoch for name in found if (epoch := epoch_in(name)) is not None]


def named_weights(path: Path, epoch: int) -> dict[str, np.ndarray]:
    """The weights of a run after an epoch, by Keras's names of them, in Keras's order.

    Raises:
        UserError: the run has not kept this epoch.
        DamagedRun: the file is not the one that the run has written, or cannot be read.
    """
    kept = kept_epochs(path)
    if epoch not in kept:
        there = f"found {listed(kept)}" if kept else "the run has kept none"
        remedy = "training.keep_epochs: true keeps them, with --fresh where the run is finished"
        raise UserError(f"{path}: expected the weights of epoch {epoch!r:.20}; {there}; {remedy}")
    name = file_of(epoch)
    digest = ((read_status(path) or {}).get("files") or {}).get(name)
    try:
        if digest is not None and file_digest(path / name) != digest:
            raise DamagedRun(path, f"{name} is not the file that the run finished with")
        return read_npz(path / name)
    except OSError as error:
        raise DamagedRun(path, f"{name} cannot be read: {error.strerror or error}") from None
    except NpzError as error:
        raise DamagedRun(path, f"{name} is damaged: {error}") from None


def epoch_weights(path: Path, epoch: int) -> list[np.ndarray]:
    """The weights of a run after an epoch, in the order of Keras's `get_weights`; see `named_weights`."""
    return list(named_weights(path, epoch).values())


def check_epochs(path: Path, status: Mapping[str, Any]) -> None:
    """Check that the kept weights of a finished run are those that it finished with; they may be removed.

    `check_files` does not look at them: no result is made of them, and they can be larger than all else.

    Args:
        status: the content of its run.json.

    Raises:
        DamagedRun: a file has changed, or cannot be read.
    """
    digests: Mapping[str, str] = status.get("files") or {}
    for name in (each for each in epoch_files(path) if each in digests):
        try:
            found = file_digest(path / name)
        except OSError as error:
            raise DamagedRun(path, f"{name} cannot be read: {error.strerror or error}") from None
        if found != digests[name]:
            raise DamagedRun(path, f"{name} is not the file that the run finished with")


def kept_bytes(config: ExperimentConfig) -> int:
    """About what the kept weights of a run of this config take of the disk; 0 where it keeps none."""
    training = config.training
    return 4 * config.architecture.total_params * (training.epochs + 1) if training.keep_epochs else 0


def warning_of_size(config: ExperimentConfig) -> str | None:
    """What to say of a run whose kept weights take much of the disk."""
    size = kept_bytes(config)
    if size <= LARGE:
        return None
    return (
        f"{config.name}: training.keep_epochs keeps {size / 10**9:,.1f} GB for each seed, the weights of "
        f"{config.training.epochs + 1:,} epochs; lower training.epochs, or leave it out, if that is too much"
    )


def check_room(path: Path, config: ExperimentConfig) -> None:
    """Check that the disk has room for the weights that a run has yet to keep.

    Args:
        path: its folder, which need not be there.

    Raises:
        CnnlabError: it has not.
    """
    size = kept_bytes(config)
    if not size:
        return
    left = size - size // (config.training.epochs + 1) * len(epoch_files(path))
    place = next(folder for folder in (path, *path.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if left > free:
        needed, found = (f"{size / 10**9:,.2f} GB" for size in (left, free))
        raise CnnlabError(
            f"{path}: training.keep_epochs needs {needed}, but the disk has {found} left; free some space, "
            "lower training.epochs, or leave training.keep_epochs out"
        )


def listed(epochs: Sequence[int]) -> str:
    """0 to 20; 0, 4 to 20"""
    spans: list[list[int]] = []
    for epoch in epochs:
        if spans and epoch == spans[-1][-1] + 1:
            spans[-1] = [spans[-1][0], epoch]
        else:
            spans.append([epoch])
    return ", ".join(" to ".join(map(str, span)) for span in spans)
