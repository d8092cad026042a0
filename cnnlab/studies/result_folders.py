"""Which folder below comparisons/ is whose: a folder belongs to experiments, by their digests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnlab.errors import CnnlabError
from cnnlab.run_folders.folders import Folder
from cnnlab.run_folders.records import read_json

OWNER = "experiments.json"
"""The file that says whose folder it is."""

LONGEST_NAME = 200
"""Characters; file systems end at 255."""

_DIGITS = (8, 16, 32)

Key = tuple[str, ...]
"""Equal where the experiments are the same, whatever they are called."""

_UNKNOWN: Key = ("",)


@dataclass(frozen=True)
class Experiments:
    """What results are about: experiments in their order, and into how many folds their images are divided.

    `digests`: of each experiment, by its name in the results. `study`: what the folder's name begins with.
    """

    digests: Mapping[str, str]
    folds: int | None = None
    study: str = ""

    @property
    def key(self) -> Key:
        return _key(self.digests.values(), self.folds)

    def as_dict(self) -> dict[str, Any]:
        """The content of experiments.json."""
        experiments = [{"name": name, "digest": digest} for name, digest in self.digests.items()]
        return {"experiments": experiments, **({} if self.folds is None else {"folds": self.folds})}


def results_path(experiments: Experiments, out: Path) -> Path:
    """OUT/comparisons/A-vs-B/; where that belongs to other experiments, OUT/comparisons/A-vs-B-XXXXXXXX/."""
    paths = _paths(experiments, out)
    owners = [_owner(path) for path in paths]
    # Results stay where they are, even if the shorter name is free again.
    for wanted in (experiments.key, None):
        if wanted in owners:
            return paths[owners.index(wanted)]
    raise CnnlabError(f"{paths[-1]}: belongs to other experiments; remove the folder")


@contextmanager
def results_folder(experiments: Experiments, out: Path) -> Iterator[Folder]:
    """The same folder, made where it is not there, while no other process writes to it.

    Raises:
        CnnlabError: it cannot be written.
    """
    while True:
        folder = Folder(results_path(experiments, out), inside=out)
        with folder.alone():
            owner = _owner(folder.path)
            if owner not in (None, experiments.key):
                continue  # another process came first
            if not (folder.path / OWNER).exists():
                folder.write_json(OWNER, experiments.as_dict())
                folder.written.remove(OWNER)  # it is no result
            yield folder
            return


def _paths(experiments: Experiments, out: Path) -> list[Path]:
    """Where the results may be, the first choice first."""
    name = experiments.study + "-vs-".join(experiments.digests)
    if len(name) > LONGEST_NAME:
        name = f"{name[: LONGEST_NAME - 20]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    digest = hashlib.sha256("\n".join(experiments.key).encode()).hexdigest()
    return [out / "comparisons" / each for each in (name, *(f"{name}-{digest[:n]}" for n in _DIGITS))]


def _owner(folder: Path) -> Key | None:
    """The key of the experiments that a folder belongs to; None where it belongs to none."""
    first = [folder / OWNER, folder / "comparison.json", folder / "why.json"]
    # Folders from before there was the first of these, and such as hold one explanation of several networks:
    for path in (*first, *sorted(folder.glob("*.json"))):
        document = read_json(path)
        if document is None:
            continue
        if (key := _key_in(document)) is not None:
            return key
        if path.name == "comparison.json":
            return _UNKNOWN
    return None


def _key_in(document: Mapping[str, Any]) -> Key | None:
    """The key of the experiments that a document is about; None where it does not say."""
    try:
        digests = [each["digest"] for each in document.get("experiments", ())]
        ends = {each["id"]: each["digest"] for each in document.get("rungs", ())}
        digests = digests or [ends[each] for each in ("dnn", "cnn")]
    except (KeyError, TypeError):
        return None
    return _key(digests, document.get("folds"))


def _key(digests: Iterable[str], folds: int | None) -> Key:
    return (*digests, *([] if folds is None else [f"{folds} folds"]))
