"""Keras's `.npz` layout: x_train, y_train, x_test, y_test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from cnnlab.datasets.content import Content, Provenance, digest
from cnnlab.datasets.memory_mapped import free_memory
from cnnlab.datasets.reading.files import (
    ELSEWHERE,
    OWN,
    broken,
    check_counts,
    check_labels,
    is_file,
    readable,
)
from cnnlab.datasets.reading.npz_layout import ARRAYS, header_of
from cnnlab.errors import UserError
from cnnlab.language.fields import Shape
from cnnlab.npz import NpzError, NpzReader, open_npz

MOST_IMAGES = 1 << 31
"""Their number is only bounded by the memory, which is checked on its own."""

FourArrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def read_four_arrays(
    path: Path,
    *,
    image_shape: tuple[int, ...],
    train_count: int,
    test_count: int,
    remedy: str = ELSEWHERE,
) -> FourArrays:
    """Read the arrays of a set; types and shapes are checked before memory is taken for them.

    Args:
        image_shape: (height, width), or (height, width, channels), of the images.
        train_count: the most training images that are accepted; test_count likewise.
        remedy: the way out that a message names.

    Returns:
        Training images (N, *image_shape) uint8, their labels (N,) of some integer type, and the same to test.

    Raises:
        UserError: the file is damaged or something else.
    """
    with _opened(path, remedy) as npz:
        return (
            _array(npz, "x_train", image_shape, train_count),
            _array(npz, "y_train", (), train_count),
            _array(npz, "x_test", image_shape, test_count),
            _array(npz, "y_test", (), test_count),
        )


def check_headers(path: Path) -> None:
    """See that all four arrays are there, without reading them.

    Raises:
        UserError: one is not, or the file is damaged.
    """
    with _opened(path) as npz:
        for name in ARRAYS:
            header_of(npz, name)


def read_own_npz(path: Path, *, image_shape: Shape, class_names: tuple[str, ...]) -> Content:
    """The user's own set.

    Args:
        image_shape: (height, width, channels); with one channel, images in the file may be (N, H, W).
        class_names: label k is called class_names[k].

    Raises:
        UserError: the file is damaged, or labels and images do not fit each other.
    """
    if not is_file(path):
        raise UserError(f"dataset.npz: expected a file, found nothing at {str(path)!r}")
    with _opened(path, OWN) as npz:
        stated = header_of(npz, "x_train")
        needed = sum(header_of(npz, name).num_bytes or 0 for name in ARRAYS)
    free = free_memory()
    if needed > free:
        raise UserError(
            f"{path}: the arrays hold {needed / 2**30:,.1f} GiB, and {free / 2**30:,.1f} GiB of memory are "
            "free\n"
            "   save the images as files and give dataset.folder: a folder's images stay on the disk"
        )
    grey = len(stated.shape) == 3 and image_shape[-1] == 1
    arrays = read_four_arrays(
        path,
        image_shape=image_shape[:2] if grey else image_shape,
        train_count=MOST_IMAGES,
        test_count=MOST_IMAGES,
        remedy=OWN,
    )
    parts: list[np.ndarray] = []
    for images, labels in zip(arrays[::2], arrays[1::2], strict=True):
        check_counts(images, labels, path, remedy=OWN)
        checked = check_labels(labels, len(class_names), path, remedy=OWN)
        parts += [images.reshape(len(images), *image_shape), checked]
    counts = np.bincount(parts[1], minlength=len(class_names))
    if not counts.all():
        name = class_names[int(np.argmin(counts))]
        raise broken(
            path,
            expected="training images of every class",
            found=f"none of class {name!r}",
            remedy="count labels from 0 and leave no number out",
        )
    provenance = Provenance(str(path), "unverified", digest(*parts), digest(*parts[2:]))
    return Content(parts[0], parts[1], parts[2], parts[3], provenance)


def _array(npz: NpzReader, name: str, item_shape: tuple[int, ...], at_most: int) -> np.ndarray:
    """One array of the file, if it is what it should be."""
    header = header_of(npz, name)
    kind = "uint8 pixels" if item_shape else "integer labels"
    try:
        dtype = np.dtype(header.dtype)
    except TypeError:
        raise NpzError(expected=f"{name} of {kind}", found=header.dtype) from None
    if not (dtype == np.uint8 or (dtype.kind in "iu" and not item_shape)):
        raise NpzError(expected=f"{name} of {kind}", found=str(dtype))
    if header.fortran_order:
        raise NpzError(
            expected=f"{name} in C order, as numpy.ascontiguousarray gives it", found="Fortran order"
        )
    shape = header.shape
    if len(shape) != 1 + len(item_shape) or shape[1:] != item_shape:
        expected = "".join(f", {size}" for size in item_shape) or ","
        raise NpzError(expected=f"{name} of shape (N{expected})", found=str(shape))
    if not 1 <= shape[0] <= at_most:
        raise NpzError(expected=f"1 to {at_most} items in {name}", found=str(shape[0]))
    return npz.array(name)


@contextmanager
def _opened(path: Path, remedy: str = ELSEWHERE) -> Iterator[NpzReader]:
    """The file, open; inside, what is wrong with it becomes a `UserError`."""
    try:
        with readable(path), open_npz(path) as npz:
            yield npz
    except NpzError as error:
        raise broken(path, expected=error.expected, found=error.found, remedy=remedy) from error
