"""Images that stay on the disk: read where they are needed, held by no process."""

from __future__ import annotations

import math
import os
import tempfile
from pathlib import Path

import numpy as np

from cnnlab.errors import CnnlabError

ROWS = 1 << 24
"""Bytes that are copied at once."""

MEMORY_SHARE = 0.25
"""A copy of images on the disk goes to memory only if it takes no more than this share of what is free."""


def taken(images: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The images at the places `chosen`, (M,) int: images[chosen], but of mapped ones in mapped memory.

    A large choice of images on the disk is copied to a file that no other process sees, and that ends with
    this one.

    Args:
        images: (N, H, W, C) uint8, in memory or mapped.
    """
    if not stays_on_disk(images, len(chosen)):
        return np.asarray(images[chosen])
    copy = room_for(images, len(chosen))
    step = max(1, ROWS // images[:1].nbytes)
    for start in range(0, len(chosen), step):
        copy[start : start + step] = images[chosen[start : start + step]]
    return copy


def room_for(images: np.ndarray, count: int) -> np.ndarray:
    """An array for so many images of the same shape, in mapped memory where `images` are too large as well.

    Its file is one that no other process sees, and that ends with this one.

    Raises:
        CnnlabError: the disk is full, or cannot be written.
    """
    shape = (count, *images.shape[1:])
    source = _file_of(images)
    if source is None or not stays_on_disk(images, count):
        return np.empty(shape, images.dtype)
    try:
        with tempfile.NamedTemporaryFile(dir=source.parent) as file:
            if hasattr(os, "posix_fallocate"):  # else a full disk would kill the process later on
                os.posix_fallocate(file.fileno(), 0, math.prod(shape) * images.dtype.itemsize)
            return np.memmap(file, dtype=images.dtype, mode="w+", shape=shape)
    except OSError as error:
        raise CnnlabError(f"{source.parent}: cannot be written: {error.strerror}") from None


def stays_on_disk(images: np.ndarray, count: int | None = None) -> bool:
    """Whether so many of the images (None: all) are too large for the memory, and mapped from a file.

    The axes may be in another order than in the file.
    """
    number = len(images) if count is None else count
    return _file_of(images) is not None and number * images[:1].nbytes > MEMORY_SHARE * free_memory()


def _file_of(images: np.ndarray) -> Path | None:
    """The file that images are mapped from, also where they are a part of a larger array; None in memory."""
    name = getattr(images, "filename", None)
    return Path(name) if isinstance(images, np.memmap) and name is not None else None


def free_memory() -> int:
    """Bytes that may still be taken without swapping."""
    import psutil

    return int(psutil.virtual_memory().available)
