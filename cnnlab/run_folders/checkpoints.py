"""The file of a checkpoint: what training needs to go on, whose it is, and a digest over all of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict  # Pydantic needs this one before Python 3.12

from cnnlab.npz import NpzError, read_npz
from cnnlab.run_folders.integrity import DamagedRun
from cnnlab.run_folders.records import EpochRow, is_history, read_history

if TYPE_CHECKING:
    import numpy as np

CHECKPOINTS = NEWEST, PREVIOUS = ("checkpoint.npz", "checkpoint-previous.npz")
"""The last epoch's and the one before, for where the last one's is damaged."""

_FACTS, _DIGEST = "facts", "digest"
"""Names of arrays; a checkpoint of 0.1.0 has neither."""


class DamagedCheckpoint(Exception):
    """The file does not hold what was written to it, or is another run's; says what follows its name."""


@dataclass(frozen=True)
class Owner:
    """The run that a checkpoint is of."""

    experiment: str  # the digest of its config
    seed: int
    data: str | None  # the digest of what it is trained on; None where that is not known


@dataclass(frozen=True)
class SavedEpoch:
    """The state at the end of an epoch.

    arrays: as training gave them. history: the rows of all epochs up to this one.
    """

    arrays: Mapping[str, np.ndarray]
    history: Sequence[EpochRow]

    @property
    def epoch(self) -> int:
        return len(self.history)


def as_arrays(saved: SavedEpoch, owner: Owner) -> dict[str, np.ndarray]:
    """What the .npz file holds: the arrays, the facts as JSON, a digest over both."""
    import numpy as np

    facts = json.dumps({"owner": asdict(owner), "history": [dict(row) for row in saved.history]})
    everything = {**saved.arrays, _FACTS: np.frombuffer(facts.encode(), dtype=np.uint8)}
    return everything | {_DIGEST: np.frombuffer(_digest(everything), dtype=np.uint8)}


def read(path: Path, owner: Owner | None, *, history: Callable[[], Sequence[EpochRow]]) -> SavedEpoch:
    """Read the checkpoint of a run.

    Args:
        owner: the run that it must be of; None: any.
        history: reads history.csv, for a checkpoint of 0.1.0, which does not hold the table itself.

    Raises:
        FileNotFoundError: there is none.
        DamagedCheckpoint: it is damaged, or another run's.
    """
    try:
        arrays = read_npz(path)
    except FileNotFoundError:
        raise
    except (OSError, NpzError) as error:
        raise DamagedCheckpoint(f"is damaged: {error}") from None
    if _FACTS not in arrays and _DIGEST not in arrays:
        return _of_first_format(arrays, history())
    digest, facts = arrays.pop(_DIGEST, None), arrays.get(_FACTS)
    if digest is None or facts is None or digest.tobytes() != _digest(arrays):
        raise DamagedCheckpoint("is damaged: its content does not match its digest")
    try:
        said = _facts().validate_json(arrays.pop(_FACTS).tobytes(), strict=True)
    except ValidationError:
        raise DamagedCheckpoint("is damaged: it does not say whose it is") from None
    if owner is not None and said["owner"] != replace(owner, data=owner.data or said["owner"].data):
        raise DamagedCheckpoint("is of another run")
    return SavedEpoch(arrays, check_history(said["history"]))


class _Facts(TypedDict):
    owner: Owner
    history: list[dict[str, int | float | None]]


@cache
def _facts() -> TypeAdapter[_Facts]:
    return TypeAdapter(_Facts)


def check_history(rows: Sequence[EpochRow]) -> Sequence[EpochRow]:
    """The rows, if they are those of the epochs 1, 2, 3, …, one at least.

    Raises:
        DamagedCheckpoint: they are not.
    """
    if not rows or not is_history(rows):
        raise DamagedCheckpoint("is damaged: its history is not a table of epochs")
    return rows


def last_epoch(path: Path, owner: Owner | None) -> tuple[SavedEpoch | None, list[str]]:
    """The last epoch in a run's folder that was saved and can be read, and what is wrong with later ones.

    Raises:
        DamagedRun: all that is there is damaged.
    """
    problems: list[str] = []
    for name in CHECKPOINTS:
        try:
            return read(path / name, owner, history=lambda: read_history(path)), problems
        except FileNotFoundError:
            continue
        except DamagedCheckpoint as error:
            problems.append(f"{name} {error}")
        except DamagedRun as error:  # of 0.1.0, which needs the table
            problems.append(f"{name} cannot be used: {error.problem}")
    if problems:
        raise DamagedRun(path, problems[0])
    return None, problems


def _of_first_format(arrays: Mapping[str, np.ndarray], history: Sequence[EpochRow]) -> SavedEpoch:
    """What 0.1.0 saved: the table stands in history.csv, which may be an epoch ahead."""
    epoch = arrays.get("epoch")
    if epoch is None or epoch.ndim or epoch.dtype.kind != "i" or not 1 <= int(epoch) <= len(history):
        raise DamagedCheckpoint("does not fit history.csv")
    return SavedEpoch(arrays, history[: int(epoch)])


def _digest(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The SHA-256 of arrays: their names, types, shapes and numbers."""
    import numpy as np

    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {arrays[name].shape}\n".encode())
        digest.update(array.data)
    return digest.digest()
