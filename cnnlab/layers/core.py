"""Dense layers, and what prepares their input."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import model_validator

from cnnlab.errors import ShapeError
from cnnlab.language.fields import Positive, Shape
from cnnlab.layers.base import DrawingRole, Layer, SpatialLayer, Weight, product, times
from cnnlab.layers.penalties import ConstraintField, RegularizerField

if TYPE_CHECKING:
    import keras

ActivationName = Literal[
    "celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_tanh",
    "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid",
    "silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparsemax", "squareplus",
    "swish", "tanh", "tanh_shrink",
]  # fmt: skip

InitializerName = Literal[
    "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal", "lecun_uniform", "ones",
    "orthogonal", "random_normal", "random_uniform", "truncated_normal", "variance_scaling", "zeros",
]  # fmt: skip


class Dense(Layer):
    """A fully connected layer. Input (N,) → output (units,). Weights: N × units, and units biases."""

    about: ClassVar[str] = (
        "Every output is a weighted sum of all inputs: output = activation(input · kernel + bias).\n\n"
        "Input (N,) → output (units,). Weights: N × units, and units biases."
    )
    drawing_role: ClassVar[DrawingRole] = "dense"
    width_field: ClassVar[str | None] = "units"
    filter_axes: ClassVar[Mapping[str, tuple[int, ...]]] = {"kernel": (0,), "bias": (0,)}

    units: Positive
    activation: ActivationName | None = None
    use_bias: bool = True
    kernel_initializer: InitializerName = "glorot_uniform"
    bias_initializer: InitializerName = "zeros"
    kernel_regularizer: RegularizerField = None
    kernel_constraint: ConstraintField = None
    bias_regularizer: RegularizerField = None
    bias_constraint: ConstraintField = None
    activity_regularizer: RegularizerField = None

    @model_validator(mode="after")
    def _no_idle_bias(self) -> Self:
        self.reject_unused_bias(self.use_bias)
        return self

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise ShapeError(
                f"expected a flat input, received {times(input_shape)}; Keras would apply the same Dense "
                f"layer to each of the {math.prod(input_shape[:-1])} positions separately, which is rarely "
                "intended",
                "put Flatten before it",
            )
        return (self.units,)

    def weights(self, input_shape: Shape) -> tuple[Weight, ...]:
        kernel = Weight("kernel", (input_shape[-1], self.units))
        return (kernel, Weight("bias", (self.units,))) if self.use_bias else (kernel,)

    def macs(self, input_shape: Shape) -> int:
        return math.prod(input_shape) * self.units

    def neurons(self, input_shape: Shape) -> int:
        return self.units

    @property
    def sees_everything(self) -> bool:
        return True

    @property
    def output_activation(self) -> str:
        return self.activation or "linear"

    def explain_output(self, input_shapes: tuple[Shape, ...], output_shape: Shape) -> Iterator[str]:
        yield f"One output for each of the {self.units:,} units."

    def explain_parameters(self, input_shapes: tuple[Shape, ...]) -> Iterator[str]:
        ((inputs,),) = input_shapes
        each, bias = inputs + self.use_bias, " and 1 bias" if self.use_bias else ""
        yield f"One unit has a weight for each of the {inputs:,} inputs{bias}: {each:,}."
        yield f"{self.units:,} units: {self.units:,} × {each:,} = {self.units * each:,}."


class Flatten(SpatialLayer):
    """(H, W, C) → (H · W · C,), row by row. With channels_first the channels are moved last beforehand."""

    about: ClassVar[str] = (
        "Write an image as one row of numbers: (H, W, C) → (H · W · C,). No weights.\n\n"
        'With data_format="channels_first" the channels become the last axis beforehand, as in Keras.'
    )
    only_reshapes: ClassVar[bool] = True

    def output_shape(self, input_shape: Shape) -> Shape:
        return (math.prod(input_shape),)

    def written_order(self, input_shape: Shape) -> tuple[int, ...]:
        first, *rest = range(len(input_shape))
        return (*rest, first) if self.data_format == "channels_first" else (first, *rest)

    def explain_output(self, input_shapes: tuple[Shape, ...], output_shape: Shape) -> Iterator[str]:
        (input_shape,) = input_shapes
        yield f"The image as one row: {product(input_shape)} = {output_shape[0]:,} numbers."


class Rescaling(Layer):
    """A fixed change of every number: (…) → the same shape."""

    about: ClassVar[str] = "input × `scale` + `offset`. No weights."
    prepares_images: ClassVar[bool] = True

    idle_at: ClassVar[Mapping[str, tuple[object, ...]]] = {"scale": (1,), "offset": (0,)}
    silent_at: ClassVar[Mapping[str, tuple[object, ...]]] = {"scale": (0,)}

    scale: float
    offset: float = 0.0


class Grayscale(SpatialLayer):
    """Luma of an image: (H, W, 3) → (H, W, 1)."""

    about: ClassVar[str] = (
        "Color to gray: 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601). (H, W, 3) → (H, W, 1). No weights."
    )
    prepares_images: ClassVar[bool] = True

    def output_shape(self, input_shape: Shape) -> Shape:
        height, width, channels = self.spatial(input_shape)
        if channels != 3:
            raise ShapeError(
                f"expected 3 channels (red, green, blue), received {channels} in {times(input_shape)}",
                "remove this layer: the input is gray already"
                if channels == 1
                else "move it to the beginning",
            )
        return self.from_spatial(height, width, 1)

    def build(self, name: str, dtype: str = "float32") -> keras.layers.Layer:
        from cnnlab.layers import custom

        return custom.Grayscale(**self.arguments(), name=name, dtype=dtype)
