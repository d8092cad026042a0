"""How much of one axis of the network's input one output sees, at most."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

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
