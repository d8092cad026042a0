"""The cache of decoded images: raw pixels in files that are mapped, under a key that says what is in them."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import math
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import filelock
import numpy as np

from cnnlab.datasets.content import Content, PartName, Provenance, Split, part_digests
from cnnlab.errors import CnnlabError, CnnlabWarning, first_sentence
from cnnlab.files import open_regular, read_bytes
from cnnlab.wording import counted

FORMAT = "2"
"""Counts up when the files of the cache change: older caches are then left alone."""

LARGEST_FACTS = 1 << 28
"""Bytes; each image that was left out has a line."""

LONGEST_HEADER = 1 << 10
"""Bytes before the labels; NumPy writes 128."""

_OTHER_FILES = {
    errno.ENOENT,
    errno.EINVAL,
    errno.EFBIG,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.ELOOP,
    errno.ENXIO,
}
"""What reading says of files that are missing, or that cnnlab has not written."""


@dataclass(frozen=True)
class Decoded:
    """What decoding gives besides the pixels.

    labels: (N,) int64. bad: the files that were left out, by their index, and what is wrong with them.
    """

    labels: np.ndarray
    bad: list[tuple[int, str]]


@dataclass(frozen=True)
class Part:
    """The training, validation or test images: the files, and what writes their pixels.

    The cache keeps no paths: a folder may move, or its files may get other names, with the same images.
    """

    paths: Sequence[str]
    names: Sequence[str]
    """What the files are called below their folder."""

    decode: Callable[[BinaryIO], Decoded]


def key_of(*facts: str) -> str:
    """A folder's name that stands for everything the pixels depend on."""
    sha = hashlib.sha256(FORMAT.encode())
    for fact in facts:
        sha.update(b"\n" + os.fsencode(fact))
    return sha.hexdigest()[:32]


def cached(
    folder: Path,
    *,
    origin: str,
    image_shape: tuple[int, ...],
    parts: Mapping[PartName, Part],
) -> Content:
    """The images in a folder of the cache; where it is not there, the parts write its pixels.

    The folder takes its name once it is whole. A second process waits for the first. All of it is read once
    to compare its digest; where that differs, the user is warned, and the images are decoded again. Where the
    folder is whole, nothing is written: the cache may be read-only.

    Raises:
        CnnlabError: the cache cannot be written or read.
    """
    written = _Written(folder, image_shape, parts)
    if not os.path.lexists(folder):
        with _told(folder, "written"):
            folder.parent.mkdir(parents=True, exist_ok=True)
            with written.lock():
                if not os.path.lexists(folder):
                    written.make()
    with _told(folder, "read"), suppress(_Damaged):
        return written.read(origin)
    with _told(folder, "written"), written.lock():
        try:
            return written.read(origin)  # another process may have been here
        except _Damaged as damage:
            message = f"{folder}: this cache of decoded images is damaged ({damage})"
            warnings.warn(f"{message}; the images are decoded again", CnnlabWarning, stacklevel=2)
            written.remove()
            written.make()
    with _told(folder, "read"):
        return written.read(origin)


class _Damaged(Exception):
    """The folder does not hold what was written; says what is wrong."""


@contextmanager
def _told(folder: Path, done: Literal["written", "read"]) -> Iterator[None]:
    """Inside, what the system refuses becomes a `CnnlabError`, as does damage that is there again."""
    try:
        yield
    except (OSError, _Damaged) as error:
        reason, is_full = str(error), False
        if isinstance(error, OSError):
            reason = error.strerror or reason
            is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise CnnlabError(
            f"{folder}: the cache of decoded images cannot be {done}: {reason}\n"
            f"   {'free some disk space, or ' * is_full}set CNNLAB_CACHE to another folder"
        ) from error


@dataclass(frozen=True)
class _Written:
    """A folder of the cache as it is made: beside its place, under a name that no other process uses."""

    folder: Path
    image_shape: tuple[int, ...]
    parts: Mapping[PartName, Part]

    def lock(self) -> filelock.BaseFileLock:
        return filelock.FileLock(self.folder.parent / f".{self.folder.name}.lock")

    def read(self, origin: str) -> Content:
        return _read(self.folder, self.image_shape, self.parts, origin)

    def make(self) -> None:
        """Decode; where another process was first for all that, its folder is taken."""
        self._remove_leftovers()
        with self._partial() as partial:
            _write(partial, self.image_shape, self.parts)
            try:
                partial.rename(self.folder)
            except OSError:
                if not self.folder.is_dir():
                    raise

    def remove(self) -> None:
        """Renamed away first: a folder of this name is whole."""
        aside = Path(tempfile.mkdtemp(prefix=self._prefix, dir=self.folder.parent))
        self.folder.rename(aside / self.folder.name)
        shutil.rmtree(aside, ignore_errors=True)

    @property
    def _prefix(self) -> str:
        return f".{self.folder.name}.partial-"

    @contextmanager
    def _partial(self) -> Iterator[Path]:
        """A folder of this process, locked as long as it is written to."""
        partial = Path(tempfile.mkdtemp(prefix=self._prefix, dir=self.folder.parent))
        try:
            with _locked(partial):
                yield partial
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _remove_leftovers(self) -> None:
        """What processes left that were killed; those that still write hold a lock."""
        for leftover in self.folder.parent.glob(f"{self._prefix}*"):
            with suppress(OSError), _locked(leftover):
                shutil.rmtree(leftover, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a lock on a folder itself, which ends with the process.

    Raises:
        OSError: another process holds it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _write(folder: Path, image_shape: tuple[int, ...], parts: Mapping[PartName, Part]) -> None:
    shapes, bad, splits = {}, {}, {}
    for name, part in parts.items():
        with (folder / f"{name}_images.u8").open("wb") as file:
            decoded = part.decode(file)
        shapes[name] = [len(decoded.labels), *image_shape]
        bad[name] = decoded.bad
        np.save(folder / f"{name}_labels.npy", decoded.labels)
        splits[name] = Split(_images(folder, name, shapes[name]), decoded.labels)
    whole, tested = part_digests(splits)
    facts = {"shapes": shapes, "digest": whole, "test_digest": tested, "bad": bad}
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


def _read(folder: Path, image_shape: tuple[int, ...], parts: Mapping[PartName, Part], origin: str) -> Content:
    """The arrays of a folder, images mapped, and what else is known.

    Raises:
        _Damaged: they are not what was written.
        OSError: the system does not let them be read.
    """
    try:
        facts = json.loads(read_bytes(folder / "facts.json", most=LARGEST_FACTS))
        splits: dict[PartName, Split] = {}
        places: dict[PartName, np.ndarray] = {}
        bad = []
        for name, part in parts.items():
            shape = facts["shapes"][name]
            if type(shape[0]) is not int or shape[0] < 0 or tuple(shape[1:]) != image_shape:
                raise _Damaged(f"facts.json has other images, {shape}")
            images = _images(folder, name, shape)
            splits[name] = Split(images, _labels(folder, name, len(images)))
            bad += [f"{_path(part, index)}: {reason}" for index, reason in facts["bad"][name]]
            left_out = {index for index, _ in facts["bad"][name]}
            kept = [each for index, each in enumerate(part.names) if index not in left_out]
            places[name] = np.array(kept, dtype=object)
            if len(kept) != len(images):
                raise _Damaged(f"facts.json has other files, {len(images)}")
        known = (facts["digest"], facts["test_digest"])
    except (ValueError, LookupError, TypeError, EOFError, RecursionError, MemoryError) as error:
        raise _Damaged(first_sentence(error)) from None
    except OSError as error:
        if error.errno not in _OTHER_FILES:
            raise
        raise _Damaged(f"{Path(error.filename).name}: {error.strerror}") from None
    if known != part_digests(splits):
        raise _Damaged("its content does not match its digest")
    were = "was" if len(bad) == 1 else "were"
    warning = (
        f"{counted(len(bad), 'image')} cannot be used and {were} left out; the first: {bad[0]}"
        if bad
        else None
    )
    provenance = Provenance(origin, "unverified", known[0], known[1], warning)
    train, test = splits["train"], splits["test"]
    return Content(
        train.images,
        train.labels,
        test.images,
        test.labels,
        provenance,
        validation=splits.get("validation"),
        places=places,
    )


def _path(part: Part, index: object) -> str:
    if not isinstance(index, int) or not 0 <= index < len(part.paths):
        raise _Damaged(f"facts.json has other files, {index}")
    return part.paths[index]


def _labels(folder: Path, part: str, count: int) -> np.ndarray:
    """(N,) int64. The file's header, which takes a parser, says nothing that is not known."""
    path = folder / f"{part}_labels.npy"
    content = read_bytes(path, most=8 * count + LONGEST_HEADER)
    if len(content) < 8 * count:
        raise _Damaged(f"{path.name}: expected {count:,} labels, found {len(content):,} bytes")
    return np.ndarray((count,), np.int64, content[len(content) - 8 * count :]).copy()


def _images(folder: Path, part: str, shape: list[int]) -> np.ndarray:
    """(N, H, W, C) uint8, mapped; an empty file cannot be."""
    path = folder / f"{part}_images.u8"
    with open_regular(path) as file:
        found = os.fstat(file.fileno()).st_size
    if found != math.prod(shape):
        raise _Damaged(f"{path.name}: expected {math.prod(shape):,} bytes, found {found:,}")
    if not found:
        return np.empty(shape, dtype=np.uint8)
    return np.memmap(path, dtype=np.uint8, mode="r", shape=tuple(shape))
