"""Pooling: one number for each window, or for a whole feature map. No weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from cnnlab.language.fields import Padding, Pair, Shape
from cnnlab.layers.base import DrawingRole, SpatialLayer, slide
from cnnlab.layers.window import Window


class Pooling2D(SpatialLayer):
    """A window slides over each channel separately. Input (H, W, C) → output (H', W', C).

    H' = ⌊(H − pool) / stride⌋ + 1 with padding="valid", ⌈H / stride⌉ with "same".
    """

    drawing_role: ClassVar[DrawingRole] = "pooling"

    idle_at: ClassVar[Mapping[str, tuple[object, ...]]] = {"pool_size": ((1, 1),), "strides": (None, (1, 1))}

    pool_size: Pair = (2, 2)
    strides: Pair | None = None  # Keras's default: the pool size
    padding: Padding = "valid"

    def output_shape(self, input_shape: Shape) -> Shape:
        height, width, channels = self.spatial(input_shape)
        return self.from_spatial(*slide((height, width), self.window), channels)

    @property
    def window(self) -> Window:
        return Window(self.pool_size, self.strides or self.pool_size, self.padding)

    def explain_output(self, input_shapes: tuple[Shape, ...], output_shape: Shape) -> Iterator[str]:
        (input_shape,) = input_shapes
        yield from self.explain_positions(input_shape, output_shape, "window")
        rows, columns, maps = self.spatial(output_shape)
        total = rows * columns * maps
        yield (
            f"Each of the {maps} channels is pooled separately: {rows} × {columns} × {maps} = {total:,} "
            "numbers."
        )


class MaxPooling2D(Pooling2D):
    """The largest value of each window."""

    about: ClassVar[str] = "Keep the largest value of each window. No weights."


class AveragePooling2D(Pooling2D):
    """The mean of each window."""

    about: ClassVar[str] = "Keep the mean of each window; positions in the padding do not count. No weights."


class GlobalPooling2D(SpatialLayer):
    """One number for each feature map: (H, W, C) → (C,), or (1, 1, C) with `keepdims`."""

    drawing_role: ClassVar[DrawingRole] = "pooling"
    keepdims: bool = False

    def output_shape(self, input_shape: Shape) -> Shape:
        channels = self.spatial(input_shape)[2]
        return self.from_spatial(1, 1, channels) if self.keepdims else (channels,)

    @property
    def dropped_axes(self) -> tuple[int, ...]:
        return () if self.keepdims else self.spatial_axes

    def spanned_axes(self, input_shape: Shape, output_shape: Shape) -> frozenset[int]:
        return frozenset(self.spatial_axes)


class GlobalMaxPooling2D(GlobalPooling2D):
    """The largest value of each feature map."""

    about: ClassVar[str] = "Keep the largest value of each feature map. No weights."


class GlobalAveragePooling2D(GlobalPooling2D):
    """The mean of each feature map (Lin et al. 2013)."""

    about: ClassVar[str] = (
        "Keep the mean of each feature map (Lin et al. 2013): no weights, and no fixed input size."
    )
