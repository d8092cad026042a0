"""The transpose of a convolution: it enlarges."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import ClassVar, Self

from pydantic import model_validator

from cnnlab.language.fields import Pair, Positive, Shape
from cnnlab.layers.base import Weight, times
from cnnlab.layers.convolution import Convolution
from cnnlab.layers.core import InitializerName
from cnnlab.layers.penalties import ConstraintField, RegularizerField
from cnnlab.layers.window import Footprint, Footprints, Window


class Conv2DTranspose(Convolution):
    """The transpose of a convolution (Dumoulin & Visin 2016).

    Input (H, W, C) → output (H', W', filters), H' = (H − 1) · stride + max(extent, stride) with
    padding="valid", H · stride with "same", extent = (kernel − 1) · dilation + 1.
    """

    about: ClassVar[str] = (
        "Each input number scales a copy of the kernels on the output; copies are `strides` apart, and "
        "add up "
        "where they overlap.\n\n"
        "Input (H, W, C) → output (H', W', filters), H' = (H − 1) · stride + max(extent, stride) with "
        'padding="valid", H · stride with "same", extent = (kernel − 1) · dilation + 1. The backward pass '
        "of a "
        "convolution as a layer (Dumoulin & Visin 2016). Multiplications: kernel height · width · C · "
        "filters "
        'at each input position, those that "same" cuts off at the edge included.'
    )
    width_field: ClassVar[str] = "filters"

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
        """Nothing slides over the input: kernels are added to the output."""
        return None

    def output_shape(self, input_shape: Shape) -> Shape:
        height, width, _ = self.spatial(input_shape)
        return self.from_spatial(self._length(height, 0), self._length(width, 1), self.filters)

    def spatial_footprints(self, spatial: tuple[int, int]) -> Footprints:
        rows, columns = (self._footprint(size, axis) for axis, size in enumerate(spatial))
        return rows, columns

    def _footprint(self, size: int, axis: int) -> Footprint:
        """Inputs lie a stride apart on the output; each reaches as far as the kernel."""
        extent, stride = self._extent[axis], self.strides[axis]
        cut = 0
        if self.padding == "same":
            cut = max((size - 1) * stride + extent - self._length(size, axis), 0) // 2
        return Footprint(extent, spread=stride, before=extent - 1 - cut)

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

    def window_numbers(self, input_shape: Shape) -> int:
        """Of the output, to which the kernels are added there."""
        rows, columns, _ = self.spatial(input_shape)
        return rows * columns * math.prod(self.kernel_size) * self.filters

    def macs(self, input_shape: Shape) -> int:
        return math.prod(input_shape) * math.prod(self.kernel_size) * self.filters

    def explain_output(self, input_shapes: tuple[Shape, ...], output_shape: Shape) -> Iterator[str]:
        (input_shape,) = input_shapes
        height, width, _ = self.spatial(input_shape)
        rows, columns, maps = self.spatial(output_shape)
        yield (
            f"Each of the {height}×{width} input positions adds a {times(self.kernel_size)} patch to the "
            "output. "
            f"Neighboring patches begin {times(self.strides)} apart and add up where they overlap: "
            f"{rows}×{columns}."
        )
        total = rows * columns * maps
        yield (
            f"One feature map for each of the {maps} filters: {rows} × {columns} × {maps} = {total:,} "
            "numbers."
        )

    def explain_macs(self, input_shape: Shape, output_shape: Shape) -> Iterator[str]:
        inputs, macs = math.prod(input_shape), self.macs(input_shape)
        each = macs // inputs
        yield f"Each of the {inputs:,} inputs is multiplied by {each:,} weights."
        yield f"{inputs:,} × {each:,} = {macs:,} multiplications per image."
        positions = math.prod(self.spatial(input_shape)[:2])
        yield f"Each weight is used {positions:,} times per image, once at each position."
