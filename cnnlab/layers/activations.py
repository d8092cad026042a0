"""Activation functions as layers of their own: any of Keras's by name, and those with settings or weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator

from cnnlab.errors import ShapeError
from cnnlab.language.fields import AtLeast0, Positive, Shape, as_tuple
from cnnlab.layers.base import Layer, Weight, times
from cnnlab.layers.core import ActivationName, InitializerName
from cnnlab.layers.normalization import size_of_axis


def _as_axes(value: Any) -> Any:
    """1 → (1,), [1, 2] → (1, 2); whatever else comes is left for the field's own check."""
    if isinstance(value, list | tuple) and (not value or len(set(map(str, value))) < len(value)):
        raise ValueError(f"expected each axis once, and at least one, found {list(value)}")
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,)
    return as_tuple(value)


class Activation(Layer):
    """A function applied to each number; softmax: to each row."""

    about: ClassVar[str] = (
        "Apply the function `activation` to each number (softmax: to each row). No weights."
    )

    idle_at: ClassVar[Mapping[str, tuple[object, ...]]] = {"activation": ("linear",)}

    activation: ActivationName

    @property
    def short_name(self) -> str:
        return self.activation

    @property
    def output_activation(self) -> str:
        return self.activation


class ActivationLayer(Layer):
    """A function with settings or weights, applied to each number."""

    @property
    def short_name(self) -> str:
        return self.type()

    @property
    def output_activation(self) -> str:
        return self.type().lower()


class ReLU(ActivationLayer):
    """Rectified linear unit, leaky and capped if asked for."""

    about: ClassVar[str] = (
        "x where x ≥ threshold, at most max_value; negative_slope · (x − threshold) below the threshold."
    )

    silent_at: ClassVar[Mapping[str, tuple[object, ...]]] = {"max_value": (0,), "negative_slope": (0,)}

    max_value: AtLeast0 | None = None
    negative_slope: AtLeast0 = 0.0
    threshold: AtLeast0 = 0.0


class LeakyReLU(ActivationLayer):
    """Leaky rectified linear unit (Maas et al. 2013)."""

    about: ClassVar[str] = "x where x ≥ 0, else negative_slope · x (Maas et al. 2013)."

    idle_at: ClassVar[Mapping[str, tuple[object, ...]]] = {"negative_slope": (1,)}

    negative_slope: AtLeast0 = 0.3


class ELU(ActivationLayer):
    """Exponential linear unit (Clevert et al. 2016)."""

    about: ClassVar[str] = "x where x ≥ 0, else alpha · (exp(x) − 1) (Clevert et al. 2016)."

    alpha: float = 1.0


class PReLU(ActivationLayer):
    """Parametric rectified linear unit (He et al. 2015). Weights: alpha, of the input's shape."""

    about: ClassVar[str] = (
        "x where x ≥ 0, else alpha · x, with one learned alpha for each input (He et al. 2015).\n\n"
        "Along `shared_axes`, counted from 1, all positions share one alpha: [1, 2] leaves one for each "
        "channel."
    )

    alpha_initializer: InitializerName = "zeros"
    shared_axes: Annotated[
        tuple[Positive, ...] | None,
        BeforeValidator(_as_axes),
    ] = None

    def output_shape(self, input_shape: Shape) -> Shape:
        beyond = [axis for axis in self.shared_axes or () if axis > len(input_shape)]
        if beyond:
            raise ShapeError(
                f"shared axis {beyond[0]} is not an axis of the {times(input_shape)} input",
                "axes are counted from 1, without the batch axis",
            )
        return input_shape

    def weights(self, input_shape: Shape) -> tuple[Weight, ...]:
        shared = self.shared_axes or ()
        shape = tuple(1 if axis in shared else size for axis, size in enumerate(input_shape, start=1))
        return (Weight("alpha", shape),)

    def arguments(self) -> dict[str, Any]:
        shared = None if self.shared_axes is None else list(self.shared_axes)
        return super().arguments() | {"shared_axes": shared}


class Softmax(ActivationLayer):
    """Softmax along an axis."""

    about: ClassVar[str] = (
        "exp(x) divided by the sum of exp(x) along axis `axis`: turns numbers into probabilities."
    )

    axis: int = -1

    def output_shape(self, input_shape: Shape) -> Shape:
        size_of_axis(self.axis, input_shape)
        return input_shape

    def spanned_axes(self, input_shape: Shape, output_shape: Shape) -> frozenset[int]:
        return frozenset([(self.axis - 1 if self.axis > 0 else self.axis) % len(input_shape)])
