"""Pooling: one number stands for a window, or for a whole map. No weights."""

from __future__ import annotations

from cnnlab.language.fields import Padding, Pair, Shape
from cnnlab.layers.base import SpatialLayer, slide
from cnnlab.layers.window import Window


class Pooling2D(SpatialLayer):
    """A window slides over each channel on its own and leaves one number at each place.

    Input (H, W, C) → output (H', W', C), H' = ⌊(H − pool) / stride⌋ + 1 with padding="valid",
    ⌈H / stride⌉ with "same". No weights.
    """

    pool_size: Pair = (2, 2)
    strides: Pair | None = None  # Keras's default: the pool size
    padding: Padding = "valid"

    def output_shape(self, input_shape: Shape) -> Shape:
        height, width, channels = self.spatial(input_shape)
        return self.from_spatial(*slide((height, width), self.window), channels)

    @property
    def window(self) -> Window:
        return Window(self.pool_size, self.strides or self.pool_size, self.padding)


class MaxPooling2D(Pooling2D):
    """Keep the largest value of each window."""


class AveragePooling2D(Pooling2D):
    """Keep the mean of each window; places in the padding do not count."""


class GlobalPooling2D(SpatialLayer):
    """One number stands for each map: (H, W, C) → (C,), or (1, 1, C) with `keepdims`. No weights."""

    keepdims: bool = False

    def output_shape(self, input_shape: Shape) -> Shape:
        channels = self.spatial(input_shape)[2]
        return self.from_spatial(1, 1, channels) if self.keepdims else (channels,)

    @property
    def sees_everything(self) -> bool:
        return True


class GlobalMaxPooling2D(GlobalPooling2D):
    """Keep the largest value of each map."""


class GlobalAveragePooling2D(GlobalPooling2D):
    """Keep the mean of each map (Lin et al. 2013): no dense layers, no fixed input size."""
