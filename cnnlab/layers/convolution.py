"""Convolutions: a small kernel, shared by all positions of the image.

Multiplications are counted one for each weight at each position of the kernel, those with the padding's zeros
included.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import model_validator

from cnnlab.errors import ShapeError
from cnnlab.language.fields import Padding, Pair, Positive, Shape
from cnnlab.layers.base import DrawingRole, SpatialLayer, Weight, product, slide
from cnnlab.layers.core import ActivationName, InitializerName
from cnnlab.layers.penalties import ConstraintField, RegularizerField
from cnnlab.layers.window import Window


class Convolution(SpatialLayer):
    """What all convolutions share. Subclasses say how input and output channels are connected."""

    drawing_role: ClassVar[DrawingRole] = "convolution"
    is_convolution: ClassVar[bool] = True
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

    def window_channels(self, input_shape: Shape) -> int:
        return self.spatial(input_shape)[2]

    def spanned_axes(self, input_shape: Shape, output_shape: Shape) -> frozenset[int]:
        return super().spanned_axes(input_shape, output_shape) | {self.channel_axis}

    def window_numbers(self, input_shape: Shape) -> int:
        rows, columns, _ = self.spatial(self.output_shape(input_shape))
        return rows * columns * math.prod(self.kernel_size) * self.spatial(input_shape)[2]

    def neurons(self, input_shape: Shape) -> int:
        return math.prod(self.output_shape(input_shape))

    if TYPE_CHECKING:

        def macs(self, input_shape: Shape) -> int: ...  # every convolution has counted them

    def locally_connected_params(self, input_shape: Shape) -> int:
        return self.macs(input_shape) + self.use_bias * self.neurons(input_shape)

    def dense_equivalent_params(self, input_shape: Shape) -> int:
        return self.neurons(input_shape) * (math.prod(input_shape) + self.use_bias)

    @property
    def output_activation(self) -> str:
        return self.activation or "linear"

    def explain_output(self, input_shapes: tuple[Shape, ...], output_shape: Shape) -> Iterator[str]:
        (input_shape,) = input_shapes
        yield from self.explain_positions(input_shape, output_shape, "kernel")
        yield from self.explain_maps(input_shape, output_shape)

    def explain_maps(self, input_shape: Shape, output_shape: Shape) -> Iterator[str]:
        """Sentences on how many feature maps there are, and why."""
        rows, columns, maps = self.spatial(output_shape)
        yield (
            f"Each of the {maps} kernels produces one {rows}×{columns} feature map: "
            f"{rows} × {columns} × {maps} = {rows * columns * maps:,} numbers."
        )

    def explain_parameters(self, input_shapes: tuple[Shape, ...]) -> Iterator[str]:
        yield from super().explain_parameters(input_shapes)
        yield "The image size does not matter: the same kernels are used at every position."

    def explain_macs(self, input_shape: Shape, output_shape: Shape) -> Iterator[str]:
        yield from super().explain_macs(input_shape, output_shape)
        (kernel,) = (weight for weight in self.weights(input_shape) if weight.name == "kernel")
        uses = self.macs(input_shape) // kernel.size
        yield f"Each weight is used {uses:,} times per image, once at each position."

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
    """A convolution. Input (H, W, C) → output (H', W', filters). Weights: one kernel for each filter."""

    about: ClassVar[str] = (
        "`filters` kernels slide over the image; each produces one feature map.\n\n"
        "Input (H, W, C) → output (H', W', filters). Each kernel spans all C input channels (C / groups with "
        "groups) and sums over them. What is computed is cross-correlation: the kernel is not flipped."
    )
    width_field: ClassVar[str] = "filters"

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

    def window_channels(self, input_shape: Shape) -> int:
        return super().window_channels(input_shape) // self.groups

    def weights(self, input_shape: Shape) -> tuple[Weight, ...]:
        kernel = Weight("kernel", (*self.kernel_size, self.window_channels(input_shape), self.filters))
        return self.with_bias(self.filters, kernel)

    def macs(self, input_shape: Shape) -> int:
        return self.neurons(input_shape) * math.prod(self.kernel_size) * self.window_channels(input_shape)

    def explain_maps(self, input_shape: Shape, output_shape: Shape) -> Iterator[str]:
        yield from super().explain_maps(input_shape, output_shape)
        channels = self.spatial(input_shape)[2]
        if channels > 1 and self.groups == 1:
            yield (
                f"{self.filters} feature maps, not {channels} × {self.filters} = "
                f"{channels * self.filters:,}, "
                f"because each kernel spans all {channels} input channels and sums over them."
            )
        elif self.groups > 1:
            yield (
                f"With {self.groups} groups, the {channels} input channels and the {self.filters} kernels "
                f"are split into {self.groups} parts: each kernel spans only the {channels} / {self.groups} "
                f"= {channels // self.groups} channels of its own part."
            )

    def explain_parameters(self, input_shapes: tuple[Shape, ...]) -> Iterator[str]:
        kernel = self.weights_of(input_shapes)[0]
        size = kernel.size // self.filters
        each, bias = size + self.use_bias, f", and 1 bias: {size + 1:,}" if self.use_bias else ""
        yield f"One kernel has {product(kernel.shape[:-1])} = {size:,} weights{bias}."
        yield f"{self.filters} kernels: {self.filters} × {each:,} = {self.filters * each:,}."
        yield "The image size does not matter: the same kernels are used at every position."
