"""What an .npz file of images holds, told by its headers and labels alone; NumPy only helps with mistakes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from cnnlab.datasets.left_out import LeftOut, grouped
from cnnlab.datasets.own_paths import absent
from cnnlab.datasets.reading.npz_remedies import check_images, check_labels
from cnnlab.errors import UserError
from cnnlab.files import expanded
from cnnlab.npz import ArrayHeader, NpzError, NpzReader, open_npz

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
VALIDATION = (
    ("x_val", "y_val"),
    ("x_valid", "y_valid"),
    ("x_validation", "y_validation"),
    ("x_dev", "y_dev"),
)
"""Names that validation images and their labels may have."""

MOST_CLASSES = 100_001
LARGEST_LABELS = 1 << 27
"""Bytes of labels that are looked at in a config."""

FEW_LABELS = 1 << 17
"""More are counted faster with NumPy, its import included."""

FEW_CHANNELS = range(1, 5)

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


@dataclass(frozen=True)
class NpzContent:
    """The arrays of an .npz file, by their headers."""

    path: str
    """As messages call it."""

    headers: Mapping[str, ArrayHeader]
    validation: tuple[str, str] | None
    """What the validation images and their labels are called; None where there are none."""

    has_test: bool = True
    """Whether there are test images."""

    @property
    def used(self) -> tuple[tuple[str, str], ...]:
        """(images, labels) of each part that is there: training, validation, test."""
        between = () if self.validation is None else (self.validation,)
        return (ARRAYS[:2], *between, *([ARRAYS[2:]] if self.has_test else []))

    @property
    def has_channels(self) -> bool:
        """Whether the images have an axis for channels."""
        return len(self.headers["x_train"].shape) == 4

    @property
    def looks_like(self) -> str | None:
        """The layout that the images seem to have; None where both are possible."""
        shape = self.headers["x_train"].shape
        first, last = (len(shape) == 4 and shape[axis] in FEW_CHANNELS for axis in (1, 3))
        return None if first == last else "channels_first" if first else "channels_last"

    def image_shape(self, layout: str) -> tuple[int, int, int]:
        """(height, width, channels) of the images; (N, H, W) has one channel."""
        shape = self.headers["x_train"].shape
        if len(shape) == 3:
            return shape[1], shape[2], 1
        channels, height, width = shape[1:] if layout == "channels_first" else (shape[3], *shape[1:3])
        return height, width, channels

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """Arrays that are not read."""
        used = {name for part in self.used for name in part}
        unread = [
            (".", name, "an array of another name", header.dtype[1:] == "u1" and len(header.shape) > 2)
            for name, header in self.headers.items()
            if name not in used
        ]
        return tuple(grouped(unread))


def npz_content(path: str, *, needs_test: bool) -> NpzContent:
    """Look at the headers of a file.

    Args:
        needs_test: whether there must be test images, as no fold of the training images tests.

    Raises:
        UserError: the file is damaged, or its arrays are no images and labels that fit together.
    """
    with _opened(path) as npz:
        content = _content(path, npz, needs_test=needs_test)
        for images, labels in content.used:
            check_images(npz, images, path)
            check_labels(npz, labels, images, path)
    expected = content.headers["x_train"].shape[1:]
    for images, _ in content.used[1:]:
        found = content.headers[images].shape[1:]
        if found != expected:
            raise UserError(
                f"{path}: expected images of one size, found {times(expected)} in x_train and "
                f"{times(found)} in {images}\n   bring all images to one size and write the file again"
            )
    return content


def number_of_labels(content: NpzContent) -> int:
    """The largest label plus 1.

    Raises:
        UserError: the labels are not counted from 0, or too many.
    """
    lows, highs = [], []
    with _opened(content.path) as npz:
        for _, name in content.used:
            low, high = _ends(npz, name, content.path)
            if low < 0 or high >= MOST_CLASSES:
                raise UserError(
                    f"{content.path}: expected labels from 0 to the number of classes - 1 in {name}, found "
                    f"{low if low < 0 else high}\n   number the classes from 0 and write the file again"
                )
            lows.append(low)
            highs.append(high)
    lowest, highest = min(lows), max(highs)
    if lowest > 0:
        names = " and ".join(f"{name} - {lowest}" for _, name in content.used)
        raise UserError(
            f"{content.path}: expected labels from 0 on, found {lowest} to {highest}\n"
            f"   cnnlab numbers classes from 0; save {names}"
        )
    return highest + 1


def header_of(npz: NpzReader, name: str) -> ArrayHeader:
    """Type and shape of one of the four arrays.

    Raises:
        NpzError: it is not there, or the file is damaged.
    """
    if name not in npz.names:
        raise NpzError(expected=", ".join(ARRAYS), found=f"no {name}")
    return npz.header(name)


def _content(path: str, npz: NpzReader, *, needs_test: bool) -> NpzContent:
    has_test = needs_test or any(name in npz.names for name in ARRAYS[2:])
    expected = ARRAYS if has_test else ARRAYS[:2]
    missing = [name for name in expected if name not in npz.names]
    if missing:
        there = f"the file has {', '.join(npz.names[:10])}" if npz.names else "the file has no array"
        without_test = (
            "\n   to do without test images, use folds: cnnlab compare --folds 5, or dataset.fold"
            if missing == list(ARRAYS[2:])
            else ""
        )
        arrays = ", ".join(f"{name}=…" for name in expected)
        raise UserError(
            f"{path}: expected {', '.join(expected)}, found no {missing[0]}\n"
            f"   {there}; write it again with numpy.savez(FILE, {arrays}){without_test}"
        )
    validation = [pair for pair in VALIDATION if set(pair) & set(npz.names)]
    if len(validation) > 1:
        raise UserError(
            f"{path}: expected one array of validation images, found {validation[0][0]} and "
            f"{validation[1][0]}\n   leave one of them out"
        )
    for name in validation[0] if validation else ():
        if name not in npz.names:
            raise UserError(f"{path}: expected {' and '.join(validation[0])}, found no {name}\n   add it")
    headers = {name: npz.header(name) for name in npz.names}
    return NpzContent(path, headers, validation[0] if validation else None, has_test)


def _ends(npz: NpzReader, name: str, path: str) -> tuple[int, int]:
    """The smallest and the largest label."""
    header = npz.header(name)
    if (header.num_bytes or 0) > LARGEST_LABELS:
        raise UserError(
            f"{path}: expected at most {LARGEST_LABELS} bytes in {name}, found {header.num_bytes}"
        )
    if header.shape[0] > FEW_LABELS:
        array = npz.array(name)
        return int(array.min()), int(array.max())
    labels = memoryview(npz.content(name)).cast(_CASTS[header.dtype[1:]])
    return min(labels), max(labels)


def times(shape: tuple[int, ...]) -> str:
    """(28, 28, 1) → 28×28×1"""
    return "×".join(str(size) for size in shape)


@contextmanager
def _opened(path: str) -> Iterator[NpzReader]:
    """The file, open; inside, what is wrong with it becomes a `UserError`."""
    try:
        with open_npz(expanded(path)) as npz:
            yield npz
    except FileNotFoundError:
        raise UserError(absent(path, "an .npz file")) from None
    except IsADirectoryError:
        raise UserError(
            f"{path}: expected an .npz file, found a folder\n   dataset.name: folder reads folders of images"
        ) from None
    except NpzError as error:
        raise UserError(f"{path}: {error}") from None
    except ValueError:
        raise UserError(f"{path}: expected a file, found a name with a NUL character") from None
    except OSError as error:
        raise UserError(f"{path}: expected a readable file, found: {error.strerror or error}") from None
