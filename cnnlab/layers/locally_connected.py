"""A convolution without weight sharing: each position has kernels of its own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import field_validator

from cnnlab.language.fields import Positive, Shape, as_written
from cnnlab.layers.base import SpatialLayer, Weight, product, slide
from cnnlab.layers.convolution import Convolution
from cnnlab.layers.core import InitializerName
from cnnlab.layers.penalties import ConstraintField, RegularizerField

if TYPE_CHECKING:
    import keras


class LocallyConnected2D(Convolution):
    """A locally connected layer (LeCun 1989). Input (H, W, C) → output (H', W', filters).

    Weights: H' · W' · filters kernels of kernel height · width · C weights, and as many biases.
    """

    about: ClassVar[str] = (
        "As Conv2D, but every position of the output has `filters` kernels of its own: local connections "
        "without weight sharing (LeCun 1989).\n\n"
        "Input (H, W, C) → output (H', W', filters). Parameters: H' · W' · filters · (kernel height · width "
        "· C + 1). The arguments are those of Keras 2, and dilation_rate; Keras 3 has no such layer. Initial "
        "weights are as large as a Conv2D's; Keras 2 made them smaller, the more so the larger the image."
    )
    width_field: ClassVar[str] = "filters"
    filter_axes: ClassVar[Mapping[str, tuple[int, ...]]] = {"kernel": (1,), "bias": (2,)}

    filters: Positive
    padding: Literal["valid"] = "valid"
    kernel_initializer: InitializerName = "glorot_uniform"
    kernel_regularizer: RegularizerField = None
    kernel_constraint: ConstraintField = None

    @field_validator("padding", mode="before")
    @classmethod
    def _no_padding(cls, value: Any) -> Any:
        if value != "valid":
            raise ValueError(f"expected valid, found {as_written(value)}; put ZeroPadding2D before the layer")
        return value

    def output_shape(self, input_shape: Shape) -> Shape:
        height, width, _ = self.spatial(input_shape)
        positions = slide((height, width), self._window, "kernel", pads=False)
        return self.from_spatial(*positions, self.filters)

    def weights(self, input_shape: Shape) -> tuple[Weight, ...]:
        rows, columns, filters = self.spatial(self.output_shape(input_shape))
        kernel = Weight("kernel", (rows * columns, self._window_size(input_shape), filters))
        return (kernel, Weight("bias", (rows, columns, filters))) if self.use_bias else (kernel,)

    def macs(self, input_shape: Shape) -> int:
        return self.neurons(input_shape) * self._window_size(input_shape)

    def working_numbers(self, input_shape: Shape) -> int:
        """The windows of all positions, each written out: what the kernels are multiplied with."""
        return self.neurons(input_shape) // self.filters * self._window_size(input_shape)

    def _window_size(self, input_shape: Shape) -> int:
        return math.prod(self.kernel_size) * self.spatial(input_shape)[2]

    def explain_maps(self, input_shape: Shape, output_shape: Shape) -> Iterator[str]:
        rows, columns, maps = self.spatial(output_shape)
        yield (
            f"Each of the {rows}×{columns} positions has {maps} kernels of its own; kernel k of every "
            f"position writes to map k: {rows} × {columns} × {maps} = {rows * columns * maps:,} numbers."
        )

    def explain_parameters(self, input_shapes: tuple[Shape, ...]) -> Iterator[str]:
        (input_shape,) = input_shapes
        rows, columns, maps = self.spatial(self.output_shape(input_shape))
        window = (*self.kernel_size, self.spatial(input_shape)[2])
        size, kernels = math.prod(window), rows * columns * maps
        each, bias = size + self.use_bias, f", and 1 bias: {size + 1:,}" if self.use_bias else ""
        yield f"One kernel has {product(window)} = {size:,} weights{bias}."
        yield f"One for each position and filter: {rows} × {columns} × {maps} = {kernels:,} kernels."
        yield f"{kernels:,} × {each:,} = {kernels * each:,}."
        yield f"A Conv2D would use the same {maps} kernels everywhere: {maps} × {each:,} = {maps * each:,}."

    def explain_macs(self, input_shape: Shape, output_shape: Shape) -> Iterator[str]:
        yield from SpatialLayer.explain_macs(self, input_shape, output_shape)
        yield "Each weight is used once per image, at its own position."

    def build(self, name: str, dtype: str = "float32") -> keras.layers.Layer:
        from cnnlab.layers import custom

        return custom.LocallyConnected2D(**self.arguments(), name=name, dtype=dtype)
