"""Images of nothing but noise, in which one channel is larger than another."""

from __future__ import annotations

import numpy as np

from cnnlab.datasets.drawn.random_stream import RandomStream

STRONGEST = 1.5
"""How much larger the pixels of the larger channel are at difficulty 0."""

DEVIATION = 255 / 8
"""The standard deviation of a pixel: 0 and 255 are four of them away from the middle."""


def channel_norms(
    labels: np.ndarray, stream: RandomStream, *, size: int, noise: float, difficulty: float
) -> np.ndarray:
    """Independent, nearly normal pixels; of the first two channels, the one that is the label is larger.

    Li, Zhang & Arora 2021 (arXiv 2010.08515), section 3. An image whose larger channel is the other one gets
    its first two channels exchanged, which changes no distribution but makes classes equally frequent.

    Args:
        labels: (N,) int, 0 or 1.
        noise: share of pixels that are drawn anew afterwards, in all channels.
        difficulty: 1: as in the paper, all pixels have one distribution. Below, those of the larger channel
            are larger, by half at 0.

    Returns:
        (N, size, size, 3) uint8.
    """
    count = len(labels)
    values = stream.bell((count, size, size, 3))
    values[np.arange(count), :, :, labels] *= 1 + (STRONGEST - 1) * (1 - difficulty)
    images = _pixels(values)
    first, second = channel_sums(images).T
    exchanged = (first < second) != (labels == 1)
    images[exchanged] = images[exchanged][..., [1, 0, 2]]
    if noise:
        anew = stream.uniform((count, size, size)) < noise
        images[anew] = _pixels(stream.bell((int(anew.sum()), 3)))
    return images


def channel_sums(images: np.ndarray) -> np.ndarray:
    """Squared norms of the first two channels, from the middle between black and white: (N, 2) int64.

    In units of a quarter of a step of brightness squared, so that they are whole numbers.
    """
    centered = 2 * images[..., :2].astype(np.int64) - 255
    return np.asarray((centered**2).sum(axis=(1, 2)))


def _pixels(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(np.rint(127.5 + DEVIATION * values), 0, 255), np.uint8)
