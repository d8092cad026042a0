"""How much of the network's input one output sees, at most.

It follows from what layers say of themselves: the footprint of an output on the layer's own input. Which
pixels a single output sees, `analyses.receptive_fields` finds from the same footprints.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from cnnlab.language.fields import Shape
from cnnlab.layers.base import Layer
from cnnlab.layers.window import Footprint

Path = tuple[Footprint, ...]
"""Footprints from the network's input to a layer, those between two enlargements combined into one."""


@dataclass(frozen=True)
class AxisField:
    """What one output sees along one axis of the network's input.

    `extent` is how far it sees, `jump` how far two neighbouring outputs lie apart, in steps of the input
    (Araujo, Norris & Sim 2019, doi 10.23915/distill.00021). Behind an enlargement, whose neighbouring outputs
    share inputs, both are averages, and `size` is an upper bound: that of the position that sees most.
    """

    whole: int  # size of the input
    input_axis: int
    extent: Fraction = Fraction(1)
    jump: Fraction = Fraction(1)
    paths: tuple[Path, ...] = ((Footprint(1),),)  # one for each way to enlarge; their largest answer counts

    @property
    def size(self) -> int:
        """Whole steps of the input that one output sees at most."""
        return self.whole if self.extent >= self.whole else min(self.seen_by(1), self.whole)

    def seen_by(self, outputs: int) -> int:
        """How many steps of the input this many outputs in a row see at most, were the input without end."""
        return max(_seen(path, outputs) for path in self.paths)

    def through(self, footprint: Footprint) -> AxisField:
        """The field behind a layer of this footprint."""
        extent = min(self.extent + (footprint.num_inputs - 1) * self.jump, Fraction(self.whole))
        paths = tuple(_extended(path, footprint) for path in self.paths)
        return replace(self, extent=extent, jump=self.jump * footprint.step, paths=paths)

    def of_everything(self) -> AxisField:
        return replace(self, extent=Fraction(self.whole))

    def joined(self, other: AxisField) -> AxisField:
        """The larger field where two branches meet."""
        paths: dict[tuple[int, ...], Path] = {}
        for path in (*self.paths, *other.paths):
            spreads = tuple(each.spread for each in path)
            paths[spreads] = _larger(paths.get(spreads, path), path)
        extent, jump = max(self.extent, other.extent), max(self.jump, other.jump)
        return replace(self, extent=extent, jump=jump, paths=tuple(paths.values()))


def _seen(path: Path, outputs: int) -> int:
    for each in reversed(path):
        outputs = -(-((outputs - 1) * each.stride + each.extent) // each.spread)
    return outputs


def _extended(path: Path, by: Footprint) -> Path:
    *rest, last = path
    if by.spread > 1:
        return (*path, by)
    extent = last.extent + (by.extent - 1) * last.stride
    return (*rest, Footprint(extent, last.stride * by.stride, last.spread))


def _larger(one: Path, other: Path) -> Path:
    """A path that sees at least as much as either, which enlarge in the same way."""
    return tuple(
        Footprint(max(a.extent, b.extent), max(a.stride, b.stride), a.spread)
        for a, b in zip(one, other, strict=True)
    )


@dataclass(frozen=True)
class ReceptiveField:
    """What one output sees of the network's input, axis by axis of the tensor it stands in.

    The statistics that normalizations take over a whole image do not count.
    """

    axes: tuple[AxisField, ...]
    is_unknown: bool = False
    """Behind a layer that hides positions: what an output sees is not known, until it sees everything."""

    @classmethod
    def of_one_pixel(cls, input_shape: Shape) -> ReceptiveField:
        """Where nothing has been computed yet."""
        return cls(tuple(AxisField(size, axis) for axis, size in enumerate(input_shape)))

    def along(self, input_axis: int) -> AxisField:
        """What is seen along an axis of the network's input."""
        return next(each for each in self.axes if each.input_axis == input_axis)

    def through(self, layer: Layer, input_shape: Shape, output_shape: Shape) -> ReceptiveField:
        """The receptive field behind a layer."""
        ranks = {len(self.axes), len(input_shape), len(output_shape)}
        if layer.sees_everything:
            return self._of_everything()
        if self.is_unknown or (layer.hides_positions and not self._is_everything):
            return replace(self, is_unknown=True)
        if layer.hides_positions or len(ranks) > 1:
            return self._of_everything()
        if layer.axes_order is not None:
            return ReceptiveField(tuple(self.axes[axis] for axis in layer.axes_order))
        axes = list(self.axes)
        for axis, footprint in layer.footprints(input_shape).items():
            axes[axis] = axes[axis].through(footprint)
        return ReceptiveField(tuple(axes))._spanning(layer.spanned_axes(input_shape, output_shape))

    def joined(self, other: ReceptiveField, joined_axis: int | None) -> ReceptiveField:
        """The larger receptive field where two branches meet.

        Along the axis on which they are put one behind the other, neighbours may come from anywhere.
        """
        if self.is_unknown or other.is_unknown:
            return self if self.is_unknown else other
        if [each.input_axis for each in self.axes] != [each.input_axis for each in other.axes]:
            return max(self, other, key=lambda field: math.prod(each.size for each in field.axes))
        together = ReceptiveField(
            tuple(one.joined(another) for one, another in zip(self.axes, other.axes, strict=True))
        )
        return together if joined_axis is None else together._spanning([joined_axis % len(self.axes)])

    @property
    def _is_everything(self) -> bool:
        return all(each.extent == each.whole for each in self.axes)

    def _spanning(self, axes: Iterable[int]) -> ReceptiveField:
        spanning = set(axes)
        return ReceptiveField(
            tuple(each.of_everything() if axis in spanning else each for axis, each in enumerate(self.axes))
        )

    def _of_everything(self) -> ReceptiveField:
        """From Flatten or a global pooling on: a field of the input's own axes."""
        inputs = sorted(self.axes, key=lambda each: each.input_axis)
        return ReceptiveField(
            tuple(AxisField(each.whole, each.input_axis, Fraction(each.whole)) for each in inputs)
        )
