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
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import filelock
import numpy as np

from cnnlab.datasets.content import Content, Provenance, digest
from cnnlab.errors import CnnlabError, CnnlabWarning, first_sentence
from cnnlab.files import open_regular, read_bytes

FORMAT = "1"
"""Counts up when decoding changes: older caches are then left alone."""

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
    """What decoding gives besides the pixels: labels (N,) int64, and what is wrong with images left out."""

    labels: np.ndarray
    bad: list[str]


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
    train: Callable[[BinaryIO], Decoded],
    test: Callable[[BinaryIO], Decoded],
) -> Content:
    """The images in a folder of the cache; where it is not there, `train` and `test` write its pixels.

    The folder takes its name once it is whole. A second process waits for the first. All of it is read once
    to compare its digest; where that differs, the user is warned, and the images are decoded again.

    Raises:
        CnnlabError: the cache cannot be written or read.
    """
    written = _Written(folder, image_shape, train, test)
    with _told(folder, "written"):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with written.lock():
            if not os.path.lexists(folder):
                written.make()
    with _told(folder, "read"), suppress(_Damaged):
        return _read(folder, image_shape, origin)
    with _told(folder, "written"), written.lock():
        try:
            return _read(folder, image_shape, origin)  # another process may have been here
        except _Damaged as damage:
            message = f"{folder}: this cache of decoded images is damaged ({damage})"
            warnings.warn(f"{message}; the images are decoded again", CnnlabWarning, stacklevel=2)
            written.remove()
            written.make()
    with _told(folder, "read"):
        return _read(folder, image_shape, origin)


class _Damaged(Exception):
    """The folder does not hold what was written; says what is wrong."""


@contextmanager
def _told(folder: Path, done: Literal["written", "read"]) -> Iterator[None]:
    """Inside, what the system refuses becomes a `CnnlabError`, as does damage that is there again."""
    try:
        yield
    except (OSError, _Damaged) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise CnnlabError(
            f"{folder}: the cache of decoded images cannot be {done}: {reason}\n"
            f"   {'free some disk space, or ' * (done == 'written')}set CNNLAB_CACHE to another folder"
        ) from error


@dataclass(frozen=True)
class _Written:
    """A folder of the cache as it is made: beside its place, under a name that no other process uses."""

    folder: Path
    image_shape: tuple[int, ...]
    train: Callable[[BinaryIO], Decoded]
    test: Callable[[BinaryIO], Decoded]

    def lock(self) -> filelock.BaseFileLock:
        return filelock.FileLock(self.folder.parent / f".{self.folder.name}.lock")

    def make(self) -> None:
        """Decode; where another process was first for all that, its folder is taken."""
        self._remove_leftovers()
        with self._partial() as partial:
            _write(partial, self.image_shape, self.train, self.test)
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


def _write(
    folder: Path,
    image_shape: tuple[int, ...],
    train: Callable[[BinaryIO], Decoded],
    test: Callable[[BinaryIO], Decoded],
) -> None:
    shapes, bad, arrays = {}, [], []
    for part, decode in (("train", train), ("test", test)):
        with (folder / f"{part}_images.u8").open("wb") as file:
            decoded = decode(file)
        shapes[part] = [len(decoded.labels), *image_shape]
        bad += decoded.bad
        np.save(folder / f"{part}_labels.npy", decoded.labels)
        arrays += [_images(folder, part, shapes[part]), decoded.labels]
    facts = {
        "shapes": shapes,
        "digest": digest(*arrays),
        "test_digest": digest(*arrays[2:]),
        "bad": bad,
    }
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


def _read(folder: Path, image_shape: tuple[int, ...], origin: str) -> Content:
    """The arrays of a folder, images mapped, and what else is known.

    Raises:
        _Damaged: they are not what was written.
        OSError: the system does not let them be read.
    """
    try:
        facts = json.loads(read_bytes(folder / "facts.json", most=LARGEST_FACTS))
        parts = []
        for part in ("train", "test"):
            shape = facts["shapes"][part]
            if type(shape[0]) is not int or shape[0] < 0 or tuple(shape[1:]) != image_shape:
                raise _Damaged(f"facts.json has other images, {shape}")
            images = _images(folder, part, shape)
            parts += [images, _labels(folder, part, len(images))]
        known = (facts["digest"], facts["test_digest"])
        bad = [str(each) for each in facts["bad"]]
    except (ValueError, LookupError, TypeError, EOFError, RecursionError, MemoryError) as error:
        raise _Damaged(first_sentence(error)) from None
    except OSError as error:
        if error.errno not in _OTHER_FILES:
            raise
        raise _Damaged(f"{Path(error.filename).name}: {error.strerror}") from None
    if known != (digest(*parts), digest(*parts[2:])):
        raise _Damaged("its content does not match its digest")
    warning = f"{len(bad)} images cannot be used and were left out; the first: {bad[0]}" if bad else None
    provenance = Provenance(origin, "unverified", known[0], known[1], warning)
    return Content(parts[0], parts[1], parts[2], parts[3], provenance)


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
