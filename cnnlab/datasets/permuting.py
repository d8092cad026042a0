"""Pixels that change places: which goes where, there and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cnnlab.datasets.base import DatasetConfig
from cnnlab.datasets.content import Dataset, Split
from cnnlab.datasets.drawn.random_stream import RandomStream
from cnnlab.datasets.memory_mapped import ROWS, room_for
from cnnlab.datasets.permutation import PixelPermutation

_STREAM = 0x9E27
"""Keeps these random numbers apart from those that images are drawn and distorted with."""


def pixel_order(permutation: PixelPermutation, height: int, width: int) -> np.ndarray:
    """Which pixel of the original each pixel of the permuted image is.

    Blocks go round in one cycle through all of them, so that none stays where it is (Sattolo 1986).

    Returns:
        (height · width,) int64, pixels numbered row by row: permuted = original[order].
    """
    side = permutation.block
    rows, columns = height // side, width // side
    stream = RandomStream(permutation.seed, _STREAM)
    visited = np.argsort(stream.raw(rows * columns), kind="stable")
    source = np.empty(rows * columns, np.int64)
    source[visited] = np.roll(visited, -1)
    top, left = np.divmod(source.reshape(rows, columns), columns)
    inside = np.arange(side)
    y = top[:, None, :, None] * side + inside[:, None, None]  # (rows, side, columns, 1)
    x = left[:, None, :, None] * side + inside  # (rows, 1, columns, side)
    return np.asarray((y * width + x).reshape(-1))


def with_permuted_pixels(data: Dataset, config: DatasetConfig) -> Dataset:
    """A dataset with its pixels permuted as `config.permute_pixels` says; its provenance says so, too."""
    assert config.permute_pixels is not None

    def part(split: Split) -> Split:
        if config.data_format == "channels_first":
            images = permuted(split.images.transpose(0, 2, 3, 1), config).transpose(0, 3, 1, 2)
        else:
            images = permuted(split.images, config)
        return replace(split, images=images)

    return replace(
        data,
        train=part(data.train), validation=part(data.validation), test=part(data.test),
        provenance=replace(data.provenance, permute_pixels=config.permute_pixels.model_dump()),
    )  # fmt: skip


def permuted(images: np.ndarray, config: DatasetConfig) -> np.ndarray:
    """Images as a network gets them: their pixels permuted where the config says so, else as they are.

    Args:
        images: (N, H, W, C), of any type; on the disk where memory would be short.
    """
    if config.permute_pixels is None:
        return images
    return _taken(images, pixel_order(config.permute_pixels, *config.image_shape[:2]))


def unpermuted(images: np.ndarray, config: DatasetConfig) -> np.ndarray:
    """The way back: `permuted` images, or maps that lie on them, (N, H, W, …), as the original lies."""
    if config.permute_pixels is None:
        return images
    return _taken(images, np.argsort(pixel_order(config.permute_pixels, *config.image_shape[:2])))


def raw_images(images: np.ndarray, config: DatasetConfig) -> np.ndarray:
    """A split's images as they were before anything was done for the network: (N, H, W, C), channels last."""
    if config.data_format == "channels_first":
        images = images.transpose(0, 2, 3, 1)
    return np.ascontiguousarray(unpermuted(images, config))


def _taken(images: np.ndarray, order: np.ndarray) -> np.ndarray:
    changed = room_for(images, len(images))
    step = max(1, ROWS // max(1, images[:1].nbytes))
    for start in range(0, len(images), step):
        portion = np.asarray(images[start : start + step])
        pixels = portion.reshape(len(portion), len(order), -1)
        changed[start : start + step] = pixels[:, order].reshape(portion.shape)
    return changed
