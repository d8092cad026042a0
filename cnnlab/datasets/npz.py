"""Keras's `.npz` layout: x_train, y_train, x_test, y_test. No pickles, no sizes taken on trust."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import cast

import numpy as np

from cnnlab.datasets.files import broken, fill, readable


def read_npz(
    path: Path, *, image_shape: tuple[int, int], train_count: int, test_count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Read the four arrays of a set.

    `np.load` would take memory for whatever shape a header declares; here shapes are checked first.

    Args:
        image_shape: (height, width) of the grey images.
        train_count: the most training images that are accepted; test_count likewise.

    Returns:
        Training images (N, H, W) uint8, their labels (N,) of some integer type, and the same for testing.

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
