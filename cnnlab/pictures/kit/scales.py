"""How numbers become colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

SIGNED, POSITIVE, GREYS = "RdBu_r", "magma", "gray"
"""Colour maps: white at 0 and two colours for the signs; dark at 0 for what has no sign; black to white."""


@dataclass(frozen=True)
class ColorScale:
    """How numbers become colours, and what they are."""

    low: float
    high: float
    label: str = ""
    colormap: str = POSITIVE

    @classmethod
    def signed(cls, values: np.ndarray, label: str = "") -> ColorScale:
        """White at 0, blue below, red above, the same length on both sides."""
        limit = _finite_max(np.abs(values))
        return cls(-limit, limit, label, SIGNED)

    @classmethod
    def positive(cls, values: np.ndarray, label: str = "") -> ColorScale:
        """From 0 to the largest value."""
        return cls(0.0, _finite_max(values), label, POSITIVE)

    @property
    def mappable(self) -> ScalarMappable:
        return ScalarMappable(Normalize(self.low, self.high), self.colormap)


def displayable(pixels: np.ndarray) -> np.ndarray:
    """What imshow takes: grey (H, W) or colours (H, W, 3), uint8 or within [0, 1]."""
    if pixels.dtype == np.uint8:
        return pixels if pixels.shape[-1] == 3 else pixels[..., 0]
    if pixels.ndim == 3 and pixels.shape[-1] != 3:
        pixels = pixels.mean(axis=-1)
    return np.asarray(np.clip(pixels, 0, 1))


def _finite_max(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    largest = float(finite.max()) if finite.size else 0.0
    return largest if largest > 0 else 1.0
