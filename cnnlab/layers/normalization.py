"""Layers that bring numbers to mean 0 and variance 1."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cnnlab.errors import ShapeError
from cnnlab.fields import Rate, Shape
from cnnlab.layers.base import Layer, Weight, times


class BatchNormalization(Layer):
    """Normalise each channel over the batch, then scale by gamma and shift by beta, which are learned.

    Ioffe & Szegedy 2015. After training the moving mean and variance take the batch's place: they are
    parameters, but not trainable ones.
    """

    axis: int = -1
    momentum: Rate = 0.99
    epsilon: Annotated[float, Field(gt=0)] = 0.001
    center: bool = True
    scale: bool = True

    def output_shape(self, input_shape: Shape) -> Shape:
        self._channels(input_shape)
        return input_shape

    def weights(self, input_shape: Shape) -> tuple[Weight, ...]:
        shape = (self._channels(input_shape),)
        learned = [
            Weight(name, shape) for name, used in (("gamma", self.scale), ("beta", self.center)) if used
        ]
        moving = [Weight(name, shape, trainable=False) for name in ("moving_mean", "moving_variance")]
        return (*learned, *moving)

    def _channels(self, input_shape: Shape) -> int:
        """Size of `axis`, which counts the batch axis as 0, as Keras does."""
        axis = self.axis - 1 if self.axis > 0 else self.axis
        if self.axis == 0 or not -len(input_shape) <= axis < len(input_shape):
            raise ShapeError(
                f"axis {self.axis} is not an axis of the {times(input_shape)} input",
                "use axis: -1 for channels last, axis: 1 for channels first",
            )
        return input_shape[axis]
