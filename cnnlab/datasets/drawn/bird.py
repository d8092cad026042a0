"""A bird, drawn without a data set."""

from __future__ import annotations

import numpy as np


def bird(size: int = 64) -> np.ndarray:
    """A bird on a twig, (size, size) in [0, 1]: something to be recognized that needs no data set."""
    y, x = np.mgrid[:size, :size] * (64 / size)

    def ellipse(row: float, column: float, tall: float, wide: float, turn: float = 0.0) -> np.ndarray:
        angle = np.deg2rad(turn)
        across = (x - column) * np.cos(angle) + (y - row) * np.sin(angle)
        down = -(x - column) * np.sin(angle) + (y - row) * np.cos(angle)
        inside: np.ndarray = (across / wide) ** 2 + (down / tall) ** 2 <= 1
        return inside

    image: np.ndarray = 0.92 - 0.12 * y / 64  # the sky
    image[(np.abs(y - 53 - 0.06 * x) < 1.6)] = 0.35  # the twig
    for where, brightness in (
        ((np.abs(x - 30) < 1.2) & (y > 44) & (y < 54), 0.3),  # legs
        ((np.abs(x - 36) < 1.2) & (y > 44) & (y < 55), 0.3),
        (ellipse(42, 52, 3.2, 12, 24), 0.15),  # tail
        (ellipse(36, 33, 11, 17, 18), 0.25),  # body
        (ellipse(34, 37, 6, 12, 24), 0.55),  # wing
        (ellipse(22, 19, 8.5, 9), 0.25),  # head
        ((x < 12) & (np.abs(y - 23) < (x - 2) * 0.28), 0.6),  # beak
        (ellipse(20, 17, 2.2, 2.2), 0.98),  # eye
    ):
        image[where] = brightness
    return image
