"""Convolutions with everything that a config may ask of them: padding, strides, dilation, groups.

Three implementations stand behind one name; what they share is done here, once.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Literal, Protocol, cast

import numpy as np

from cnnlab.errors import UserError
from cnnlab.layers.window import Window

Pair = tuple[int, int]
ConvolutionName = Literal["im2col", "loops", "numba"]

_MODULES = {"im2col": "im2col", "loops": "loops", "numba": "compiled"}


class Implementation(Protocol):
    """How a kernel slides over padded images of one group; see `loops`, which is the definition."""

    def correlate(
        self, images: np.ndarray, kernel: np.ndarray, strides: Pair, dilation: Pair
    ) -> np.ndarray: ...

    def to_images(
        self, gradient: np.ndarray, kernel: np.ndarray, strides: Pair, dilation: Pair, size: Pair
    ) -> np.ndarray: ...

    def to_kernel(
        self, images: np.ndarray, gradient: np.ndarray, strides: Pair, dilation: Pair, size: Pair
    ) -> np.ndarray: ...


def implementation(name: ConvolutionName) -> Implementation:
    """One of the three by its name.

    Raises:
        UserError: it is Numba's, and Numba is not installed.
    """
    if name == "numba" and importlib.util.find_spec("numba") is None:
        raise UserError(
            "runtime.convolution: Numba is not installed; install it with pip install 'cnnlab[numba]', "
            "or use im2col"
        )
    return cast(Implementation, importlib.import_module(f"cnnlab.scratch.{_MODULES[name]}"))


def correlate(
    images: np.ndarray,
    kernel: np.ndarray,
    window: Window | None = None,
    *,
    groups: int = 1,
    how: ConvolutionName = "im2col",
) -> np.ndarray:
    """What a Conv2D computes, its bias and activation aside.

    Args:
        images: (N, H, W, C). kernel: (kernel height, kernel width, C / groups, F), both of one dtype.
        window: strides, padding and dilation; by default strides of 1, without padding.
        groups: so many parts of the channels and of the kernels have nothing to do with each other.

    Returns:
        (N, H', W', F)
    """
    window, by = window or _window_of(kernel), implementation(how)
    padded = pad(images, window)
    parts = zip(_parts(padded, groups), _parts(kernel, groups), strict=True)
    return _joined([by.correlate(part, each, window.stride, window.dilation) for part, each in parts])


def to_images(
    gradient: np.ndarray,
    kernel: np.ndarray,
    size: Pair,
    window: Window | None = None,
    *,
    groups: int = 1,
    how: ConvolutionName = "im2col",
) -> np.ndarray:
    """The gradient of `correlate` with respect to its images: (N, H', W', F) → (N, H, W, C).

    Args:
        size: H and W.
    """
    window, by = window or _window_of(kernel), implementation(how)
    (top, bottom), (left, right) = padding(size, window)
    padded = (size[0] + top + bottom, size[1] + left + right)
    parts = zip(_parts(gradient, groups), _parts(kernel, groups), strict=True)
    images = _joined(
        [by.to_images(part, each, window.stride, window.dilation, padded) for part, each in parts]
    )
    return images[:, top : top + size[0], left : left + size[1]]


def to_kernel(
    images: np.ndarray,
    gradient: np.ndarray,
    window: Window,
    *,
    groups: int = 1,
    how: ConvolutionName = "im2col",
) -> np.ndarray:
    """The gradient of `correlate` with respect to its kernel, and of its shape."""
    by, padded = implementation(how), pad(images, window)
    parts = zip(_parts(padded, groups), _parts(gradient, groups), strict=True)
    return _joined(
        [by.to_kernel(part, each, window.stride, window.dilation, window.size) for part, each in parts]
    )


def padding(size: Pair, window: Window) -> tuple[Pair, Pair]:
    """Rows of zeros above and below an image, columns to its left and right: none unless padding is "same".

    With "same", ⌈n / stride⌉ windows begin inside the image; what is missing for the last one is padded, the
    smaller half before the image.
    """
    if window.padding == "valid":
        return (0, 0), (0, 0)
    along = []
    for length, extent, stride in zip(size, window.extent, window.stride, strict=True):
        missing = max((-(-length // stride) - 1) * stride + extent - length, 0)
        along.append((missing // 2, missing - missing // 2))
    return along[0], along[1]


def pad(images: np.ndarray, window: Window, value: float = 0.0) -> np.ndarray:
    """Images (N, H, W, C) with the padding that a window asks for, filled with a value."""
    rows, columns = padding((images.shape[1], images.shape[2]), window)
    if not any((*rows, *columns)):
        return images
    return np.pad(images, ((0, 0), rows, columns, (0, 0)), constant_values=value)


def _window_of(kernel: np.ndarray) -> Window:
    return Window((kernel.shape[0], kernel.shape[1]))


def _parts(array: np.ndarray, groups: int) -> list[np.ndarray]:
    """Equal parts along the last axis, each in order in memory: Numba compiles for every other order anew."""
    return [np.ascontiguousarray(part) for part in np.split(array, groups, axis=3)]


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=3)
