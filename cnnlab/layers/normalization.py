"""Layers that bring numbers to a common scale. They keep the shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, model_validator

from cnnlab.errors import ShapeError
from cnnlab.language.fields import Above0, NonNegative, Rate, Shape, as_tuple, as_written
from cnnlab.layers.base import Layer, SpatialLayer, Weight, times
from cnnlab.layers.window import Footprint

if TYPE_CHECKING:
    import keras

Epsilon = Above0
"""Keeps the division by a standard deviation from going wrong where that is 0."""


class BatchNormalization(Layer):
    """Batch normalization (Ioffe & Szegedy 2015). Weights: gamma, beta, moving mean and variance."""

    about: ClassVar[str] = (
        "Normalize each channel over the batch, then scale by gamma and shift by beta, which are learned.\n\n"
        "Ioffe & Szegedy 2015. After training, a moving mean and variance are used instead of the "
        "batch's: they "
        "are parameters, but not trainable ones."
    )

    axis: int = -1
    momentum: Rate = 0.99
    epsilon: Epsilon = 0.001
    center: bool = True
    scale: bool = True

    def output_shape(self, input_shape: Shape) -> Shape:
        size_of_axis(self.axis, input_shape)
        return input_shape

    def weights(self, input_shape: Shape) -> tuple[Weight, ...]:
        shape = (size_of_axis(self.axis, input_shape),)
        moving = [Weight(name, shape, trainable=False) for name in ("moving_mean", "moving_variance")]
        return (*learned(shape, scale=self.scale, center=self.center), *moving)


def _one_axis_or_several(value: Any) -> Any:
    # Whole here, because a union would report an error for each of its members.
    axes = value if isinstance(value, list | tuple) else [value]
    if not axes or not all(isinstance(axis, int) and not isinstance(axis, bool) for axis in axes):
        raise ValueError(f"expected a whole number, or a list of them, found {as_written(value)}")
    return as_tuple(value)


class LayerNormalization(Layer):
    """Layer normalization (Ba et al. 2016). Weights: gamma and beta."""

    takes_statistics: ClassVar[bool] = True
    about: ClassVar[str] = (
        "Normalize each image separately along axis `axis`, then scale by gamma and shift by beta, which are "
        "learned (Ba et al. 2016)."
    )

    axis: Annotated[int | tuple[int, ...], BeforeValidator(_one_axis_or_several)] = -1
    epsilon: Epsilon = 0.001
    center: bool = True
    scale: bool = True

    def output_shape(self, input_shape: Shape) -> Shape:
        self._shape(input_shape)
        return input_shape

    def weights(self, input_shape: Shape) -> tuple[Weight, ...]:
        return learned(self._shape(input_shape), scale=self.scale, center=self.center)

    def arguments(self) -> dict[str, Any]:
        axis = self.axis if isinstance(self.axis, int) else list(self.axis)
        return super().arguments() | {"axis": axis}

    def _shape(self, input_shape: Shape) -> Shape:
        axes = (self.axis,) if isinstance(self.axis, int) else tuple(sorted(self.axis))
        sizes = tuple(size_of_axis(axis, input_shape) for axis in axes)
        if len({axis % (len(input_shape) + 1) for axis in axes}) < len(axes):
            raise ShapeError(
                f"axis {list(axes)} names an axis of the {times(input_shape)} input twice",
                "name each axis once",
            )
        return sizes


class GroupNormalization(Layer):
    """Group normalization (Wu & He 2018). Weights: gamma and beta."""

    takes_statistics: ClassVar[bool] = True
    about: ClassVar[str] = (
        "Normalize each image separately, in `groups` groups of channels, then scale by gamma and shift "
        "by beta, "
        "which are learned (Wu & He 2018).\n\n"
        "`groups: -1` gives each channel a group of its own: instance normalization."
    )

    groups: int = 32
    axis: int = -1
    epsilon: Epsilon = 0.001
    center: bool = True
    scale: bool = True

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        if self.groups < 1 and self.groups != -1:
            raise ValueError(f"expected groups of 1 or more, or -1 for one per channel, found {self.groups}")
        if self.axis < -1 or self.axis == 0:
            raise ValueError(f"expected axis -1, or 1 and more, found {self.axis}")
        return self

    def output_shape(self, input_shape: Shape) -> Shape:
        channels = size_of_axis(self.axis, input_shape)
        if self.groups != -1 and channels % self.groups:
            raise ShapeError(
                f"{channels} channels cannot be divided into {self.groups} equal groups",
                "choose a number of groups that divides the channels",
            )
        return input_shape

    def weights(self, input_shape: Shape) -> tuple[Weight, ...]:
        return learned((size_of_axis(self.axis, input_shape),), scale=self.scale, center=self.center)


class LocalResponseNormalization(SpatialLayer):
    """Local response normalization (Krizhevsky et al. 2012, section 3.3); Keras has no such layer."""

    about: ClassVar[str] = (
        "x ÷ (bias + alpha · Σ x²)^beta, summed over the channel itself and `depth_radius` on either "
        "side.\n\n"
        "Krizhevsky et al. 2012, section 3.3 (depth_radius 2, bias 2, alpha 0.0001, beta 0.75). Arguments "
        "and "
        "defaults are those of tf.nn.local_response_normalization; Keras has no such layer. No weights."
    )

    depth_radius: NonNegative = 5
    bias: float = 1.0
    alpha: float = 1.0
    beta: float = 0.5

    def output_shape(self, input_shape: Shape) -> Shape:
        self.spatial(input_shape)
        return input_shape

    def footprints(self, input_shape: Shape) -> Mapping[int, Footprint]:
        """It sums over neighboring channels."""
        return {self.channel_axis: Footprint(2 * self.depth_radius + 1, before=self.depth_radius)}

    def build(self, name: str, dtype: str = "float32") -> keras.layers.Layer:
        from cnnlab.layers import custom

        return custom.LocalResponseNormalization(**self.arguments(), name=name, dtype=dtype)


def learned(shape: Shape, *, scale: bool, center: bool) -> tuple[Weight, ...]:
    """gamma and beta, those of them that are used."""
    return tuple(Weight(name, shape) for name, used in (("gamma", scale), ("beta", center)) if used)


def size_of_axis(axis: int, input_shape: Shape) -> int:
    """Size of `axis`, which counts the batch axis as 0, as Keras does.

    Raises:
        ShapeError: the input has no such axis.
    """
    position = axis - 1 if axis > 0 else axis
    if axis == 0 or not -len(input_shape) <= position < len(input_shape):
        raise ShapeError(
            f"axis {axis} is not an axis of the {times(input_shape)} input",
            "use axis: -1 for channels last, axis: 1 for channels first",
        )
    return input_shape[position]
