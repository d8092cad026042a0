"""Many image files at once, in threads: what is in them, and the pixels that this makes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np

from cnnlab.datasets.reading.images import BadImage, bombs_are_errors, contents, decode, size_of
from cnnlab.errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")

AT_ONCE = 64
"""Files for one call into a thread."""


def fingerprints(paths: Sequence[str]) -> Iterator[str]:
    """Of each file SHA-256 of its bytes, as lower-case hex, or why they cannot be read."""
    return _in_threads(lambda path: _fingerprint(_contents(path)), paths)


def pixels(
    paths: Sequence[str], fingerprints: Sequence[str], *, size: tuple[int, int], channels: int, resize: str
) -> Generator[np.ndarray | BadImage, None, None]:
    """Of each file (height, width, channels) uint8, as `decode` gives them, or what is wrong with it.

    Raises:
        UserError: a file's fingerprint is another one by now. Pixels would be kept under the wrong name.
    """

    def decoded(file: tuple[str, str]) -> np.ndarray | BadImage:
        path, fingerprint = file
        found = _contents(path)
        if _fingerprint(found) != fingerprint:
            raise UserError(
                f"{path}: this file has changed while the folder was being read\n"
                "   start again when nothing writes to the folder"
            )
        if isinstance(found, BadImage):
            return found
        try:
            return decode(found, size=size, channels=channels, resize=resize).pixels
        except BadImage as error:
            return error

    with bombs_are_errors():
        yield from _in_threads(decoded, list(zip(paths, fingerprints, strict=True)))


def sizes(paths: Sequence[str]) -> Iterator[tuple[int, int] | None]:
    """Height and width of each image as `size_of` gives them; None where it cannot be opened."""

    def found(path: str) -> tuple[int, int] | None:
        try:
            return size_of(Path(path))
        except BadImage:
            return None

    with bombs_are_errors():
        yield from _in_threads(found, paths)


def _contents(path: str) -> bytes | BadImage:
    try:
        return contents(Path(path))
    except BadImage as error:
        return error


def _fingerprint(found: bytes | BadImage) -> str:
    return f"unreadable: {found}" if isinstance(found, BadImage) else hashlib.sha256(found).hexdigest()


def _in_threads(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """What a function gives for each item, in order."""

    def some(start: int) -> list[Result]:
        return [function(item) for item in items[start : start + AT_ONCE]]

    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        for results in pool.map(some, range(0, len(items), AT_ONCE)):
            yield from results
    finally:  # whoever stops asking does not wait for the others
        pool.shutdown(cancel_futures=True)
