"""How much of the network's input one output sees."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

from cnnlab.language.fields import Shape
from cnnlab.layers.augmentation import RandomCrop
from cnnlab.layers.base import Layer, SpatialLayer
from cnnlab.layers.reshaping import Permute

Fractions = tuple[Fraction, ...]


@dataclass(frozen=True)
class ReceptiveField:
    """What one output sees of the network's input, axis by axis of the tensor it stands in.

    `extent` is how far it sees, in steps of the input; `jump` how far two neighbouring outputs lie apart
    there (Araujo, Norris & Sim 2019, doi 10.23915/distill.00021). Behind an upsampling the jump is a
    fraction, and the extent an upper bound: how many pixels meet in a window depends on its place. The
    statistics that normalizations take over a whole image do not count.
    """

    whole: Shape  # the network's input
    axes: tuple[int, ...]  # along which axis of the input each axis of the tensor runs
    extent: Fractions
    jump: Fractions
    is_unknown: bool = False
    """Behind a layer that hides places: what is seen there nobody knows, until all of it is."""

    @classmethod
    def of_one_pixel(cls, input_shape: Shape) -> ReceptiveField:
        """Where nothing has been computed yet."""
        ones = (Fraction(1),) * len(input_shape)
        return cls(input_shape, tuple(range(len(input_shape))), ones, ones)

    @classmethod
    def of_everything(cls, input_shape: Shape) -> ReceptiveField:
        """From Flatten or a global pooling on."""
        pixel = cls.of_one_pixel(input_shape)
        return cls(input_shape, pixel.axes, tuple(map(Fraction, input_shape)), pixel.jump)

    def along(self, input_axis: int) -> int:
        """How far an output sees along an axis of the network's input."""
        return math.ceil(self.extent_along(input_axis))

    def extent_along(self, input_axis: int) -> Fraction:
        """The same before it is rounded to whole pixels."""
        return self.extent[self.axes.index(input_axis)]

    def jump_along(self, input_axis: int) -> Fraction:
        """How far two neighbouring outputs lie apart along an axis of the network's input."""
        return self.jump[self.axes.index(input_axis)]

    def through(self, layer: Layer, input_shape: Shape) -> ReceptiveField:
        """The sight behind a layer."""
        everything = ReceptiveField.of_everything(self.whole)
        if layer.sees_everything:
            return everything
        if self.is_unknown or (layer.hides_places and self.extent != everything.extent):
            return replace(self, is_unknown=True)
        if layer.hides_places or len(self.axes) != len(input_shape):
            return everything
        if isinstance(layer, Permute):
            return self._permuted(layer.dims)
        view = layer.view
        if view is None or not isinstance(layer, SpatialLayer):
            return self
        shrinking = layer.shrinking(input_shape) if isinstance(layer, RandomCrop) else Fraction(1)
        extent, jump = list(self.extent), list(self.jump)
        for axis, size, stride, upsampling in zip(
            layer.spatial_axes, view.extent, view.stride, view.upsampling, strict=True
        ):
            extent[axis] = min(extent[axis] + (size - 1) * jump[axis], self._most(axis))
            jump[axis] *= Fraction(stride, upsampling) * shrinking
        if layer.locally_connected_params(input_shape) is not None:  # a kernel spans all channels
            extent[layer.channel_axis] = self._most(layer.channel_axis)
        return ReceptiveField(self.whole, self.axes, tuple(extent), tuple(jump))

    def joined(self, other: ReceptiveField) -> ReceptiveField:
        """The larger sight where two branches meet."""
        if self.is_unknown or other.is_unknown:
            return self if self.is_unknown else other
        if self.axes != other.axes:
            return max(self, other, key=lambda sight: math.prod(sight.extent))
        extent = tuple(map(max, self.extent, other.extent))
        return ReceptiveField(self.whole, self.axes, extent, tuple(map(max, self.jump, other.jump)))

    def _most(self, axis: int) -> Fraction:
        return Fraction(self.whole[self.axes[axis]])

    def _permuted(self, dims: tuple[int, ...]) -> ReceptiveField:
        """Axes in another order, counted from 1."""
        order = [each - 1 for each in dims]
        return ReceptiveField(
            self.whole,
            tuple(self.axes[each] for each in order),
            tuple(self.extent[each] for each in order),
            tuple(self.jump[each] for each in order),
        )
