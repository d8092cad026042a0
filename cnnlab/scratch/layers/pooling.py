"""Pooling of a config; the arithmetic is `cnnlab.scratch.pooling`'s."""

from __future__ import annotations

import numpy as np

from cnnlab.layers import pooling as described
from cnnlab.scratch import pooling
from cnnlab.scratch.backward import Computed
from cnnlab.scratch.data_formats import in_format
from cnnlab.scratch.layer import Mode, Weightless


class MaxPooling2D(Weightless[described.MaxPooling2D]):
    """The largest number of each window."""

    def compute(self, inputs: np.ndarray, mode: Mode) -> Computed:
        window = self.settings.window
        return in_format(self.settings.data_format, lambda images: pooling.max_pool(images, window), inputs)


class AveragePooling2D(Weightless[described.AveragePooling2D]):
    """The mean of each window."""

    def compute(self, inputs: np.ndarray, mode: Mode) -> Computed:
        window = self.settings.window
        return in_format(
            self.settings.data_format, lambda images: pooling.average_pool(images, window), inputs
        )


class GlobalMaxPooling2D(Weightless[described.GlobalMaxPooling2D]):
    """The largest number of each channel."""

    def compute(self, inputs: np.ndarray, mode: Mode) -> Computed:
        pooled = in_format(self.settings.data_format, pooling.global_max_pool, inputs)
        return pooled if self.settings.keepdims else _as_rows(pooled)


class GlobalAveragePooling2D(Weightless[described.GlobalAveragePooling2D]):
    """The mean of each channel."""

    def compute(self, inputs: np.ndarray, mode: Mode) -> Computed:
        pooled = in_format(self.settings.data_format, pooling.global_average_pool, inputs)
        return pooled if self.settings.keepdims else _as_rows(pooled)


def _as_rows(pooled: Computed) -> Computed:
    """Images of one pixel as rows: (N, C)."""
    output, backward = pooled
    return output.reshape(len(output), -1), lambda gradient: backward(gradient.reshape(output.shape))
