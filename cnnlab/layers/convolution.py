"""Convolutions: a small kernel, shared by every place of the image.

Multiplications are counted as they are written down: one for each weight at each place the kernel lands on,
those with the padding's zeros included.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import model_validator

from cnnlab.errors import ShapeError
from cnnlab.language.fields import Padding, Pair, Positive, Shape
from cnnlab.layers.base import SpatialLayer, Weight, Window, slide
from cnnlab.layers.core import ActivationName, InitializerName
from cnnlab.layers.penalties import ConstraintField, RegularizerField


class Convolution(SpatialLayer):
    """What all convolutions share. Subclasses say how input and output channels are connected."""

    filter_axes: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "kernel": (0, 1, 2),
        "depthwise": (0, 1),
        "pointwise": (0, 1, 2),
        "bias": (0,),
    }

    kernel_size: Pair
    strides: Pair = (1, 1)
    padding: Padding = "valid"
    dilation_rate: Pair = (1, 1)
    activation: ActivationName | None = None
    use_bias: bool = True
    bias_initializer: InitializerName = "zeros"
    bias_regularizer: RegularizerField = None
    bias_constraint: ConstraintField = None
    activity_regularizer: RegularizerField = None

    @model_validator(mode="after")
    def _no_idle_bias(self) -> Self:
        self.reject_unused_bias(self.use_bias)
        return self

    @property
    def window(self) -> Window | None:
        return self._window

    @property
    def _window(self) -> Window:
        return Window(self.kernel_size, self.strides, self.padding, self.dilation_rate)

    def neurons(self, input_shape: Shape) -> int:
        return math.prod(self.output_shape(input_shape))

    if TYPE_CHECKING:

        def macs(self, input_shape: Shape) -> int: ...  # every convolution has counted them

    def locally_connected_params(self, input_shape: Shape) -> int:
        return self.macs(input_shape) + self.use_bias * self.neurons(input_shape)

    def dense_equivalent_params(self, input_shape: Shape) -> int:
        return self.neurons(input_shape) * (math.prod(input_shape) + self.use_bias)

    def with_bias(self, channels: int, *kernels: Weight) -> tuple[Weight, ...]:
        """The weights, with one bias for each of the output's channels where `use_bias` says so."""
        return (*kernels, Weight("bias", (channels,))) if self.use_bias else kernels

    def refuse_strides_with_dilation(self) -> None:
        """For the convolutions that Keras has with one or the other only."""
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                "expected strides or dilation_rate above 1, not both; Keras has no such convolution"
            )


class Conv2D(Convolution):
    """`filters` kernels slide over the image; each answers with one map.

    Input (H, W, C) → output (H', W', filters). Each kernel spans all C input channels (C / groups with
    groups) and sums over them. What is computed is cross-correlation: the kernel is not flipped.
    """

    filters: Positive
    groups: Positive = 1
    kernel_initializer: InitializerName = "glorot_uniform"
    kernel_regularizer: RegularizerField = None
    kernel_constraint: ConstraintField = None

    @model_validator(mode="after")
    def _combinations(self) -> Self:
        if self.filters % self.groups:
            raise ValueError(f"expected filters divisible by groups, found {self.filters} and {self.groups}")
        self.refuse_strides_with_dilation()
        return self

    def output_shape(self, input_shape: Shape) -> Shape:
        height, width, channels = self.spatial(input_shape)
        if channels % self.groups:
            raise ShapeError(
                f"expected input channels divisible by groups, found {channels} and {self.groups}",
                "choose groups that divide both the input channels and the filters",
            )
        return self.from_spatial(*slide((height, width), self._window, "kernel"), self.filters)

    def weights(self, input_shape: Shape) -> tuple[Weight, ...]:
        channels = self.spatial(input_shape)[2]
        kernel = Weight("kernel", (*self.kernel_size, channels // self.groups, self.filters))
        return self.with_bias(self.filters, kernel)

    def macs(self, input_shape: Shape) -> int:
        channels = self.spatial(input_shape)[2]
        return self.neurons(input_shape) * math.prod(self.kernel_size) * (channels // self.groups)


class DepthwiseConv2D(Convolution):
    """Each channel has `depth_multiplier` kernels of its own; channels are not mixed.

    Input (H, W, C) → output (H', W', C · depth_multiplier).
    """

    depth_multiplier: Positive = 1
    depthwise_initializer: InitializerName = "glorot_uniform"
    depthwise_regularizer: RegularizerField = None
    depthwise_constraint: ConstraintField = None

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
    """A depthwise convolution, then a 1×1 convolution that mixes its channels (Chollet 2017, Xception).

    Input (H, W, C) → output (H', W', filters). Multiplications: kernel height · width for each output of
    the depthwise part, and C · depth_multiplier for each of the layer's own.
    """

    filters: Positive
    depth_multiplier: Positive = 1
    depthwise_initializer: InitializerName = "glorot_uniform"
    depthwise_regularizer: RegularizerField = None
    depthwise_constraint: ConstraintField = None
    pointwise_initializer: InitializerName = "glorot_uniform"
    pointwise_regularizer: RegularizerField = None
    pointwise_constraint: ConstraintField = None

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
        places = self.neurons(input_shape) // self.filters
        between = self.spatial(input_shape)[2] * self.depth_multiplier
        return places * between * (math.prod(self.kernel_size) + self.filters)

    def locally_connected_params(self, input_shape: Shape) -> int:
        """As for the Conv2D that it stands for: each output sees all channels of its window."""
        inputs = math.prod(self.kernel_size) * self.spatial(input_shape)[2]
        return self.neurons(input_shape) * (inputs + self.use_bias)


class Conv2DTranspose(Convolution):
    """Each input number is multiplied with the kernels and laid down, `strides` apart; overlaps add up.

    Input (H, W, C) → output (H', W', filters), H' = (H − 1) · stride + max(extent, stride) with
    padding="valid", H · stride with "same", extent = (kernel − 1) · dilation + 1. The backward pass of a
    convolution as a layer of its own (Dumoulin & Visin 2016). Multiplications: kernel height · width · C ·
    filters at each input place, those that "same" cuts off at the edge included.
    """

    filter_axes: ClassVar[Mapping[str, tuple[int, ...]]] = {"kernel": (0, 1, 3), "bias": (0,)}

    filters: Positive
    output_padding: Pair | None = None
    kernel_initializer: InitializerName = "glorot_uniform"
    kernel_regularizer: RegularizerField = None
    kernel_constraint: ConstraintField = None

    @model_validator(mode="after")
    def _combinations(self) -> Self:
        self.refuse_strides_with_dilation()
        if self.output_padding and any(
            padding >= stride for padding, stride in zip(self.output_padding, self.strides, strict=True)
        ):
            raise ValueError(
                f"expected an output_padding below the strides, found {list(self.output_padding)} "
                f"with strides {list(self.strides)}"
            )
        return self

    def locally_connected_params(self, input_shape: Shape) -> int:
        """As if each output saw a whole window; where strides spread the input out, it sees less."""
        inputs = math.prod(self.kernel_size) * self.spatial(input_shape)[2]
        return self.neurons(input_shape) * (inputs + self.use_bias)

    @property
    def window(self) -> None:
        """Nothing slides over the input: the kernel is laid down on the output."""
        return None

    @property
    def view(self) -> Window:
        """How many inputs an output sees, and how many outputs one step of the input becomes."""
        extent = self._extent
        return Window(
            (-(-extent[0] // self.strides[0]), -(-extent[1] // self.strides[1])), upsampling=self.strides
        )

    def output_shape(self, input_shape: Shape) -> Shape:
        height, width, _ = self.spatial(input_shape)
        return self.from_spatial(self._length(height, 0), self._length(width, 1), self.filters)

    @property
    def _extent(self) -> tuple[int, int]:
        return Window(self.kernel_size, dilation=self.dilation_rate).extent

    def _length(self, size: int, axis: int) -> int:
        """The output's size along one axis, by Keras's rules."""
        extent, stride = self._extent[axis], self.strides[axis]
        if self.output_padding is not None:
            kernel = extent if self.padding == "valid" else extent % 2
            return (size - 1) * stride + kernel + self.output_padding[axis]
        return (size - 1) * stride + max(extent, stride) if self.padding == "valid" else size * stride

    def weights(self, input_shape: Shape) -> tuple[Weight, ...]:
        channels = self.spatial(input_shape)[2]
        return self.with_bias(self.filters, Weight("kernel", (*self.kernel_size, self.filters, channels)))

    def macs(self, input_shape: Shape) -> int:
        return math.prod(input_shape) * math.prod(self.kernel_size) * self.filters
