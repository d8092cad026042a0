"""One output after the other: what it sees, what it sums up, and what flipping the kernel does to it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cnnlab.layers.window import Window
from cnnlab.scratch import convolution

IMAGE = np.array(
    [
        [1, 0, 0, 0, 0, 1],
        [0, 1, 0, 0, 1, 0],
        [0, 0, 1, 1, 0, 0],
        [1, 0, 0, 0, 1, 0],
        [0, 1, 0, 0, 1, 0],
        [0, 0, 1, 0, 1, 0],
    ],
    np.float64,
)
"""6×6, with two diagonals that go down to the right."""

DIAGONAL = 2 * np.eye(3) - 1
"""1 on the diagonal, −1 elsewhere."""


class OneOutput(NamedTuple):
    """One output of a convolution, product by product.

    place: its row and column. corner: row and column of the window's first pixel, negative in the padding.
    patch, kernel, products: (h, w, C), of one filter and one group; total: their sum and the bias.
    """

    place: tuple[int, int]
    corner: tuple[int, int]
    patch: np.ndarray
    kernel: np.ndarray
    products: np.ndarray
    bias: float
    total: float


def one_output(
    image: np.ndarray, kernel: np.ndarray, window: Window, place: tuple[int, int], *, bias: float = 0.0
) -> OneOutput:
    """Take one output apart.

    Args:
        image: (H, W, C). kernel: (h, w, C), of one filter.
    """
    (top, _), (left, _) = convolution.padding((image.shape[0], image.shape[1]), window)
    y, x = (at * step for at, step in zip(place, window.stride, strict=True))
    padded = convolution.pad(image[None], window)[0]
    rows, columns = (
        slice(start, start + extent, step)
        for start, extent, step in zip((y, x), window.extent, window.dilation, strict=True)
    )
    patch = padded[rows, columns]
    products = patch * kernel
    total = float(products.sum()) + bias
    return OneOutput(place, (y - top, x - left), patch, kernel, products, bias, total)


def seen_pixels(size: tuple[int, int], window: Window, place: tuple[int, int]) -> np.ndarray:
    """The numbers of the pixels that an output sees, ascending; pixels are numbered from 1, row by row.

    They are those that the output's gradient reaches.
    """
    rows, columns = output_size(size, window)
    gradient = np.zeros((1, rows, columns, 1))
    gradient[0, place[0], place[1]] = 1
    reached = convolution.to_images(gradient, np.ones((*window.size, 1, 1)), size, window)
    return np.flatnonzero(reached) + 1


def covered_pixels(
    size: tuple[int, int], window: Window, place: tuple[int, int] = (0, 0)
) -> tuple[list[int], list[int]]:
    """Rows and columns of the pixels that an output sees: those in the padding are no pixels."""
    rows, columns = np.divmod(seen_pixels(size, window, place) - 1, size[1])
    return np.unique(rows).tolist(), np.unique(columns).tolist()


def output_size(size: tuple[int, int], window: Window) -> tuple[int, int]:
    """Rows and columns of the outputs for an input of so many."""
    ones = convolution.correlate(np.ones((1, *size, 1)), np.ones((*window.size, 1, 1)), window)
    return ones.shape[1], ones.shape[2]


def correlated(image: np.ndarray, kernel: np.ndarray, window: Window | None = None) -> np.ndarray:
    """The map of one filter: (H, W) with (h, w), or (H, W, C) with (h, w, C), gives (H', W')."""
    height, width = image.shape[:2]
    one = image.reshape(1, height, width, -1)
    output = convolution.correlate(one, kernel.reshape(*kernel.shape[:2], -1, 1), window)
    return output[0, :, :, 0]


class Flipped(NamedTuple):
    """What a network computes beside the convolution of mathematics.

    kernel, flipped: (h, w), the second turned by 180°. correlation, convolution: (H − h + 1, W − w + 1).
    """

    image: np.ndarray
    kernel: np.ndarray
    flipped: np.ndarray
    correlation: np.ndarray
    convolution: np.ndarray


def flipping(image: np.ndarray, kernel: np.ndarray) -> Flipped:
    """Correlate an image (H, W) with a kernel (h, w), and with the kernel flipped, which is to convolve."""
    flipped = kernel[::-1, ::-1]
    return Flipped(image, kernel, flipped, correlated(image, kernel), correlated(image, flipped))


def impulse(size: int) -> np.ndarray:
    """An image that is black but for one pixel of 1 in the middle: (size, size)."""
    image = np.zeros((size, size))
    image[size // 2, size // 2] = 1
    return image


class Work(NamedTuple):
    """The multiplications of a convolution. `per_output`: of one output of one filter."""

    per_output: int
    output: tuple[int, int]
    filters: int

    @property
    def positions(self) -> int:
        return self.output[0] * self.output[1]

    @property
    def multiplications(self) -> int:
        return self.per_output * self.positions * self.filters


def count_work(size: tuple[int, int], channels: int, window: Window, filters: int) -> Work:
    """Count products by adding up a 1 for each; those with padding count, since they are computed, too.

    Args:
        channels: that one filter sees.
    """
    output = output_size(size, window)
    kernel = np.ones((*window.size, channels, 1))
    patch = np.ones((1, *window.extent, channels))
    alone = window._replace(padding="valid", stride=(1, 1))
    per_output = convolution.correlate(patch, kernel, alone)
    return Work(int(per_output.sum()), output, filters)
