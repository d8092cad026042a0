"""Convolutions: a small kernel, shared by every place of the image."""

from __future__ import annotations

import math
from typing import Self

from pydantic import model_validator

from cnnlab.errors import ShapeError
from cnnlab.fields import Padding, Pair, Positive, Shape
from cnnlab.layers.base import SpatialLayer, Weight, Window, slide
from cnnlab.layers.core import ActivationName, InitializerName


class Conv2D(SpatialLayer):
    """`filters` kernels slide over the image; each answers with one map.

    Input (H, W, C) → output (H', W', filters). Each kernel spans all C input channels (C / groups with
    groups) and sums over them. What is computed is cross-correlation: the kernel is not flipped.
    """

    filters: Positive
    kernel_size: Pair
    strides: Pair = (1, 1)
    padding: Padding = "valid"
    dilation_rate: Pair = (1, 1)
    groups: Positive = 1
    activation: ActivationName | None = None
    use_bias: bool = True
    kernel_initializer: InitializerName = "glorot_uniform"
    bias_initializer: InitializerName = "zeros"

    @model_validator(mode="after")
    def _combinations(self) -> Self:
        if self.filters % self.groups:
            raise ValueError(f"expected filters divisible by groups, found {self.filters} and {self.groups}")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                "expected strides or dilation_rate above 1, not both; Keras has no such convolution"
            )
        return self

    @property
    def window(self) -> Window:
        return Window(self.kernel_size, self.strides, self.padding, self.dilation_rate)

    def output_shape(self, input_shape: Shape) -> Shape:
        height, width, channels = self.spatial(input_shape)
        if channels % self.groups:
            raise ShapeError(
                f"expected input channels divisible by groups, found {channels} and {self.groups}",
                "choose groups that divide both the input channels and the filters",
            )
        return self.from_spatial(*slide((height, width), self.window, "kernel"), self.filters)

    def weights(self, input_shape: Shape) -> tuple[Weight, ...]:
        channels = self.spatial(input_shape)[2]
        kernel = Weight("kernel", (*self.kernel_size, channels // self.groups, self.filters))
        return (kernel, Weight("bias", (self.filters,))) if self.use_bias else (kernel,)

    def macs(self, input_shape: Shape) -> int:
        return self.neurons(input_shape) * self._inputs_per_output(input_shape)

    def neurons(self, input_shape: Shape) -> int:
        return math.prod(self.output_shape(input_shape))

    def locally_connected_params(self, input_shape: Shape) -> int:
        return self.neurons(input_shape) * (self._inputs_per_output(input_shape) + self.use_bias)

    def dense_equivalent_params(self, input_shape: Shape) -> int:
        return self.neurons(input_shape) * (math.prod(input_shape) + self.use_bias)

    def _inputs_per_output(self, input_shape: Shape) -> int:
        return math.prod(self.kernel_size) * (self.spatial(input_shape)[2] // self.groups)
