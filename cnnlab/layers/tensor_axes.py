"""Where the numbers of a tensor come from: the axes of the network's input that lie along its own axes.

A layer with a window combines neighbours along an axis. One that only reshapes moves numbers; what each of
them sees stays what it was. Which of them are neighbours then, is what this keeps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from cnnlab.layers.axis_field import AxisField
from cnnlab.layers.window import Footprint


@dataclass(frozen=True)
class TensorAxes:
    """One axis of a tensor, or several that cannot be told apart.

    fields: what one number sees along those axes of the network's input that lie along this one.
    line: the place among them of the one along which neighbours lie apart. None: there is no such one; a
        layer that combines neighbours is taken to see all of them.
    rank: how many axes of the tensor these are.
    parts: what they were made from by reshaping, with the sizes, so that it can be undone.
    """

    fields: tuple[AxisField, ...]
    line: int | None = 0
    rank: int = 1
    parts: tuple[tuple[int, TensorAxes], ...] = ()

    @property
    def input_axis(self) -> int | None:
        """The axis of the network's input that runs along this one, if it is one."""
        return None if self.line is None else self.fields[self.line].input_axis

    def combining(self, footprint: Footprint) -> TensorAxes:
        """Behind a layer that combines neighbours along it."""
        if self.line is None:
            return self.everything()
        return self._along_line(lambda field: field.through(footprint))

    def spanned(self) -> TensorAxes:
        """Behind a layer whose outputs depend on all numbers along it."""
        return self.everything() if self.line is None else self._along_line(AxisField.of_everything)

    def everything(self) -> TensorAxes:
        return TensorAxes(tuple(each.of_everything() for each in self.fields), self.line, self.rank)

    def holds_the_same(self, other: TensorAxes) -> bool:
        """Whether the same axes of the network's input lie along both."""
        mine, others = ([each.input_axis for each in axes.fields] for axes in (self, other))
        return (self.rank, sorted(mine)) == (other.rank, sorted(others))

    def joined(self, other: TensorAxes) -> TensorAxes:
        """Where branches meet that hold the same, number by number: the larger fields.

        Where numbers may stand in another order, two that meet may come from anywhere.
        """
        if not self._has_the_order_of(other):
            return self.everything()
        parts = (
            (size, one.joined(another))
            for (size, one), (_, another) in zip(self.parts, other.parts, strict=True)
        )
        return replace(self, fields=self._larger_fields(other), parts=tuple(parts))

    def concatenated(self, other: TensorAxes) -> TensorAxes:
        """Where branches that hold the same stand one behind the other: neighbours may come from anywhere."""
        return TensorAxes(self._larger_fields(other), None, self.rank)

    def _has_the_order_of(self, other: TensorAxes) -> bool:
        if self is other:
            return True
        if self.line is None and not self.parts:
            return False
        return (
            self.input_axis == other.input_axis
            and [size for size, _ in self.parts] == [size for size, _ in other.parts]
            and all(
                one.holds_the_same(another) and one._has_the_order_of(another)
                for (_, one), (_, another) in zip(self.parts, other.parts, strict=True)
            )
        )

    def _larger_fields(self, other: TensorAxes) -> tuple[AxisField, ...]:
        of_other = {each.input_axis: each for each in other.fields}
        return tuple(each.joined(of_other[each.input_axis]) for each in self.fields)

    def _along_line(self, change: Callable[[AxisField], AxisField]) -> TensorAxes:
        fields = (change(each) if place == self.line else each for place, each in enumerate(self.fields))
        return TensorAxes(tuple(fields), self.line, self.rank)


def scattered(axes: Sequence[TensorAxes], rank: int) -> tuple[TensorAxes, ...]:
    """All of a tensor's numbers, in whatever order."""
    return (TensorAxes(_fields(axes), None, rank),)


def reshaped(
    axes: Sequence[TensorAxes], shape: Sequence[int], target: Sequence[int]
) -> tuple[TensorAxes, ...]:
    """The axes behind a layer that writes the same numbers in another shape, row by row.

    Where whole axes are put together, or taken apart again, it is known which is which.
    """
    pieces = list(chain.from_iterable(_taken_apart(axes, shape)))
    found: list[TensorAxes] = []
    for sizes, count in _alike([size for size, _ in pieces], target):
        run, pieces = pieces[:count], pieces[count:]
        found += _put_together(run, len(sizes))
    if pieces:  # of size 1
        found[-1:] = _put_together([*_pieces(found[-1], target[-1]), *pieces], found[-1].rank)
    return tuple(found)


def _taken_apart(
    axes: Sequence[TensorAxes], shape: Sequence[int]
) -> Iterator[tuple[tuple[int, TensorAxes], ...]]:
    place = 0
    for each in axes:
        size = math.prod(shape[place : place + each.rank])
        yield _pieces(each, size)
        place += each.rank


def _pieces(axes: TensorAxes, size: int) -> tuple[tuple[int, TensorAxes], ...]:
    return axes.parts or ((size, axes),)


def _alike(pieces: Sequence[int], target: Sequence[int]) -> Iterator[tuple[list[int], int]]:
    """The shortest runs of target sizes that are as many numbers as whole pieces, and how many pieces."""
    pieces, target = list(pieces), list(target)
    while target:
        sizes, count, numbers = [target.pop(0)], 0, 1
        while math.prod(sizes) != numbers:
            if math.prod(sizes) > numbers:
                numbers *= pieces.pop(0)
                count += 1
            else:
                sizes.append(target.pop(0))
        yield sizes, count


def _put_together(run: Sequence[tuple[int, TensorAxes]], rank: int) -> tuple[TensorAxes, ...]:
    """As one axis, or as several that cannot be told apart."""
    axes = [each for _, each in run]
    if rank > 1:
        return scattered(axes, rank)
    if len(axes) == 1:
        return (replace(axes[0], rank=1),)
    fields = _fields(axes)
    longer = [each for size, each in run if size > 1]
    line = None
    if len(longer) == 1 and (alone := longer[0]).line is not None:  # along the others nothing moves
        before = axes[: next(place for place, each in enumerate(axes) if each is alone)]
        line = len(_fields(before)) + alone.line
    return (TensorAxes(fields, line, 1, tuple(run)),)


def _fields(axes: Sequence[TensorAxes]) -> tuple[AxisField, ...]:
    return tuple(field for each in axes for field in each.fields)
