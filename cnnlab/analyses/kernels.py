"""What one small kernel makes of a picture; and the pipeline convolution → ReLU → pooling. No network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from cnnlab.errors import UserError

LUMA = np.array([0.299, 0.587, 0.114])

KERNELS: dict[str, np.ndarray] = {
    name: np.array(rows, np.float64)
    for name, rows in {
        "sharpness": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
        "vertical line": [[0, 0, 0], [-1, 2, -1], [0, 0, 0]],
        "surround": [[1, 1, 1], [1, -9, 1], [1, 1, 1]],
        "Sobel y": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
        "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
        "horizontal line": [[0, -1, 0], [0, 2, 0], [0, -1, 0]],
        "blur": [[0.11] * 3] * 3,
        "Sobel x": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
        "embossing": [[2, 0, 0], [0, -1, 0], [0, 0, -1]],
    }.items()
}
"""The nine of every lecture, 3×3. They are applied as networks do it: cross-correlation, not flipped."""

_DRAWN = [".....#.", "....#..", "...#...", "...#...", "...#...", "...#...", "......."]
CURVE = np.array([[1.0 if each == "#" else -0.15 for each in row] for row in _DRAWN])
"""A curve detector: it answers strongly where the picture has this curve, and less where there is more."""


def apply_kernels(
    images: np.ndarray, kernels: Mapping[str, np.ndarray], *, mean: bool = False
) -> dict[str, np.ndarray]:
    """Cross-correlate images with each kernel, without padding.

    Args:
        images: (N, H, W, C) float; a kernel without a channel axis sees their grey values
            (0.299 R + 0.587 G + 0.114 B).
        kernels: by name (h, w) or (h, w, C).
        mean: the mean of the products instead of their sum: of images and kernels of ±1, 1 is a full match.

    Returns:
        By name (N, H − h + 1, W − w + 1) float64, signed.

    Raises:
        UserError: a kernel is larger than the images, or has another number of channels.
    """
    return {
        name: _correlate(images, kernel / kernel.size if mean else kernel, name)
        for name, kernel in kernels.items()
    }


class Place(NamedTuple):
    """A kernel's sum of products at one place of a picture.

    patch: (h, w), the brightness there, from the kernel's top left corner at (top, left).
    """

    top: int
    left: int
    patch: np.ndarray
    answer: float


def strongest_and_weakest(picture: np.ndarray, kernel: np.ndarray) -> tuple[Place, Place]:
    """Where a kernel's answer to a picture is the largest and where it is the smallest.

    Args:
        picture: (H, W, C) float. kernel: (h, w).
    """
    answers = apply_kernels(picture[None], {"kernel": kernel})["kernel"][0]
    brightness = gray(picture[None])[0, ..., 0]
    height, width = kernel.shape

    def at(place: np.intp) -> Place:
        top, left = (int(each) for each in np.unravel_index(place, answers.shape))
        patch = brightness[top : top + height, left : left + width]
        return Place(top, left, patch, float(answers[top, left]))

    return at(answers.argmax()), at(answers.argmin())


def pipeline(
    images: np.ndarray, kernel: np.ndarray, *, pool: int = 2, mean: bool = False
) -> dict[str, np.ndarray]:
    """The stages of the smallest convolutional network: convolution, ReLU, max pooling.

    Args:
        images: (N, H, W, C) float.
        kernel: (h, w), applied to every channel and summed, or (h, w, C).
        mean: the mean of the products, over all channels, instead of their sum.

    Returns:
        "convolution" (N, H', W') signed, "ReLU" (N, H', W') ≥ 0, "max pooling" (N, H'/pool, W'/pool),
        rounded down.
    """
    if kernel.ndim == 2:
        kernel = np.repeat(kernel[..., None], images.shape[-1], axis=-1)
    convolved = _correlate(images, kernel / kernel.size if mean else kernel, "kernel")
    rectified = np.maximum(convolved, 0)
    count, height, width = rectified.shape
    rows, columns = height // pool, width // pool
    windows = rectified[:, : rows * pool, : columns * pool].reshape(count, rows, pool, columns, pool)
    return {"convolution": convolved, "ReLU": rectified, "max pooling": windows.max(axis=(2, 4))}


def gray(images: np.ndarray) -> np.ndarray:
    """(N, H, W, C) → (N, H, W, 1): brightness of colours, the mean of any other number of channels."""
    if images.shape[-1] == 3:
        return np.asarray(images @ LUMA)[..., None]
    return np.asarray(images.mean(axis=-1, keepdims=True))


def _correlate(images: np.ndarray, kernel: np.ndarray, name: str) -> np.ndarray:
    if kernel.ndim == 2:
        images, kernel = gray(images), kernel[..., None]
    size, image_size = kernel.shape[:2], images.shape[1:3]
    if kernel.shape[2] != images.shape[3]:
        raise UserError(
            f"{name}: expected a kernel for {images.shape[3]} channels, found one for {kernel.shape[2]}"
        )
    if size[0] > image_size[0] or size[1] > image_size[1]:
        raise UserError(
            f"{name}: the {size[0]}×{size[1]} kernel does not fit the {image_size[0]}×{image_size[1]} picture"
        )
    windows = np.lib.stride_tricks.sliding_window_view(images, size, axis=(1, 2))  # (N, H', W', C, h, w)
    return np.asarray(np.einsum("nyxchw,hwc->nyx", windows, kernel, optimize=True))
