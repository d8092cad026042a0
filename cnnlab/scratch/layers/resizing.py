"""Layers that pad, crop or enlarge an image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from cnnlab.layers import resizing as described
from cnnlab.scratch.backward import Computed
from cnnlab.scratch.data_formats import in_format
from cnnlab.scratch.layer import Mode, Weightless


class ZeroPadding2D(Weightless[described.ZeroPadding2D]):
    """Zeros around an image; backwards they are cut off."""

    def compute(self, inputs: np.ndarray, mode: Mode) -> Computed:
        rows, columns = self.settings.padding

        def padded(images: np.ndarray) -> Computed:
            (top, left), (height, width) = (rows[0], columns[0]), images.shape[1:3]
            return np.pad(images, ((0, 0), rows, columns, (0, 0))), lambda gradient: gradient[
                :, top : top + height, left : left + width
            ]

        return in_format(self.settings.data_format, padded, inputs)


class Cropping2D(Weightless[described.Cropping2D]):
    """Without the rows and columns at the edges; backwards their gradient is 0."""

    def compute(self, inputs: np.ndarray, mode: Mode) -> Computed:
        rows, columns = self.settings.cropping

        def cropped(images: np.ndarray) -> Computed:
            inner = images[:, rows[0] : images.shape[1] - rows[1], columns[0] : images.shape[2] - columns[1]]
            return inner, lambda gradient: np.pad(gradient, ((0, 0), rows, columns, (0, 0)))

        return in_format(self.settings.data_format, cropped, inputs)


class UpSampling2D(Weightless[described.UpSampling2D]):
    """Each output is a weighted mean of pixels nearby: R · image · Cᵀ; backwards Rᵀ · gradient · C."""

    lacks: ClassVar[Mapping[str, tuple[object, ...]]] = {"interpolation": ("bicubic", "lanczos3", "lanczos5")}

    def compute(self, inputs: np.ndarray, mode: Mode) -> Computed:
        settings = self.settings

        def enlarged(images: np.ndarray) -> Computed:
            by_row, by_column = (
                enlargement(length, factor, settings.interpolation).astype(images.dtype)
                for length, factor in zip(images.shape[1:3], settings.size, strict=True)
            )
            output = np.einsum("ih,nhwc,jw->nijc", by_row, images, by_column, optimize=True)
            return output, lambda gradient: np.einsum(
                "ih,nijc,jw->nhwc", by_row, gradient, by_column, optimize=True
            )

        return in_format(settings.data_format, enlarged, inputs)


def enlargement(length: int, factor: int, interpolation: str) -> np.ndarray:
    """How much each of `length` pixels counts at each of `length` · `factor` places.

    nearest: each pixel alone, `factor` times. bilinear: place i lies at (i + ½) / factor − ½ between the
    pixels, and one at the distance d counts 1 − d; beyond the edge, the outermost pixel goes on.

    Returns:
        (length · factor, length) float64, each row with the sum 1.
    """
    if interpolation == "nearest":
        return np.repeat(np.eye(length), factor, axis=0)
    places = np.clip((np.arange(length * factor) + 0.5) / factor - 0.5, 0, length - 1)
    weights: np.ndarray = np.maximum(1 - np.abs(places[:, None] - np.arange(length)), 0)
    return weights
