"""Raw pixels → pixels of a picture: what counts as white is the dataset's affair."""

from __future__ import annotations

import numpy as np


def to_white(pixels: np.ndarray, brightest: int) -> np.ndarray:
    """Brighten pixels so that `brightest` becomes 255, as a picture has it.

    Args:
        pixels: uint8, of any shape, 0 to `brightest`: 2 on a Go board, 255 in a photograph.

    Returns:
        uint8, of the same shape.
    """
    if brightest == 255:
        return pixels
    return (pixels.astype(np.uint16) * 255 // brightest).astype(np.uint8)
