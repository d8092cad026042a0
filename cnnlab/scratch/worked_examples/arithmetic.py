"""Where windows land: output sizes with strides, padding and dilation, groups, and the way back up."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cnnlab.layers.window import Window
from cnnlab.scratch import convolution


class Slide(NamedTuple):
    """A window on an input of (H, W).

    seen: (H, W), by how many outputs each input is seen. sees: (H', W'), how many inputs each output sees,
    padding left out. before, after: rows and columns of padding.
    """

    size: tuple[int, int]
    window: Window
    seen: np.ndarray
    sees: np.ndarray
    before: tuple[int, int]
    after: tuple[int, int]

    @property
    def output(self) -> tuple[int, int]:
        return self.sees.shape[0], self.sees.shape[1]

    def formula(self, axis: int = 0) -> str:
        """⌊(n + p − d · (k − 1) − 1) / s⌋ + 1 along an axis, with its numbers."""
        padding = self.before[axis] + self.after[axis]
        kernel, dilation, stride = (
            each[axis] for each in (self.window.size, self.window.dilation, self.window.stride)
        )
        inner = f"{self.size[axis]} + {padding} − {dilation}·({kernel} − 1) − 1"
        return f"⌊({inner}) / {stride}⌋ + 1 = {self.output[axis]}"


def slide(size: tuple[int, int], window: Window) -> Slide:
    """Slide a window of ones over ones: its sums count."""
    kernel = np.ones((*window.size, 1, 1))
    sees = convolution.correlate(np.ones((1, *size, 1)), kernel, window)
    seen = convolution.to_images(np.ones_like(sees), kernel, size, window)
    (top, bottom), (left, right) = convolution.padding(size, window)
    seen, sees = (each[0, :, :, 0].astype(int) for each in (seen, sees))
    return Slide(size, window, seen, sees, (top, left), (bottom, right))


class Transposed(NamedTuple):
    """A transposed convolution: each input adds the kernel, times itself, to its part of the output.

    written: (H', W'), how many inputs write into each output.
    """

    size: tuple[int, int]
    kernel: int
    stride: int
    written: np.ndarray

    @property
    def output(self) -> tuple[int, int]:
        return self.written.shape[0], self.written.shape[1]

    @property
    def formula(self) -> str:
        """(n − 1) · s + k, with its numbers."""
        return f"({self.size[0]} − 1)·{self.stride} + {self.kernel} = {self.output[0]}"


def transposed(size: int, kernel: int, stride: int) -> Transposed:
    """The gradient of a convolution with respect to its images, used as a layer: it enlarges."""
    output = (size - 1) * stride + kernel
    window = Window((kernel, kernel), (stride, stride))
    ones = np.ones((kernel, kernel, 1, 1))
    written = convolution.to_images(np.ones((1, size, size, 1)), ones, (output, output), window)
    return Transposed((size, size), kernel, stride, written[0, :, :, 0].astype(int))


class Grouped(NamedTuple):
    """connected: (C, F) bool, which channel each filter sees; weights: of all filters together."""

    groups: int
    connected: np.ndarray
    weights: int


def grouped(channels: int, filters: int, groups: int, kernel: int) -> Grouped:
    """Which filter answers to which channel: each channel is lit alone."""
    window = Window((kernel, kernel))
    lit = np.eye(channels)[:, None, None, :] * np.ones((1, kernel, kernel, 1))  # (C, h, w, C)
    weights = np.ones((kernel, kernel, channels // groups, filters))
    answers = convolution.correlate(lit, weights, window, groups=groups)
    return Grouped(groups, answers[:, 0, 0, :] > 0, weights.size)
