"""Convolution as on the board: seven nested loops, forwards and twice backwards.

Images are padded already, channels last. The functions are plain enough for a compiler: `compiled` has Numba
translate them as they stand.
"""

from __future__ import annotations

import numpy as np

Pair = tuple[int, int]


def correlate(images: np.ndarray, kernel: np.ndarray, strides: Pair, dilation: Pair) -> np.ndarray:
    """Slide a kernel over images, which is what networks call a convolution: the kernel is not flipped.

    output[n, i, j, f] = Σ over u, v, c of images[n, i·s + u·d, j·s + v·d, c] · kernel[u, v, c, f]

    Args:
        images: (N, H, W, C). kernel: (kernel height, kernel width, C, F).

    Returns:
        (N, H', W', F), H' = ⌊(H − d · (kernel height − 1) − 1) / s⌋ + 1.
    """
    count, height, width, channels = images.shape
    kernel_height, kernel_width, _, filters = kernel.shape
    rows = (height - dilation[0] * (kernel_height - 1) - 1) // strides[0] + 1
    columns = (width - dilation[1] * (kernel_width - 1) - 1) // strides[1] + 1
    output = np.zeros((count, rows, columns, filters), images.dtype)
    for n in range(count):
        for i in range(rows):
            for j in range(columns):
                for u in range(kernel_height):
                    for v in range(kernel_width):
                        y, x = i * strides[0] + u * dilation[0], j * strides[1] + v * dilation[1]
                        for c in range(channels):
                            for f in range(filters):
                                output[n, i, j, f] += images[n, y, x, c] * kernel[u, v, c, f]
    return output


def to_images(
    gradient: np.ndarray, kernel: np.ndarray, strides: Pair, dilation: Pair, size: Pair
) -> np.ndarray:
    """The gradient with respect to the images: every output gives back to the inputs it has seen.

    With stride 1 it is the gradient convolved with the kernel, rotated by 180°.

    Args:
        gradient: (N, H', W', F), with respect to the output of `correlate`. size: H and W.

    Returns:
        (N, H, W, C)
    """
    count, rows, columns, filters = gradient.shape
    kernel_height, kernel_width, channels, _ = kernel.shape
    images = np.zeros((count, size[0], size[1], channels), gradient.dtype)
    for n in range(count):
        for i in range(rows):
            for j in range(columns):
                for u in range(kernel_height):
                    for v in range(kernel_width):
                        y, x = i * strides[0] + u * dilation[0], j * strides[1] + v * dilation[1]
                        for c in range(channels):
                            for f in range(filters):
                                images[n, y, x, c] += gradient[n, i, j, f] * kernel[u, v, c, f]
    return images


def to_kernel(
    images: np.ndarray, gradient: np.ndarray, strides: Pair, dilation: Pair, size: Pair
) -> np.ndarray:
    """The gradient with respect to the kernel: the correlation of the images with the output's gradient.

    Args:
        images: (N, H, W, C). gradient: (N, H', W', F), with respect to the output of `correlate`.
        size: height and width of the kernel.

    Returns:
        (kernel height, kernel width, C, F)
    """
    count, rows, columns, filters = gradient.shape
    channels = images.shape[3]
    kernel = np.zeros((size[0], size[1], channels, filters), images.dtype)
    for n in range(count):
        for i in range(rows):
            for j in range(columns):
                for u in range(size[0]):
                    for v in range(size[1]):
                        y, x = i * strides[0] + u * dilation[0], j * strides[1] + v * dilation[1]
                        for c in range(channels):
                            for f in range(filters):
                                kernel[u, v, c, f] += images[n, y, x, c] * gradient[n, i, j, f]
    return kernel
