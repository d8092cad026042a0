"""Reading files that may be broken: what is wrong with one becomes a `UserError` that names it."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from cnnlab.errors import UserError
from cnnlab.files import absence, open_regular

ELSEWHERE = "replace the file, or remove it to look elsewhere"
"""The way out where a published file is damaged: others may lie in the next place that is searched."""

OWN = "mend the file, or write it again"
"""The way out where the file is the user's own."""

GZIP_MAGIC = b"\x1f\x8b"


def broken(path: Path, *, expected: str, found: str, remedy: str = ELSEWHERE) -> UserError:
    """PATH: expected …, found …, and the way out."""
    return UserError(f"{path}: expected {expected}, found {found}\n   {remedy}")


def is_file(path: Path) -> bool:
    """Like Path.is_file, but False also where a folder on the way may not be entered."""
    try:
        return path.is_file()
    except OSError:
        return False


@contextlib.contextmanager
def readable(path: Path) -> Iterator[None]:
    """Inside, whatever the operating system or gzip has against the file becomes a `UserError`."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise broken(path, expected="a whole gzip file", found=f"a damaged one ({error})") from error
    except OSError as error:
        raise UserError(
            f"{path}: expected a readable file, found: {error.strerror or error}\n"
            "   check its permissions and its disk"
        ) from error


@contextlib.contextmanager
def open_plain_or_gzip(path: Path) -> Iterator[io.BufferedIOBase]:
    """Open for reading; gzip is told by its first bytes, not by the name."""
    with readable(path), open_regular(path) as raw:
        start = raw.read(len(GZIP_MAGIC))
        raw.seek(0)
        if start == GZIP_MAGIC:
            with gzip.GzipFile(fileobj=raw) as unzipped:
                yield unzipped
        else:
            yield raw


def read_whole(path: Path, *, limit: int, expected: str) -> bytes:
    """All bytes of a file of at most `limit` bytes; `expected` says what the file should be."""
    with readable(path), open_regular(path) as stream:
        data = stream.read(limit + 1)
    if not data:
        raise broken(path, expected=expected, found="an empty file")
    if len(data) > limit:
        raise broken(path, expected=expected, found=f"more than {limit} bytes")
    return data


def checksum(path: Path, algorithm: str, *, unzipped: bool = False) -> str:
    """The checksum of a file, as lower-case hex; `unzipped`: of what a gzip file holds, others as they are.

    Raises:
        UserError: the file cannot be read, or is a damaged gzip file.
    """
    with readable(path), open_plain_or_gzip(path) if unzipped else open_regular(path) as stream:
        digest = hashlib.file_digest(stream, lambda: hashlib.new(algorithm, usedforsecurity=False))
    return digest.hexdigest()


def fill(array: np.ndarray, stream: io.BufferedIOBase, path: Path) -> None:
    """Read exactly the bytes of a new array, straight into it, and see that nothing follows.

    A stream that unzips far more than its header declares is so stopped after one byte too many.

    Args:
        array: C-contiguous, not empty; it is overwritten.
    """
    memory = array.reshape(-1).view(np.uint8).data
    filled = 0
    while filled < len(memory):
        got = stream.readinto(memory[filled:])
        if not got:
            raise broken(path, expected=f"{len(memory)} bytes after the header", found=f"{filled}")
        filled += got
    if stream.read(1):
        raise broken(path, expected=f"{len(memory)} bytes after the header", found="more")


def check_labels(labels: np.ndarray, num_classes: int, path: Path, *, remedy: str = ELSEWHERE) -> np.ndarray:
    """The labels as (N,) int64, if all of them are classes."""
    if labels.size and (labels.min() < 0 or labels.max() >= num_classes):
        outside = labels[(labels < 0) | (labels >= num_classes)][0]
        raise broken(path, expected=f"labels from 0 to {num_classes - 1}", found=f"{outside}", remedy=remedy)
    return labels.astype(np.int64)


def check_counts(images: np.ndarray, labels: np.ndarray, path: Path, *, remedy: str = ELSEWHERE) -> None:
    """As many labels as images."""
    if len(images) != len(labels):
        expected = f"{len(images)} labels, one per image"
        raise broken(path, expected=expected, found=f"{len(labels)} labels", remedy=remedy)


def incomplete(folder: Path, *, present: Iterable[str], missing: Iterable[str]) -> UserError:
    """The user's own folder has a part of what belongs together."""
    missing = list(missing)
    for path in (folder / f"{name}{ending}" for name in missing for ending in ("", ".gz")):
        if os.path.lexists(path):
            return UserError(f"{path}: {absence(path)}")
    return UserError(
        f"{folder}: expected {', '.join(missing)} beside {', '.join(present)}, found no such file\n"
        "   add what is missing, or remove the rest to look elsewhere"
    )
