"""The heads of an .npz file's arrays, read without NumPy: a config is checked before it is imported."""

from __future__ import annotations

import ast
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

from cnnlab.errors import UserError

LARGEST_LABELS = 1 << 28
"""Bytes of y_train that are looked at."""

_CASTS: dict[str, Literal["B", "b", "H", "h", "I", "i", "Q", "q"]] = {
    "u1": "B",
    "i1": "b",
    "u2": "H",
    "i2": "h",
    "u4": "I",
    "i4": "i",
    "u8": "Q",
    "i8": "q",
}


def image_shape(path: Path) -> tuple[int, int, int]:
    """(height, width, channels) of x_train; (N, H, W) has one channel.

    Raises:
        UserError: no such file, or x_train is no stack of uint8 images.
    """
    with _member(path, "x_train") as stream:
        descr, shape = _header(stream, path, "x_train")
    if descr[1:] != "u1" or len(shape) not in (3, 4) or 0 in shape:
        raise UserError(
            f"{path}: expected x_train of shape (N, height, width) or (N, height, width, channels) and type "
            f"uint8, found {shape} of type {descr}"
        )
    height, width, channels = (*shape[1:], 1)[:3]
    return height, width, channels


def stated_shape(path: Path, name: str) -> tuple[int, ...]:
    """The shape of an array as its header has it."""
    with _member(path, name) as stream:
        return _header(stream, path, name)[1]


def largest_label(path: Path) -> int:
    """The largest number in y_train and y_test.

    Raises:
        UserError: no such file, or the labels are no whole numbers from 0 on.
    """
    return max(_largest(path, "y_train"), _largest(path, "y_test"))


def _largest(path: Path, name: str) -> int:
    with _member(path, name) as stream:
        descr, shape = _header(stream, path, name)
        cast = _CASTS.get(descr[1:])
        if cast is None or descr[0] == ">" or len(shape) != 1:
            raise UserError(
                f"{path}: expected {name} of shape (N,) and an integer type, found {shape} of type {descr}"
            )
        data = stream.read(LARGEST_LABELS)
    data = data[: len(data) // struct.calcsize(cast) * struct.calcsize(cast)]
    if not data:
        raise UserError(f"{path}: expected labels in {name}, found none")
    labels = memoryview(data).cast(cast)
    lowest, highest = min(labels), max(labels)
    if lowest < 0 or highest > 100_000:
        raise UserError(
            f"{path}: expected labels from 0 to the number of classes - 1 in {name}, found "
            f"{lowest if lowest < 0 else highest}"
        )
    return highest


@contextmanager
def _member(path: Path, name: str) -> Iterator[IO[bytes]]:
    """One array's file in the archive, open."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as stream:
            yield stream
    except FileNotFoundError:
        hint = "" if path.is_absolute() else f"; relative paths start at the current directory, {Path.cwd()}"
        raise UserError(f"expected an .npz file, found nothing at {str(path)!r}{hint}") from None
    except KeyError:
        raise UserError(f"{path}: expected x_train, y_train, x_test, y_test, found no {name}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise UserError(f"{path}: expected a whole .npz file, found a damaged one ({error})") from None
    except OSError as error:
        raise UserError(f"{path}: expected a readable file, found: {error.strerror or error}") from None


def _header(stream: IO[bytes], path: Path, name: str) -> tuple[str, tuple[int, ...]]:
    """Type and shape as an NPY file of version 1.0 states them."""
    start = stream.read(10)
    text = stream.read(struct.unpack("<H", start[8:])[0]) if start[:8] == b"\x93NUMPY\x01\x00" else b""
    try:
        fields = ast.literal_eval(text.decode("latin-1"))
        descr, shape = fields["descr"], fields["shape"]
        plain = isinstance(descr, str) and all(type(size) is int and size >= 0 for size in shape)
    except (SyntaxError, ValueError, KeyError, TypeError, RecursionError, MemoryError):
        plain = False
    if not plain:
        raise UserError(f"{path}: expected {name} as an array in NPY format 1.0, found something else")
    return descr, tuple(shape)
