"""A folder as a class hands it in → its runs: nested, zipped, empty or half-copied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cnnlab.run_folders.integrity import DIGESTED
from cnnlab.run_folders.records import is_aside, is_run, seed_of
from cnnlab.verification.hand_ins.unpacking import MOST_LEVELS, NotUnpacked, unpacked

MOST_ZIPS = 3
"""So many zips may lie within each other."""

_OTHER_ARCHIVES = (".7z", ".rar", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".part", ".crdownload")
_SIGNS = frozenset(DIGESTED) - {"config.yaml"}
"""Files that only runs have; configs lie elsewhere, too."""


@dataclass(frozen=True)
class HandedIn:
    """A run that was handed in, or what was handed in in its place.

    label: its path below the folder of hand-ins, through zips: "bob.zip/cnn-1a2b3c4d/seed-0".
    place: the run's folder, there until the next one is asked for; None where there is no run.
    problem: why there is none, in words that follow the label.
    """

    label: str
    place: Path | None = None
    problem: str = ""


def handed_in(folder: Path) -> Iterator[HandedIn]:
    """All hand-ins, by name. Links are not followed.

    Every run is one; so is what holds no run although it is meant to: an archive, an empty folder, and a
    folder or file of a model in the folder itself.

    Args:
        folder: of hand-ins, or a zip of it.
    """
    if folder.is_dir() and not is_run(folder):
        for entry in _entries(folder):
            found = False
            for each in _below(entry, entry.name, levels=1, zips=0):
                found = True
                yield each
            if not found and (entry.is_dir() or entry.suffix == ".keras"):
                yield HandedIn(entry.name, None, "no run in it; expected a run's folder or a zip of it")
    else:
        yield from _below(folder, folder.name, levels=0, zips=0)


def _below(place: Path, label: str, *, levels: int, zips: int) -> Iterator[HandedIn]:
    suffix = place.suffix.lower()
    if levels and place.is_symlink():
        if suffix == ".zip" or place.is_dir() or not place.exists():
            yield HandedIn(label, None, "a symbolic link, which is not followed")
    elif is_run(place):
        yield HandedIn(label, place)
    elif place.is_dir():
        yield from _in_folder(place, label, levels=levels, zips=zips)
    elif suffix == ".zip":
        yield from _in_zip(place, label, zips=zips)
    elif suffix in _OTHER_ARCHIVES:
        yield HandedIn(label, None, f"expected a zip, found a file that ends in {suffix}")


def _in_folder(folder: Path, label: str, *, levels: int, zips: int) -> Iterator[HandedIn]:
    if levels > MOST_LEVELS:
        yield HandedIn(label, None, f"folders in it are nested more than {MOST_LEVELS} levels deep")
        return
    try:
        entries = _entries(folder)
    except OSError as error:
        yield HandedIn(label, None, f"cannot be read: {error.strerror or error}")
        return
    if not entries:
        yield HandedIn(label, None, "an empty folder")
    elif seed_of(folder.name) is not None or _SIGNS & {entry.name for entry in entries}:
        yield HandedIn(label, None, "a half-copied run: run.json is missing")
    else:
        for entry in entries:
            yield from _below(entry, f"{label}/{entry.name}", levels=levels + 1, zips=zips)


def _in_zip(file: Path, label: str, *, zips: int) -> Iterator[HandedIn]:
    if zips == MOST_ZIPS:
        yield HandedIn(label, None, f"more than {MOST_ZIPS} zips within each other")
        return
    try:
        with unpacked(file) as folder:
            found = False
            # A zip may hold the files of a run without a folder around them.
            entries = [folder] if is_run(folder) or _is_flat(folder) else _entries(folder)
            for entry in entries:
                below = label if entry is folder else f"{label}/{entry.name}"
                for each in _below(entry, below, levels=1, zips=zips + 1):
                    found = True
                    yield each
            if not found:
                yield HandedIn(label, None, "no run in it")
    except NotUnpacked as error:
        yield HandedIn(label, None, str(error))


def _is_flat(folder: Path) -> bool:
    return bool(_SIGNS & {entry.name for entry in _entries(folder)})


def _entries(folder: Path) -> list[Path]:
    """What is in a folder, by name, without what is hidden, and runs that were set aside."""
    return sorted(
        entry
        for entry in folder.iterdir()
        if entry.name[0] != "." and entry.name != "__MACOSX" and not is_aside(entry.name)
    )
