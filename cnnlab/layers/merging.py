"""Layers where branches meet. They stand in the summary; a config writes the block that they end."""

from __future__ import annotations

from collections.abc import Sequence

from cnnlab.errors import ShapeError
from cnnlab.language.fields import Shape
from cnnlab.layers.base import Layer, times


class Merge(Layer):
    """One tensor from several of the same shape, number by number. No weights.

    Keras would stretch an axis of size 1 to fit; here that is refused, because it is seldom meant.
    """

    def output_shape(self, input_shape: Shape) -> Shape:
        return self.output_shape_of((input_shape,))

    def output_shape_of(self, input_shapes: tuple[Shape, ...]) -> Shape:
        if len(set(input_shapes)) > 1:
            raise ShapeError(
                f"branches of different shapes meet: {_listed(input_shapes)}",
                "give them the same strides, padding and channels; in a Residual, shortcut: projection does",
            )
        return input_shapes[0]


class Add(Merge):
    """The sum of the branches."""


class Average(Merge):
    """The mean of the branches."""


class Maximum(Merge):
    """The largest number of the branches at each place."""


class Concatenate(Merge):
    """The branches one behind the other along `axis`, which counts the batch axis as 0: −1 is the last.

    (H, W, C₁), (H, W, C₂), … → (H, W, C₁ + C₂ + …).
    """

    axis: int = -1

    @property
    def joined_axis(self) -> int:
        return self.axis - 1 if self.axis > 0 else self.axis

    def output_shape_of(self, input_shapes: tuple[Shape, ...]) -> Shape:
        first = input_shapes[0]
        axis = self.joined_axis
        if self.axis == 0 or not -len(first) <= axis < len(first):
            raise ShapeError(
                f"axis {self.axis} is not an axis of a {times(first)} branch",
                "use axis: -1 for channels last, axis: 1 for channels first",
            )
        axis %= len(first)
        if len({(*shape[:axis], 0, *shape[axis + 1 :]) for shape in input_shapes}) > 1:
            raise ShapeError(
                f"branches meet that differ in more than axis {self.axis}: {_listed(input_shapes)}",
                "give them the same strides, and padding: same",
            )
        return (*first[:axis], sum(shape[axis] for shape in input_shapes), *first[axis + 1 :])


def _listed(shapes: Sequence[Shape]) -> str:
    return ", ".join(times(shape) for shape in shapes[:-1]) + f" and {times(shapes[-1])}"
