"""Layers where branches meet. They stand in the summary; a config writes the block that they end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from cnnlab.errors import ShapeError
from cnnlab.language.fields import Shape
from cnnlab.layers.base import DrawingRole, Layer, times


class Merge(Layer):
    """One tensor from several of the same shape, number by number. No weights.

    Keras would broadcast an axis of size 1; here that is refused, because it is rarely intended.
    """

    drawing_role: ClassVar[DrawingRole] = "merge"

    def output_shape(self, input_shape: Shape) -> Shape:
        return self.output_shape_of((input_shape,))

    def output_shape_of(self, input_shapes: tuple[Shape, ...]) -> Shape:
        if len(set(input_shapes)) > 1:
            raise ShapeError(
                f"the branches have different shapes: {_listed(input_shapes)}",
                "give them the same strides, padding and channels; in a Residual, use shortcut: projection",
            )
        return input_shapes[0]

    def explain_output(self, input_shapes: tuple[Shape, ...], output_shape: Shape) -> Iterator[str]:
        yield f"{len(input_shapes)} branches meet: {_listed(input_shapes)}."
        if self.joined_axis is None:
            yield f"They have the same shape, and the output has it too: {times(output_shape)}."
            return
        axis = self.joined_axis % len(output_shape)
        what = "channels" if axis == len(output_shape) - 1 else f"along axis {axis + 1}"
        sizes = " + ".join(str(shape[axis]) for shape in input_shapes)
        yield f"Concatenated: {sizes} = {output_shape[axis]:,} {what}."


class Add(Merge):
    """The sum of the branches."""

    about: ClassVar[str] = "The sum of the branches."
    symbol: ClassVar[str] = "+"


class Average(Merge):
    """The mean of the branches."""

    about: ClassVar[str] = "The mean of the branches."
    symbol: ClassVar[str] = "mean"


class Maximum(Merge):
    """The largest number of the branches at each position."""

    about: ClassVar[str] = "The largest number of the branches at each position."
    symbol: ClassVar[str] = "max"


class Concatenate(Merge):
    """The branches one behind the other along an axis: (H, W, C₁), (H, W, C₂), … → (H, W, C₁ + C₂ + …)."""

    about: ClassVar[str] = (
        "The branches concatenated along axis `axis`; the batch axis is 0, and −1 is the last.\n\n"
        "(H, W, C₁), (H, W, C₂), … → (H, W, C₁ + C₂ + …)."
    )
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
                f"the branches differ in more than axis {self.axis}: {_listed(input_shapes)}",
                "give them the same strides, and padding: same",
            )
        return (*first[:axis], sum(shape[axis] for shape in input_shapes), *first[axis + 1 :])


def _listed(shapes: Sequence[Shape]) -> str:
    return ", ".join(times(shape) for shape in shapes[:-1]) + f" and {times(shapes[-1])}"
