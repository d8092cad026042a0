"""Convolutions that treat each channel separately, and those that mix the channels in a second step."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar

from cnnlab.language.fields import Positive, Shape
from cnnlab.layers.base import Weight, slide
from cnnlab.layers.convolution import Convolution
from cnnlab.layers.core import InitializerName
from cnnlab.layers.penalties import ConstraintField, RegularizerField


class DepthwiseConv2D(Convolution):
    """A convolution of each channel. Input (H, W, C) → output (H', W', C · depth_multiplier)."""

    about: ClassVar[str] = (
        "Each channel has its own kernels, `depth_multiplier` of them; channels are not mixed.\n\n"
        "Input (H, W, C) → output (H', W', C · depth_multiplier)."
    )

    depth_multiplier: Positive = 1
    depthwise_initializer: InitializerName = "glorot_uniform"
    depthwise_regularizer: RegularizerField = None
    depthwise_constraint: ConstraintField = None

    def window_channels(self, input_shape: Shape) -> int:
        return 1

    def output_shape(self, input_shape: Shape) -> Shape:
        height, width, channels = self.spatial(input_shape)
        return self.from_spatial(
            *slide((height, width), self._window, "kernel"), channels * self.depth_multiplier
        )

    def weights(self, input_shape: Shape) -> tuple[Weight, ...]:
        channels = self.spatial(input_shape)[2]
        kernel = Weight("kernel", (*self.kernel_size, channels, self.depth_multiplier))
        return self.with_bias(channels * self.depth_multiplier, kernel)

    def macs(self, input_shape: Shape) -> int:
        return self.neurons(input_shape) * math.prod(self.kernel_size)


class SeparableConv2D(Convolution):
    """A convolution in two parts (Chollet 2017). Input (H, W, C) → output (H', W', filters)."""

    about: ClassVar[str] = (
        "A depthwise convolution, then a 1×1 convolution that mixes its channels (Chollet 2017, "
        "Xception).\n\n"
        "Input (H, W, C) → output (H', W', filters). Multiplications: kernel height · width for each "
        "output of "
        "the depthwise part, and C · depth_multiplier for each of the layer's own."
    )
    width_field: ClassVar[str] = "filters"

    filters: Positive
    depth_multiplier: Positive = 1
    depthwise_initializer: InitializerName = "glorot_uniform"
    depthwise_regularizer: RegularizerField = None
    depthwise_constraint: ConstraintField = None
    pointwise_initializer: InitializerName = "glorot_uniform"
    pointwise_regularizer: RegularizerField = None
    pointwise_constraint: ConstraintField = None

    def window_channels(self, input_shape: Shape) -> int:
        return 1  # of its first part; the second has no window but all channels

    def output_shape(self, input_shape: Shape) -> Shape:
        height, width, _ = self.spatial(input_shape)
        return self.from_spatial(*slide((height, width), self._window, "kernel"), self.filters)

    def weights(self, input_shape: Shape) -> tuple[Weight, ...]:
        channels = self.spatial(input_shape)[2]
        return self.with_bias(
            self.filters,
            Weight("depthwise_kernel", (*self.kernel_size, channels, self.depth_multiplier)),
            Weight("pointwise_kernel", (1, 1, channels * self.depth_multiplier, self.filters)),
        )

    def macs(self, input_shape: Shape) -> int:
        positions = self.neurons(input_shape) // self.filters
        return positions * self._maps_between(input_shape) * (math.prod(self.kernel_size) + self.filters)

    def _maps_between(self, input_shape: Shape) -> int:
        """Feature maps between the two parts."""
        return self.spatial(input_shape)[2] * self.depth_multiplier

    def explain_maps(self, input_shape: Shape, output_shape: Shape) -> Iterator[str]:
        channels, between = self.spatial(input_shape)[2], self._maps_between(input_shape)
        rows, columns, maps = self.spatial(output_shape)
        kernels = "a kernel" if self.depth_multiplier == 1 else f"{self.depth_multiplier} kernels"
        yield (
            f"Each of the {channels} channels has {kernels} of its own; each produces one "
            f"{rows}×{columns} feature map: {between} intermediate maps."
        )
        yield (
            f"{maps} kernels of 1×1 span all {between} of them and produce one map each: "
            f"{rows} × {columns} × {maps} = {rows * columns * maps:,} numbers."
        )

    def explain_macs(self, input_shape: Shape, output_shape: Shape) -> Iterator[str]:
        outputs, window = math.prod(output_shape), math.prod(self.kernel_size)
        maps = self._maps_between(input_shape)
        between = outputs // self.filters * maps
        first, second = between * window, outputs * maps
        yield (
            f"Each of the {between:,} intermediate numbers is a sum of {window:,} inputs, each multiplied "
            "by a "
            f"weight: {between:,} × {window:,} = {first:,}."
        )
        yield (
            f"Each of the {outputs:,} outputs is a sum of {maps:,} of them: {outputs:,} × {maps:,} = "
            f"{second:,}."
        )
        yield f"Total: {first:,} + {second:,} = {first + second:,} multiplications per image."

    def locally_connected_params(self, input_shape: Shape) -> int:
        """As for the Conv2D that it stands for: each output sees all channels of its window."""
        inputs = math.prod(self.kernel_size) * self.spatial(input_shape)[2]
        return self.neurons(input_shape) * (inputs + self.use_bias)
