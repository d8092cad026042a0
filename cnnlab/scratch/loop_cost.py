"""How long the nested loops of Python take on this machine, told from a few of their multiplications."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from cnnlab.scratch import loops

SECONDS = 0.05
"""A sample is timed as often as fits into so many seconds; the fastest counts, because others may compute."""

MOST_CHANNELS = 8
"""A sample has no more channels and filters: beyond, the loops around the innermost ones weigh nothing."""


class LoopSeconds(NamedTuple):
    """Of one multiplication, with the share of the loops around it."""

    correlate: float
    to_images: float
    to_kernel: float


def loop_seconds(height: int, width: int, channels: int, filters: int) -> LoopSeconds:
    """What a multiplication takes in a convolution with such a kernel, forwards and backwards."""
    size = (height, width)
    depth, maps = min(channels, MOST_CHANNELS), min(filters, MOST_CHANNELS)
    image = (size[0] + 1, size[1] + 1)  # four positions
    images, kernel = np.ones((1, *image, depth), np.float32), np.ones((*size, depth, maps), np.float32)
    output, once = np.ones((1, 2, 2, maps), np.float32), (1, 1)
    multiplications = output[..., 0].size * kernel.size
    return LoopSeconds(
        _fastest(lambda: loops.correlate(images, kernel, once, once)) / multiplications,
        _fastest(lambda: loops.to_images(output, kernel, once, once, image)) / multiplications,
        _fastest(lambda: loops.to_kernel(images, output, once, once, size)) / multiplications,
    )


def _fastest(compute: Callable[[], object]) -> float:
    began = time.perf_counter()
    fastest = float("inf")
    while (before := time.perf_counter()) - began < SECONDS:
        compute()
        fastest = min(fastest, time.perf_counter() - before)
    return fastest
