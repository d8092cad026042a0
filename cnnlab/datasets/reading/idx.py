"""IDX, the format of MNIST: a big-endian header (type, axes, sizes), then the bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cnnlab.datasets.reading.files import broken, fill, open_plain_or_gzip

UNSIGNED_BYTES = 0x08
"""The third byte of an IDX file: what its numbers are."""


def read_idx(path: Path, *, item_shape: tuple[int, ...], at_most: int) -> np.ndarray:
    """Read one IDX file, plain or gzip.

    Sizes are checked before memory is taken for them, so a header cannot make cnnlab swallow the machine.

    Args:
        path: the file.
        item_shape: what each item must be, such as (28, 28) for images or () for labels.
        at_most: how many items are accepted.

    Returns:
        (N, *item_shape) uint8, 1 ≤ N ≤ at_most.

    Raises:
        UserError: the file is damaged or something else; the message names it.
    """
    magic = UNSIGNED_BYTES << 8 | 1 + len(item_shape)
    with open_plain_or_gzip(path) as stream:
        start = stream.read(4)
        if len(start) < 4:
            found = f"{len(start)} bytes" if start else "an empty file"
            raise broken(path, expected="an IDX file", found=found)
        if int.from_bytes(start) != magic:
            raise broken(path, expected=f"an IDX file starting with {magic:08x}", found=start.hex())
        sizes = stream.read(4 * (1 + len(item_shape)))
        if len(sizes) < 4 * (1 + len(item_shape)):
            raise broken(path, expected="an IDX file", found="one that ends in its header")
        count, *shape = (int(size) for size in np.frombuffer(sizes, dtype=">u4"))
        if tuple(shape) != item_shape:
            raise broken(path, expected=f"images of {_by(item_shape)} pixels", found=_by(tuple(shape)))
        if not 1 <= count <= at_most:
            raise broken(path, expected=f"1 to {at_most} items", found=f"{count}")
        array = np.empty((count, *item_shape), dtype=np.uint8)
        fill(array, stream, path)
    return array


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(str(size) for size in shape)
