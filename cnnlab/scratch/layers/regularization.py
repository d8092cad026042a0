"""Dropout, in training only."""

from __future__ import annotations

import numpy as np

from cnnlab.language.fields import Shape
from cnnlab.layers import regularization as described
from cnnlab.scratch.backward import Computed
from cnnlab.scratch.data_formats import from_channels_last
from cnnlab.scratch.layer import Mode, Weightless


class Dropout(Weightless[described.Dropout]):
    """A share of the numbers becomes 0, the others are scaled by 1 / (1 − rate) (Srivastava et al. 2014)."""

    def compute(self, inputs: np.ndarray, mode: Mode) -> Computed:
        return dropped(inputs, self.settings.rate, inputs.shape, mode)


class SpatialDropout2D(Weightless[described.SpatialDropout2D]):
    """Dropout of whole feature maps (Tompson et al. 2015)."""

    def compute(self, inputs: np.ndarray, mode: Mode) -> Computed:
        channels = inputs.shape[1 + self.settings.channel_axis]
        one_pixel = np.empty((len(inputs), 1, 1, channels))
        shape = from_channels_last(one_pixel, self.settings.data_format).shape
        return dropped(inputs, self.settings.rate, shape, mode)


def dropped(inputs: np.ndarray, rate: float, shape: Shape, mode: Mode) -> Computed:
    """The inputs times a random mask; the gradient goes the same way.

    Args:
        shape: of the mask: (N, …), with 1 for axes along which numbers are dropped together.
    """
    if not mode.training or rate == 0:
        return inputs, lambda gradient: gradient
    assert mode.uniform is not None
    scale = (mode.uniform(shape) >= rate).astype(inputs.dtype) / (1 - rate)
    return inputs * scale, lambda gradient: gradient * scale
