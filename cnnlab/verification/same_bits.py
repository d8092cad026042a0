"""Two finished runs of one config and seed: do they have the same bits?"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cnnlab.npz import read_npz
from cnnlab.run_folders.epochs import epoch_files, epoch_in
from cnnlab.run_folders.records import read_history

TIMES = ("seconds", "images_per_second")
"""Columns of history.csv that no two runs have in common."""

MEASURED = (*TIMES, "seconds_per_epoch", "peak_memory_bytes", "side_by_side")
"""Keys of result.json that no two runs have in common."""


@dataclass(frozen=True)
class Difference:
    """A file of a run that is not what it should be.

    `epoch`: the first one that differs, where the file tells.
    """

    file: str
    problem: str
    epoch: int | None = None

    def __str__(self) -> str:
        since = "" if self.epoch is None else f" from epoch {self.epoch} on"
        return f"{self.file} differs{since}: {self.problem}"


def differences(expected: Path, found: Path, *, removed: bool = False) -> list[Difference]:
    """The files of two finished runs that differ, in the order in which a run writes them.

    Weights and predictions are compared bit for bit, history.csv and result.json but for times and memory.

    Args:
        removed: predictions and weights may have been removed, to save space; then they are not compared.
            Nor are the weights of epochs that only one of the two has kept.
    """

    def compared(name: str) -> bool:
        return not removed or all((run / name).exists() for run in (expected, found))

    results = [_in_history(read_history(expected), read_history(found))]
    results += [_in_epoch(expected, found, name) for name in _epochs(expected, found) if compared(name)]
    if compared(name := "predictions.npz"):
        results.append(_in_arrays(name, read_npz(expected / name), read_npz(found / name)))
    if compared(name := "model.keras"):
        results.append(_in_arrays(name, _weights(expected), _weights(found)))
    results.append(_in_result(_result(expected), _result(found)))
    return [difference for difference in results if difference is not None]


def _epochs(expected: Path, found: Path) -> list[str]:
    """The files with weights of epochs that either run has kept."""
    return list(dict.fromkeys((*epoch_files(expected), *epoch_files(found))))


def _in_epoch(expected: Path, found: Path, name: str) -> Difference | None:
    if not all((run / name).exists() for run in (expected, found)):
        return Difference(name, "only one of the two runs has it", epoch_in(name))
    difference = _in_arrays(name, read_npz(expected / name), read_npz(found / name))
    return difference and replace(difference, epoch=epoch_in(name))


def _in_history(expected: list[Any], found: list[Any]) -> Difference | None:
    for epoch, (mine, theirs) in enumerate(zip(expected, found, strict=False), start=1):
        for column in dict.fromkeys((*mine, *theirs)):
            if column not in TIMES and mine.get(column) != theirs.get(column):
                problem = f"{column} is {theirs.get(column)}, not {mine.get(column)}"
                return Difference("history.csv", problem, epoch)
    if len(expected) != len(found):
        epoch = min(len(expected), len(found)) + 1
        return Difference("history.csv", f"{len(found)} rows, not {len(expected)}", epoch)
    return None


def _in_arrays(
    file: str, expected: Mapping[str, np.ndarray], found: Mapping[str, np.ndarray]
) -> Difference | None:
    for name in dict.fromkeys((*expected, *found)):
        mine, theirs = expected.get(name), found.get(name)
        if mine is None or theirs is None:
            return Difference(file, f"{name} is in one of the two files only")
        if (mine.dtype, mine.shape) != (theirs.dtype, theirs.shape):
            return Difference(file, f"{name} is {theirs.dtype} {theirs.shape}, not {mine.dtype} {mine.shape}")
        unequal = int((_bits(mine) != _bits(theirs)).any(axis=1).sum())
        if unequal:
            return Difference(file, f"{unequal:,} of {mine.size:,} values of {name}")
    return None


def _bits(array: np.ndarray) -> np.ndarray:
    """(values, bytes) uint8: two values that are not a number can be equal, 0 and -0 are not."""
    return np.frombuffer(array.tobytes(), np.uint8).reshape(array.size, array.itemsize)


def _in_result(expected: Mapping[str, Any], found: Mapping[str, Any]) -> Difference | None:
    for key in dict.fromkeys((*expected, *found)):
        if key not in MEASURED and expected.get(key) != found.get(key):
            return Difference("result.json", f"{key} is {found.get(key)}, not {expected.get(key)}")
    return None


def _result(path: Path) -> Mapping[str, Any]:
    content: Mapping[str, Any] = json.loads((path / "result.json").read_text(encoding="utf-8"))
    return content


def _weights(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a model.keras by their paths in it; the file itself holds the time it was saved, too."""
    import h5py

    found: dict[str, np.ndarray] = {}

    def keep(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = np.asarray(item[()])

    with (
        zipfile.ZipFile(path / "model.keras") as archive,
        h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file,
    ):
        file.visititems(keep)
    return found
