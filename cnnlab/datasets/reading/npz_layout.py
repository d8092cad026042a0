"""What an .npz file of images holds, told by its headers and labels alone, without NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from cnnlab.errors import UserError
from cnnlab.npz import ArrayHeader, NpzError, NpzReader, open_npz

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
MOST_CLASSES = 100_001
LARGEST_LABELS = 1 << 27
"""Bytes of y_train that are looked at."""

FEW_LABELS = 1 << 17
"""More are counted faster with NumPy, its import included."""

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
    with _opened(path) as npz:
        header = header_of(npz, "x_train")
    if header.dtype[1:] != "u1" or len(header.shape) not in (3, 4) or 0 in header.shape:
        raise UserError(
            f"{path}: expected x_train of shape (N, height, width) or (N, height, width, channels) and type "
            f"uint8, found {header.shape} of type {header.dtype}"
        )
    height, width, channels = (*header.shape[1:], 1)[:3]
    return height, width, channels


def largest_label(path: Path) -> int:
    """The largest number in y_train and y_test.

    Raises:
        UserError: no such file, or the labels are no whole numbers from 0 on.
    """
    with _opened(path) as npz:
        return max(_largest(npz, part, path) for part in ("train", "test"))


def header_of(npz: NpzReader, name: str) -> ArrayHeader:
    """Type and shape of one of the four arrays.

    Raises:
        NpzError: it is not there, or the file is damaged.
    """
    if name not in npz.names:
        raise NpzError(expected=", ".join(ARRAYS), found=f"no {name}")
    return npz.header(name)


def _largest(npz: NpzReader, part: str, path: Path) -> int:
    name = f"y_{part}"
    header, images = header_of(npz, name), header_of(npz, f"x_{part}").shape
    cast = _CASTS.get(header.dtype[1:])
    if cast is None or header.dtype[0] == ">" or len(header.shape) != 1:
        raise UserError(
            f"{path}: expected {name} of shape (N,) and an integer type, found {header.shape} of type "
            f"{header.dtype}"
        )
    count = header.shape[0]
    if images[:1] != (count,):
        expected = f"{images[0] if images else 0} labels, one per image"
        raise UserError(f"{path}: expected {expected}, found {count} labels in {name}")
    if (header.num_bytes or 0) > LARGEST_LABELS:
        raise UserError(
            f"{path}: expected at most {LARGEST_LABELS} bytes in {name}, found {header.num_bytes}"
        )
    if not count:
        raise UserError(f"{path}: expected labels in {name}, found none")
    lowest, highest = _ends(npz, name, cast)
    if lowest < 0 or highest >= MOST_CLASSES:
        raise UserError(
            f"{path}: expected labels from 0 to the number of classes - 1 in {name}, found "
            f"{lowest if lowest < 0 else highest}"
        )
    return highest


def _ends(
    npz: NpzReader, name: str, cast: Literal["B", "b", "H", "h", "I", "i", "Q", "q"]
) -> tuple[int, int]:
    """The smallest and the largest label."""
    if npz.header(name).shape[0] > FEW_LABELS:
        array = npz.array(name)
        return int(array.min()), int(array.max())
    labels = memoryview(npz.content(name)).cast(cast)
    return min(labels), max(labels)


@contextmanager
def _opened(path: Path) -> Iterator[NpzReader]:
    """The file, open; inside, what is wrong with it becomes a `UserError`."""
    try:
        with open_npz(path) as npz:
            yield npz
    except FileNotFoundError:
        hint = "" if path.is_absolute() else f"; relative paths start at the current directory, {Path.cwd()}"
        raise UserError(f"expected an .npz file, found nothing at {str(path)!r}{hint}") from None
    except NpzError as error:
        raise UserError(f"{path}: {error}") from None
    except ValueError:
        raise UserError(f"{path}: expected a file, found a name with a NUL character") from None
    except OSError as error:
        raise UserError(f"{path}: expected a readable file, found: {error.strerror or error}") from None
