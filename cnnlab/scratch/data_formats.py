"""Images with the channels first, for functions that have them last."""

from __future__ import annotations

import numpy as np

from cnnlab.language.fields import DataFormat


def to_channels_last(images: np.ndarray, data_format: DataFormat) -> np.ndarray:
    """Images (N, H, W, C), from images in a layer's format."""
    return images if data_format == "channels_last" else images.transpose(0, 2, 3, 1)


def from_channels_last(images: np.ndarray, data_format: DataFormat) -> np.ndarray:
    """Images in a layer's format, from (N, H, W, C)."""
    return images if data_format == "channels_last" else images.transpose(0, 3, 1, 2)
