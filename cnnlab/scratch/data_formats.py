"""Images with the channels first, for functions that have them last."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cnnlab.language.fields import DataFormat
from cnnlab.scratch.backward import Computed


def to_channels_last(images: np.ndarray, data_format: DataFormat) -> np.ndarray:
    """Images (N, H, W, C), from images in a layer's format."""
    return images if data_format == "channels_last" else images.transpose(0, 2, 3, 1)


def from_channels_last(images: np.ndarray, data_format: DataFormat) -> np.ndarray:
    """Images in a layer's format, from (N, H, W, C)."""
    return images if data_format == "channels_last" else images.transpose(0, 3, 1, 2)


def in_format(
    data_format: DataFormat, function: Callable[[np.ndarray], Computed], images: np.ndarray
) -> Computed:
    """Images (N, H, W, C) → images of that order, applied to images in a layer's format."""
    output, backward = function(to_channels_last(images, data_format))
    return from_channels_last(output, data_format), lambda gradient: from_channels_last(
        backward(to_channels_last(gradient, data_format)), data_format
    )
