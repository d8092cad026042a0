"""Convolution outside of networks: dice and spectra; and how much of an image may be left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from cnnlab.scratch import convolution


class Dice(NamedTuple):
    """one: (6,) probabilities of 1 … 6. total: (11,), of the sums 2 … 12. sums: (6, 6), of each pair."""

    one: np.ndarray
    total: np.ndarray
    sums: np.ndarray


def two_dice() -> Dice:
    """The distribution of the sum of two dice: that of one, convolved with that of the other."""
    one = np.full(6, 1 / 6)
    eyes = np.arange(1, 7)
    return Dice(one, convolved(one[None], one[None])[0], eyes[:, None] + eyes)


def convolved(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The convolution of mathematics, on an image padded with zeros wherever the kernel reaches.

    (f ∗ g)(i, j) = Σ over u, v of f(i − u, j − v) · g(u, v): the kernel is flipped.

    Args:
        image: (H, W). kernel: (h, w).

    Returns:
        (H + h − 1, W + w − 1)
    """
    height, width = kernel.shape
    padded = np.pad(image, ((height - 1,) * 2, (width - 1,) * 2))[None, :, :, None]
    output: np.ndarray = convolution.correlate(padded, kernel[::-1, ::-1, None, None])[0, :, :, 0]
    return output


class Spectra(NamedTuple):
    """A convolution and its Fourier transforms, all (H + h − 1, W + w − 1).

    image_spectrum, kernel_spectrum, product: complex, frequency 0 first. inverse: of the product.
    """

    image: np.ndarray
    kernel: np.ndarray
    image_spectrum: np.ndarray
    kernel_spectrum: np.ndarray
    product: np.ndarray
    inverse: np.ndarray
    direct: np.ndarray

    @property
    def largest_difference(self) -> float:
        return float(np.abs(self.inverse - self.direct).max())


def through_spectra(image: np.ndarray, kernel: np.ndarray) -> Spectra:
    """Convolve by multiplying spectra, and directly.

    Both are padded with zeros to the size of the result: a product of spectra is a convolution that goes
    round the edges.
    """
    size = (image.shape[0] + kernel.shape[0] - 1, image.shape[1] + kernel.shape[1] - 1)
    of_image, of_kernel = np.fft.fft2(image, size), np.fft.fft2(kernel, size)
    product = of_image * of_kernel
    inverse = np.fft.ifft2(product).real
    return Spectra(image, kernel, of_image, of_kernel, product, inverse, convolved(image, kernel))


def subsampled(image: np.ndarray, steps: tuple[int, ...] = (1, 2, 4)) -> Mapping[int, np.ndarray]:
    """By step, the image with only every step-th row and column: (H, W, …) → (⌈H / step⌉, ⌈W / step⌉, …)."""
    return {step: image[::step, ::step] for step in steps}
