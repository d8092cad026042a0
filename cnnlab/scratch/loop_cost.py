"""How long the nested loops of Python take on this machine, told from a few of their multiplications."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from cnnlab.language.fields import Shape
from cnnlab.layers.convolution import Convolution
from cnnlab.scratch import loops
from cnnlab.scratch.table import SCRATCH_LAYERS

SECONDS = 0.05
"""A sample is timed as often as fits into so many seconds; the fastest counts, because others may compute."""

MOST_CHANNELS = 8
"""A sample has no more channels and filters: beyond, the loops around the innermost ones weigh nothing."""

_MULTIPLICATIONS = 256
"""In a sample at least: of fewer, the call itself would be what is timed."""


class LoopSeconds(NamedTuple):
    """Of one multiplication, with the share of the loops around it."""

    correlate: float
    to_images: float
    to_kernel: float


class ConvolutionSeconds(NamedTuple):
    """Of a layer, for one image: forwards, and to both gradients."""

    forward: float
    to_input: float
    to_weights: float


def convolution_seconds(layer: Convolution, input_shape: Shape) -> ConvolutionSeconds:
    """The multiplications of a convolution's kernels times what a few of them take in such kernels."""
    computed: Any = SCRATCH_LAYERS[layer.type()](layer, (input_shape,))
    forward = to_input = to_weights = 0.0
    for part, (*kernel, multiplications) in enumerate(computed.kernels):
        each = loop_seconds(*kernel)
        ways = (each.correlate, each.to_images)
        there, back = reversed(ways) if computed.is_transposed else ways
        forward += multiplications * there
        to_weights += multiplications * each.to_kernel
        if part == 0:
            to_input += multiplications * back
        else:  # on the way to the weights of the part before
            to_weights += multiplications * back
    return ConvolutionSeconds(forward, to_input, to_weights)


def loop_seconds(height: int, width: int, channels: int, filters: int) -> LoopSeconds:
    """What a multiplication takes in a convolution with such a kernel, forwards and backwards."""
    size = (height, width)
    depth, maps = min(channels, MOST_CHANNELS), min(filters, MOST_CHANNELS)
    side = math.ceil(max(4, _MULTIPLICATIONS / (height * width * depth * maps)) ** 0.5)
    image = (size[0] + side - 1, size[1] + side - 1)  # side · side positions
    images, kernel = np.ones((1, *image, depth), np.float32), np.ones((*size, depth, maps), np.float32)
    output, once = np.ones((1, side, side, maps), np.float32), (1, 1)
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
