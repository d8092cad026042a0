"""Convolution as one product of matrices: windows written out as rows, times kernels as columns.

Chellapilla, Puri & Simard (2006). Images are padded already, channels last.
"""

from __future__ import annotations

import math

import numpy as np

from cnnlab.scratch.portions import in_portions

Pair = tuple[int, int]


def im2col(images: np.ndarray, size: Pair, strides: Pair, dilation: Pair) -> np.ndarray:
    """Every window of every image as a row of numbers.

    Args:
        images: (N, H, W, C). size: height and width of the window.

    Returns:
        (N, H', W', window height · window width · C), a copy: a pixel stands in the row of each window that
        sees it.
    """
    extent = tuple(step * (length - 1) + 1 for length, step in zip(size, dilation, strict=True))
    windows = np.lib.stride_tricks.sliding_window_view(images, extent, axis=(1, 2))  # (N, H', W', C, …, …)
    windows = windows[:, :: strides[0], :: strides[1], :, :: dilation[0], :: dilation[1]]
    windows = windows.transpose(0, 1, 2, 4, 5, 3)
    return windows.reshape(*windows.shape[:3], -1)


def col2im(windows: np.ndarray, size: Pair, strides: Pair, dilation: Pair, image: Pair) -> np.ndarray:
    """The transpose of `im2col`: each pixel is the sum of its places in the rows.

    Args:
        windows: (N, H', W', window height · window width · C). size: of the window. image: H and W.

    Returns:
        (N, H, W, C)
    """
    count, rows, columns, _ = windows.shape
    windows = windows.reshape(count, rows, columns, *size, -1)
    images = np.zeros((count, *image, windows.shape[5]), windows.dtype)
    for u in range(size[0]):
        for v in range(size[1]):
            y, x = u * dilation[0], v * dilation[1]
            images[:, y : y + rows * strides[0] : strides[0], x : x + columns * strides[1] : strides[1]] += (
                windows[:, :, :, u, v]
            )
    return images


def correlate(images: np.ndarray, kernel: np.ndarray, strides: Pair, dilation: Pair) -> np.ndarray:
    """As `loops.correlate`: (rows of windows) · (kernels as columns)."""
    height, width, _, filters = kernel.shape
    columns = kernel.reshape(-1, filters)
    along = zip(images.shape[1:3], (height, width), strides, dilation, strict=True)
    rows, places = ((length - d * (size - 1) - 1) // s + 1 for length, size, s, d in along)
    output = np.empty((len(images), rows, places, filters), images.dtype)

    def multiply(portion: slice) -> None:
        windows = im2col(images[portion], (height, width), strides, dilation)
        np.matmul(_rows(windows), columns, out=_rows(output[portion]))

    for _ in in_portions(multiply, len(images), rows * places * len(columns)):
        pass
    return output


def to_images(
    gradient: np.ndarray, kernel: np.ndarray, strides: Pair, dilation: Pair, size: Pair
) -> np.ndarray:
    """As `loops.to_images`: (gradient) · (kernels as columns)ᵀ, added up pixel by pixel."""
    height, width, _, filters = kernel.shape
    columns = kernel.reshape(-1, filters)
    places = gradient.shape[1:3]
    images = np.empty((len(gradient), *size, kernel.shape[2]), gradient.dtype)

    def add_up(portion: slice) -> None:
        windows = (_rows(gradient[portion]) @ columns.T).reshape(-1, *places, len(columns))
        images[portion] = col2im(windows, (height, width), strides, dilation, size)

    for _ in in_portions(add_up, len(gradient), math.prod(places) * len(columns)):
        pass
    return images


def to_kernel(
    images: np.ndarray, gradient: np.ndarray, strides: Pair, dilation: Pair, size: Pair
) -> np.ndarray:
    """As `loops.to_kernel`: (rows of windows)ᵀ · (gradient)."""
    channels, filters = images.shape[3], gradient.shape[3]
    window = math.prod(size) * channels

    def of_portion(portion: slice) -> np.ndarray:
        columns: np.ndarray = _rows(im2col(images[portion], size, strides, dilation)).T @ _rows(
            gradient[portion]
        )
        return columns

    columns = np.zeros((window, filters), images.dtype)
    for each in in_portions(of_portion, len(images), math.prod(gradient.shape[1:3]) * window):
        columns += each
    return columns.reshape(*size, channels, filters)


def _rows(windows: np.ndarray) -> np.ndarray:
    """(N, H', W', …) → (N · H' · W', …): the rows of all images one below the other."""
    return windows.reshape(-1, windows.shape[3])
