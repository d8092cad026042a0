"""How much of the network's input one output sees, at most.

It follows from what layers say of themselves: the footprint of an output on the layer's own input. Which
pixels a single output sees, `analyses.receptive_fields` finds from the same footprints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

from cnnlab.language.fields import Shape
from cnnlab.layers.axis_field import AxisField
from cnnlab.layers.base import Layer
from cnnlab.layers.tensor_axes import TensorAxes, reshaped, scattered


@dataclass(frozen=True)
class ReceptiveField:
    """What one output sees of the network's input, along each axis of the tensor it stands in.

    A layer that only moves numbers, such as Flatten, changes nothing about what each of them sees. The
    statistics that normalizations take over a whole image do not count.
    """

    axes: tuple[TensorAxes, ...]
    is_unknown: bool = False
    """Behind a layer that hides positions: what an output sees is not known, until it sees everything."""

    @classmethod
    def of_one_pixel(cls, input_shape: Shape) -> ReceptiveField:
        """Where nothing has been computed yet."""
        return cls(tuple(TensorAxes((AxisField(size, axis),)) for axis, size in enumerate(input_shape)))

    def along(self, input_axis: int) -> AxisField:
        """What is seen along an axis of the network's input."""
        return next(each for each in self._fields if each.input_axis == input_axis)

    @property
    def input_axes(self) -> tuple[int | None, ...]:
        """For each axis of the tensor the axis of the network's input that runs along it, if it is one."""
        return tuple(chain.from_iterable([each.input_axis] * each.rank for each in self.axes))

    def through(self, layer: Layer, input_shape: Shape, output_shape: Shape) -> ReceptiveField:
        """The receptive field behind a layer."""
        rank = len(output_shape)
        if layer.sees_everything:
            return self._of_everything(rank)
        if self.is_unknown or (layer.hides_positions and not self._is_everything):
            return replace(self, is_unknown=True)
        if layer.hides_positions:
            return self._of_everything(rank)
        if layer.only_reshapes:
            order = layer.written_order(input_shape)
            shape = tuple(input_shape[axis] for axis in order)
            return ReceptiveField(reshaped(self._permuted(order), shape, output_shape))
        if layer.axes_order is not None:
            return ReceptiveField(self._permuted(layer.axes_order))
        if dropped := layer.dropped_axes:
            return self._spanning(dropped)._without(dropped)
        if rank != len(input_shape):
            return self._of_everything(rank)
        field = self
        for axis, footprint in layer.footprints(input_shape).items():
            field = field._changed([axis], partial(TensorAxes.combining, footprint=footprint))
        return field._spanning(layer.spanned_axes(input_shape, output_shape))

    def joined(self, other: ReceptiveField, layer: Layer, shapes: tuple[Shape, Shape]) -> ReceptiveField:
        """The larger receptive field where a layer joins two branches, of these shapes.

        An axis that is repeated, because it is of size 1 in one of them, is seen as a whole.
        """
        if self.is_unknown or other.is_unknown:
            return self if self.is_unknown else other
        rank = max(map(len, shapes))
        both = list(zip(self.axes, other.axes, strict=False))
        alike = len(self.axes) == len(other.axes) and all(a.holds_the_same(b) for a, b in both)
        if not alike or len({*map(len, shapes)}) > 1:
            return ReceptiveField(tuple(each.everything() for each in self.axes))
        joined_axis = None if layer.joined_axis is None else layer.joined_axis % rank
        found, place = [], 0
        for a, b in both:
            is_joined = joined_axis is not None and place <= joined_axis < place + a.rank
            found.append(a.concatenated(b) if is_joined else a.joined(b))
            place += a.rank
        repeated = [axis for axis, (a, b) in enumerate(zip(*shapes, strict=True)) if a != b]
        return ReceptiveField(tuple(found))._spanning(axis for axis in repeated if axis != joined_axis)

    @property
    def _fields(self) -> tuple[AxisField, ...]:
        return tuple(field for each in self.axes for field in each.fields)

    @property
    def _is_everything(self) -> bool:
        return all(each.extent == each.whole for each in self._fields)

    def _permuted(self, order: tuple[int, ...]) -> tuple[TensorAxes, ...]:
        if list(order) == sorted(order):
            return self.axes
        if any(each.rank > 1 for each in self.axes):
            return scattered(self.axes, len(order))
        return tuple(self.axes[axis] for axis in order)

    def _changed(
        self, tensor_axes: Iterable[int], change: Callable[[TensorAxes], TensorAxes]
    ) -> ReceptiveField:
        """The field with those of its axes changed that hold these axes of the tensor."""
        wanted, found, place = set(tensor_axes), [], 0
        for each in self.axes:
            found.append(change(each) if wanted.intersection(range(place, place + each.rank)) else each)
            place += each.rank
        return ReceptiveField(tuple(found))

    def _spanning(self, tensor_axes: Iterable[int]) -> ReceptiveField:
        return self._changed(tensor_axes, TensorAxes.spanned)

    def _without(self, dropped: Iterable[int]) -> ReceptiveField:
        """Where axes are gone that each output sees as a whole: one of those that are left holds them."""
        gone = set(dropped)
        if any(each.rank > 1 for each in self.axes):
            return self._of_everything(len(self.input_axes) - len(gone))
        first, *others = (each for axis, each in enumerate(self.axes) if axis not in gone)
        seen = tuple(field for axis, each in enumerate(self.axes) if axis in gone for field in each.fields)
        line = None if first.line is None else len(seen) + first.line
        return ReceptiveField((TensorAxes(seen + first.fields, line), *others))

    def _of_everything(self, rank: int) -> ReceptiveField:
        """Each output sees the whole input; behind it, positions are no positions in the image any more."""
        inputs = sorted(self._fields, key=lambda each: each.input_axis)
        fields = tuple(AxisField(each.whole, each.input_axis).of_everything() for each in inputs)
        return ReceptiveField((TensorAxes(fields, None, rank),))
