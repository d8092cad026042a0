"""Keras's `.npz` layout: x_train, y_train, x_test, y_test. No pickles, no sizes taken on trust."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from cnnlab.datasets.content import Content, Provenance, digest
from cnnlab.datasets.reading.files import broken, check_counts, check_labels, fill, is_file, readable
from cnnlab.datasets.reading.mapped import free_memory
from cnnlab.datasets.reading.npz_header import stated_shape
from cnnlab.errors import UserError

if TYPE_CHECKING:
    from cnnlab.datasets.sources.npz import NpzFile

MOST_IMAGES = 1 << 31
"""Their number is only bounded by the memory, which is checked on its own."""


def read_npz(
    path: Path, *, image_shape: tuple[int, ...], train_count: int, test_count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Read the four arrays of a set.

    `np.load` would take memory for whatever shape a header declares; here shapes are checked first.

    Args:
        image_shape: (height, width), or (height, width, channels), of the images.
        train_count: the most training images that are accepted; test_count likewise.

    Returns:
        Training images (N, *image_shape) uint8, their labels (N,) of some integer type, and the same to test.

    Raises:
        UserError: the file is damaged or something else.
    """
    try:
        with readable(path), zipfile.ZipFile(path) as archive:

            def array(name: str, item_shape: tuple[int, ...], at_most: int) -> np.ndarray:
                if f"{name}.npy" not in archive.namelist():
                    raise broken(path, expected="x_train, y_train, x_test, y_test", found=f"no {name}")
                with cast(io.BufferedIOBase, archive.open(f"{name}.npy")) as stream:
                    return _read_npy(stream, path, name, item_shape, at_most)

            return (
                array("x_train", image_shape, train_count),
                array("y_train", (), train_count),
                array("x_test", image_shape, test_count),
                array("y_test", (), test_count),
            )
    # zipfile: RuntimeError for an encrypted member, NotImplementedError for an unknown compression.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise broken(path, expected="a whole .npz file", found=f"a damaged one ({error})") from error


def read_own_npz(config: NpzFile) -> Content:
    """The user's own set, in either layout of its images.

    Raises:
        UserError: the file is damaged, or labels and images do not fit each other.
    """
    path = Path(config.npz).expanduser()
    height, width, channels = config.image_shape
    if not is_file(path):
        raise UserError(f"dataset.npz: expected a file, found nothing at {str(path)!r}")
    stated = stated_shape(path, "x_train")
    needed, free = math.prod(stated), free_memory()
    if needed > free:
        raise UserError(
            f"{path}: x_train holds {needed / 2**30:,.1f} GiB, and {free / 2**30:,.1f} GiB of memory are "
            "free\n"
            "   save the images as files and give dataset.folder: a folder's images stay on the disk"
        )
    grey = len(stated) == 3
    arrays = read_npz(
        path,
        image_shape=(height, width) if grey and channels == 1 else (height, width, channels),
        train_count=MOST_IMAGES,
        test_count=MOST_IMAGES,
    )
    parts: list[np.ndarray] = []
    for images, labels in zip(arrays[::2], arrays[1::2], strict=True):
        check_counts(images, labels, path)
        pixels = images.reshape(len(images), *config.image_shape)
        parts += [pixels, check_labels(labels, len(config.all_classes), path)]
    counts = np.bincount(parts[1], minlength=len(config.all_classes))
    if not counts.all():
        name = config.all_classes[int(np.argmin(counts))]
        raise broken(path, expected="training images of every class", found=f"none of class {name!r}")
    provenance = Provenance(str(path), "unverified", digest(*parts), digest(*parts[2:]))
    return Content(parts[0], parts[1], parts[2], parts[3], provenance)


def _read_npy(
    stream: io.BufferedIOBase, path: Path, name: str, item_shape: tuple[int, ...], at_most: int
) -> np.ndarray:
    """One array of the archive, if it is what it should be."""
    try:
        # Version 1 headers have at most 64 KiB; later ones may declare gigabytes, and nobody needs them here.
        if np.lib.format.read_magic(stream) != (1, 0):
            raise broken(path, expected=f"{name} in NPY format 1.0", found="another version")
        shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(stream)
    except ValueError as error:
        raise broken(path, expected=f"an array {name}", found=f"{error}") from error
    kind = "uint8 pixels" if item_shape else "integer labels"
    if fortran_order or not (dtype == np.uint8 or (dtype.kind in "iu" and not item_shape)):
        raise broken(path, expected=f"{name} of {kind} in C order", found=f"{dtype}")
    if len(shape) != 1 + len(item_shape) or shape[1:] != item_shape or not 1 <= shape[0] <= at_most:
        expected = (f"1 to {at_most}", *(str(size) for size in item_shape))
        raise broken(path, expected=f"{name} of shape ({', '.join(expected)})", found=f"{shape}")
    array = np.empty(shape, dtype=dtype)
    fill(array, stream, path)
    return array
