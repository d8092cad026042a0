"""Where the branches of a graph part and meet again: the nested structure behind a flat list of steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cnnlab.accounting.architecture import LayerStep
from cnnlab.accounting.stages import trunk
from cnnlab.layers.graph import IMAGE


@dataclass(frozen=True)
class Branches:
    """The same input through several chains, which meet in `end`; an empty one is the input unchanged."""

    chains: tuple[Parts, ...]
    end: LayerStep


@dataclass(frozen=True)
class Tangle:
    """Steps whose connections are no branches within branches, as in a dense block."""

    steps: tuple[LayerStep, ...]


Parts = tuple[LayerStep | Branches | Tangle, ...]


def parts_of(steps: Sequence[LayerStep]) -> Parts:
    """The steps of a network in order, with branches taken together."""
    inputs = [step.node.inputs for step in steps]
    return tuple(_parts(steps, inputs))


def _parts(
    steps: Sequence[LayerStep], inputs: Sequence[tuple[int, ...]]
) -> list[LayerStep | Branches | Tangle]:
    """`inputs`: for each step the positions in `steps` that feed it, IMAGE for what comes in from before."""
    alone = trunk(inputs)
    found: list[LayerStep | Branches | Tangle] = []
    begin = IMAGE
    for end in range(len(steps)):
        if alone[end]:
            found.append(_between(steps, inputs, begin, end))
            begin = end
    return found


def _between(
    steps: Sequence[LayerStep], inputs: Sequence[tuple[int, ...]], begin: int, end: int
) -> LayerStep | Branches | Tangle:
    """What lies behind one step that all paths lead through, up to the next."""
    if set(inputs[end]) == {begin}:
        return steps[end]
    chains = [_behind(inputs, each, begin) for each in inputs[end]]
    positions = [position for chain in chains for position in chain]
    if sorted(positions) != list(range(begin + 1, end)):
        return Tangle(tuple(steps[begin + 1 : end + 1]))
    return Branches(tuple(_chain(steps, inputs, chain, begin) for chain in chains), steps[end])


def _behind(inputs: Sequence[tuple[int, ...]], position: int, begin: int) -> list[int]:
    """A position and all between it and `begin` that it needs, in order; none for `begin` itself."""
    needed: set[int] = set()
    waiting = [position]
    while waiting:
        each = waiting.pop()
        if each > begin and each not in needed:
            needed.add(each)
            waiting += inputs[each]
    return sorted(needed)


def _chain(
    steps: Sequence[LayerStep], inputs: Sequence[tuple[int, ...]], chain: list[int], begin: int
) -> Parts:
    places = {begin: IMAGE} | {position: place for place, position in enumerate(chain)}
    inner = [tuple(places[each] for each in inputs[position]) for position in chain]
    return tuple(_parts([steps[position] for position in chain], inner))
