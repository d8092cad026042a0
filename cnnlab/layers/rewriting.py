"""A list of layers, blocks included → another one, by a rule that sees one list at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from cnnlab.layers.base import Layer
from cnnlab.layers.graph import Block, BlockPath, Where, names_of


class Place(NamedTuple):
    """A layer with its name in the summary and its place in the config."""

    layer: Layer
    name: str
    """Such as residual_1/conv2d_2; of what a Repeat repeats, the name in the first round."""

    where: Where


Rule = Callable[[Sequence[Place]], Iterable[Layer]]
"""The layers of one list, the insides of its blocks rewritten already → the layers to stand there instead."""


def rewritten(layers: Sequence[Layer], rule: Rule) -> tuple[Layer, ...]:
    """The layers of a config's `model.layers` after the rule has been applied to every list among them."""
    return _list(layers, rule, ("model", "layers"), scope="", rounds=1)


def places_in(layers: Sequence[Layer]) -> tuple[Place, ...]:
    """Every layer and block, those inside of blocks before their block."""
    found: list[Place] = []

    def keep(places: Sequence[Place]) -> Iterator[Layer]:
        for place in places:
            found.append(place)
            yield place.layer

    rewritten(layers, keep)
    return tuple(found)


def _list(layers: Sequence[Layer], rule: Rule, where: Where, *, scope: str, rounds: int) -> tuple[Layer, ...]:
    names = names_of([(layer.type(), layer.name) for layer in layers], rounds=rounds)
    places = []
    for index, (layer, name) in enumerate(zip(layers, names, strict=False)):  # of the first round
        place = Place(layer, scope + name, (*where, index))
        if isinstance(layer, Block):
            place = place._replace(layer=_block(layer, rule, place))
        places.append(place)
    return tuple(rule(places))


def _block(block: Block, rule: Rule, place: Place) -> Block:
    """The block around its rewritten paths; a shortcut that a word stands for stays one where it can.

    A block that also passes its input on, as a spatial transformer does, computes something of its own from
    its layers, and is left as it is.
    """
    if not all(path.where for path in block.paths):
        return block
    fields: dict[str, Any] = {}
    for path in block.paths:
        layers = _list(
            path.layers, rule, (*place.where, *path.where), scope=f"{place.name}/{_scope(path)}",
            rounds=block.rounds,
        )  # fmt: skip
        if layers == path.layers:
            continue
        field, *index = path.where
        if index:
            every = list(fields.get(str(field), getattr(block, str(field))))
            every[int(index[0])] = layers
            fields[str(field)] = tuple(every)
        else:
            fields[str(field)] = layers
    return block.model_copy(update=fields) if fields else block


def _scope(path: BlockPath) -> str:
    """What the names inside of a path begin with, behind the block's own."""
    _, *index = path.where
    if index:
        return f"branch_{int(index[0]) + 1}/"
    return "shortcut/" if path.is_shortcut else ""
