"""A convolution as a product of matrices, and as a Dense layer whose weights are tied."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cnnlab.layers.window import Window
from cnnlab.scratch import convolution, im2col


class Columns(NamedTuple):
    """im2col of an image and one filter.

    rows: (outputs, h · w · C), a window each. column: (h · w · C,), the kernel. product: (outputs,).
    """

    rows: np.ndarray
    column: np.ndarray
    product: np.ndarray
    output: tuple[int, int]


def as_columns(image: np.ndarray, kernel: np.ndarray, window: Window | None = None) -> Columns:
    """Write the windows of an image (H, W, C) as rows and a kernel (h, w, C) as a column."""
    window = window or Window((kernel.shape[0], kernel.shape[1]))
    padded = convolution.pad(image[None], window)
    rows = im2col.im2col(padded, window.size, window.stride, window.dilation)[0]  # (H', W', h · w · C)
    column = kernel.reshape(-1)
    output = (rows.shape[0], rows.shape[1])
    rows = rows.reshape(-1, column.size)
    return Columns(rows, column, rows @ column, output)


class TiedStep(NamedTuple):
    """One step of gradient descent on the loss ½ Σ y², in two ways.

    names: (outputs, inputs) int, which weight of the kernel connects them, counted from 1; 0: none.
    dense_gradient: (outputs, inputs), of each connection by itself. summed: (h, w), added up over the places
    of each weight. kernel_gradient: (h, w), as a convolution computes it. dense_kernel, kernel: (h, w) after
    the step. dense_output, output: what the two layers then give.
    """

    names: np.ndarray
    outputs: np.ndarray
    dense_gradient: np.ndarray
    summed: np.ndarray
    kernel_gradient: np.ndarray
    dense_kernel: np.ndarray
    kernel: np.ndarray
    dense_output: np.ndarray
    output: np.ndarray

    @property
    def largest_difference(self) -> float:
        """Between the kernels after the step."""
        return float(np.abs(self.dense_kernel - self.kernel).max())


def tied_step(image: np.ndarray, kernel: np.ndarray, *, learning_rate: float) -> TiedStep:
    """Train a Dense layer without most of its connections, the others sharing weights; and a convolution.

    The Dense layer starts with the kernel's weights. A missing connection stays at 0; a weight that several
    connections share gets the sum of their gradients.

    Args:
        image: (H, W). kernel: (h, w), which slides without padding.
    """
    names = connections((image.shape[0], image.shape[1]), (kernel.shape[0], kernel.shape[1]))
    dense = np.where(names > 0, kernel.reshape(-1)[names - 1], 0.0)  # (outputs, inputs)
    outputs = dense @ image.reshape(-1)
    gradient = outputs  # of ½ Σ y²
    dense_gradient = np.where(names > 0, np.outer(gradient, image.reshape(-1)), 0.0) + 0.0  # no −0
    summed = np.bincount(names.reshape(-1), dense_gradient.reshape(-1), kernel.size + 1)[1:]
    summed = summed.reshape(kernel.shape)

    window = Window((kernel.shape[0], kernel.shape[1]))
    images = image[None, :, :, None]
    maps = convolution.correlate(images, kernel[:, :, None, None], window)
    kernel_gradient = convolution.to_kernel(images, maps, window)[:, :, 0, 0]

    dense_kernel, stepped = kernel - learning_rate * summed, kernel - learning_rate * kernel_gradient
    dense = np.where(names > 0, dense_kernel.reshape(-1)[names - 1], 0.0)
    output = convolution.correlate(images, stepped[:, :, None, None], window)[0, :, :, 0]
    return TiedStep(
        names, outputs, dense_gradient, summed, kernel_gradient, dense_kernel, stepped,
        (dense @ image.reshape(-1)).reshape(output.shape), output,
    )  # fmt: skip


def connections(size: tuple[int, int], kernel: tuple[int, int]) -> np.ndarray:
    """Which weight stands where in the matrix of a Dense layer: (outputs, inputs) int from 1, 0: none.

    Each pixel is lit alone, and answered by a kernel of the numbers 1, 2, 3, …
    """
    pixels = size[0] * size[1]
    lit = np.eye(pixels).reshape(pixels, *size, 1)
    numbers = np.arange(1.0, kernel[0] * kernel[1] + 1).reshape(*kernel, 1, 1)
    answers = convolution.correlate(lit, numbers)  # (inputs, H', W', 1)
    return answers.reshape(pixels, -1).T.astype(int)
