"""A network as what will be drawn: volumes, blocks with branches, and repetitions folded into one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from cnnlab.accounting.architecture import Architecture, Step
from cnnlab.errors import unknown
from cnnlab.language.fields import Shape
from cnnlab.layers.base import Layer, SpatialLayer, snake_case, times
from cnnlab.layers.blocks import Block, Parallel, Repeat, Residual
from cnnlab.layers.from_keras.network import KerasNetwork
from cnnlab.layers.graph import Where
from cnnlab.layers.merging import Merge
from cnnlab.pictures.diagrams.branches import Branches, Parts, Tangle, parts_of

SYMBOLS = {"Add": "+", "Average": "mean", "Maximum": "max", "Minimum": "min", "Multiply": "×",
           "Subtract": "−"}  # fmt: skip
"""How layers are drawn in which branches meet number by number."""

KINDS = ("input", "convolution", "pooling", "dense", "other")


@dataclass(frozen=True)
class Volume:
    """The output of a layer: an image of (height, width, channels), or a row of numbers.

    `kernel`: height and width of the window that looks at the volume before. Layers that change numbers
    only, such as a normalization, are named and not drawn: `earlier` those before it, `besides` those behind.
    """

    kind: str
    title: str
    shape: Shape
    params: int = 0
    kernel: tuple[int, int] | None = None
    besides: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()


@dataclass(frozen=True)
class Joint:
    """Where branches meet number by number, such as Add."""

    symbol: str
    shape: Shape
    besides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fork:
    """A block: the same input through several chains, which meet in `end`."""

    name: str
    branches: tuple[Chain, ...]
    labels: tuple[str, ...]
    end: Volume | Joint
    params: int
    is_residual: bool


@dataclass(frozen=True)
class Folded:
    """A chain that is passed `times` times, drawn once."""

    name: str
    times: int
    chain: Chain
    params: int


Glyph = Volume | Joint | Fork | Folded


@dataclass(frozen=True)
class Chain:
    """Glyphs one after the other; none of them: the input as it came."""

    glyphs: tuple[Glyph, ...] = ()


@dataclass
class _Steps:
    """The steps of a network, taken one after the other as the config's layers ask for them."""

    steps: Sequence[Step]
    position: int = 0

    def take(self) -> Step:
        step = self.steps[self.position]
        self.position += 1
        return step

    def params_since(self, begin: int) -> int:
        return sum(step.params for step in self.steps[begin : self.position])

    def take_below(self, where: Where) -> Iterator[Step]:
        """All steps that the config describes below `where`, as long as they last."""
        while self.position < len(self.steps):
            if self.steps[self.position].node.where[: len(where)] != where:
                return
            yield self.take()


@dataclass
class _Gathering:
    """A chain that grows; small layers go to the volume before them, or wait for the first."""

    glyphs: list[Glyph] = field(default_factory=list)
    waiting: tuple[str, ...] = ()

    def add(self, glyph: Glyph) -> None:
        if isinstance(glyph, Fork) and self._folds(glyph):
            return
        if self.waiting and isinstance(glyph, Volume):
            glyph = replace(glyph, earlier=self.waiting)
            self.waiting = ()
        self.glyphs.append(glyph)

    def _folds(self, fork: Fork) -> bool:
        """Lays a block that equals the one before it, the name aside, on top of that one."""
        last = self.glyphs[-1] if self.glyphs else None
        times = 1
        if isinstance(last, Folded) and len(last.chain.glyphs) == 1:
            times, last = last.times, last.chain.glyphs[0]
        if not isinstance(last, Fork) or replace(last, name=fork.name) != fork:
            return False
        self.glyphs[-1] = Folded(last.name, times + 1, Chain((last,)), (times + 1) * fork.params)
        return True

    def add_word(self, word: str) -> None:
        """A layer that is only named."""
        last = self.glyphs[-1] if self.glyphs else None
        if isinstance(last, Volume | Joint):
            self.glyphs[-1] = replace(last, besides=(*last.besides, word))
        elif isinstance(last, Fork):
            self.glyphs[-1] = replace(last, end=replace(last.end, besides=(*last.end.besides, word)))
        else:
            self.waiting += (word,)

    @property
    def chain(self) -> Chain:
        return Chain(tuple(self.glyphs))


def network_glyphs(layers: Sequence[Layer], architecture: Architecture) -> Chain:
    """The whole network, its input first."""
    gathering = _Gathering([Volume("input", "Input", _image(architecture.input_shape, None))])
    _gather(layers, _Steps(architecture.steps), ("model", "layers"), gathering)
    return gathering.chain


def block_glyphs(layers: Sequence[Layer], architecture: Architecture, name: str) -> Chain:
    """One block of the network, with what goes into it.

    Raises:
        UserError: there is no such block.
    """
    names = [step.node.name for step in architecture.steps]
    blocks = {  # those of a Keras model are found in its graph, and have no layers of their own name
        block: glyph
        for block, glyph in _blocks(network_glyphs(layers, architecture), "")
        if any(each.startswith(f"{block}/") for each in names)
    }
    if name not in blocks:
        raise unknown("block", name, blocks)
    first = next(step for step in architecture.steps if step.node.name.startswith(f"{name}/"))
    return Chain((Volume("input", "Input", _image(first.input_shape, first.node.layer)), blocks[name]))


def _blocks(chain: Chain, scope: str) -> Iterator[tuple[str, Fork | Folded]]:
    for glyph in chain.glyphs:
        if isinstance(glyph, Fork | Folded):
            yield glyph.name, glyph
        inner = (
            glyph.branches if isinstance(glyph, Fork) else (glyph.chain,) if isinstance(glyph, Folded) else ()
        )
        for each in inner:
            yield from _blocks(each, scope)


def _gather(layers: Sequence[Layer], steps: _Steps, where: Where, into: _Gathering) -> None:
    for index, layer in enumerate(layers):
        here = (*where, index)
        if isinstance(layer, Repeat):
            into.add(_folded(layer, steps, here))
        elif isinstance(layer, Residual):
            _add_residual(layer, steps, here, into)
        elif isinstance(layer, Parallel):
            into.add(_parallel(layer, steps, here))
        elif isinstance(layer, KerasNetwork):
            _add_parts(parts_of(steps.steps), into)
        elif isinstance(layer, Block):  # one that is not known here: layer by layer
            for step in steps.take_below(here):
                _add_step(step, into)
        else:
            _add_step(steps.take(), into)


def _add_parts(parts: Parts, into: _Gathering) -> None:
    """The layers of a Keras model, whose branches are found in its graph."""
    for part in parts:
        if isinstance(part, Branches):
            into.add(_fork(part))
        elif isinstance(part, Tangle):
            last = part.steps[-1]
            params = sum(step.params for step in part.steps)
            title = f"{len(part.steps)} layers"
            into.add(Volume("other", title, _image(last.output_shape, last.node.layer), params))
        else:
            _add_step(part, into)


def _fork(branches: Branches) -> Fork:
    layer, name = branches.end.node.layer, branches.end.node.name
    filled = sorted(branches.chains, key=lambda chain: not chain)  # what came straight on is drawn last
    is_residual = layer.type() == "Add" and len(filled) == 2
    chains = tuple(_chain_of(parts) for parts in filled)
    straight = "identity" if is_residual else "as it came"
    labels = tuple("" if chain.glyphs else straight for chain in chains)
    shape = _image(branches.end.output_shape, None)
    symbol = SYMBOLS.get(layer.type())
    end = Joint(symbol, shape) if symbol else Volume("other", layer.type(), shape, branches.end.params)
    params = branches.end.params + sum(_params(chain) for chain in filled)
    return Fork(name, chains, labels, end, params, is_residual)


def _chain_of(parts: Parts) -> Chain:
    gathering = _Gathering()
    _add_parts(parts, gathering)
    return _closed(gathering)


def _params(parts: Parts) -> int:
    """The parameters of all layers in it."""
    total = 0
    for part in parts:
        if isinstance(part, Branches):
            total += part.end.params + sum(map(_params, part.chains))
        else:
            total += sum(step.params for step in (part.steps if isinstance(part, Tangle) else (part,)))
    return total


def _chain(layers: Sequence[Layer], steps: _Steps, where: Where) -> Chain:
    gathering = _Gathering()
    _gather(layers, steps, where, gathering)
    return _closed(gathering)


def _closed(gathering: _Gathering) -> Chain:
    if gathering.waiting:  # nothing in it can be drawn: what it does is said in words
        gathering.glyphs.append(Joint("", (), gathering.waiting))
    return gathering.chain


def _folded(layer: Repeat, steps: _Steps, where: Where) -> Folded:
    begin = steps.position
    name = steps.steps[begin].node.name
    chain = _chain(layer.layers, steps, (*where, "layers"))
    for _ in range(layer.times - 1):
        _chain(layer.layers, steps, (*where, "layers"))
    depth = sum(1 for part in where if isinstance(part, int))
    return Folded("/".join(name.split("/")[:depth]), layer.times, chain, steps.params_since(begin))


def _add_residual(layer: Residual, steps: _Steps, where: Where, into: _Gathering) -> None:
    begin = steps.position
    main = _chain(layer.layers, steps, (*where, "layers"))
    side = _Gathering()
    for step in steps.take_below((*where, "shortcut")):
        _add_step(step, side)
    add = steps.take()
    besides: tuple[str, ...] = ()
    if layer.activation is not None:
        steps.take()
        besides = (layer.activation,)
    end = Joint("+", _image(add.output_shape, None), besides)
    name = add.node.name.rpartition("/")[0]
    labels = ("", "" if side.glyphs else "identity")
    params = steps.params_since(begin)
    into.add(Fork(name, (main, side.chain), labels, end, params, is_residual=True))


def _parallel(layer: Parallel, steps: _Steps, where: Where) -> Fork:
    begin = steps.position
    branches = tuple(
        _chain(branch, steps, (*where, "branches", index)) for index, branch in enumerate(layer.branches)
    )
    merge = steps.take()
    labels = tuple("" if branch.glyphs else "as it came" for branch in branches)
    name = merge.node.name.rpartition("/")[0]
    symbol = SYMBOLS.get(merge.node.layer.type())
    shape = _image(merge.output_shape, None)
    end = Joint(symbol, shape) if symbol else Volume("other", merge.node.layer.type(), shape)
    return Fork(name, branches, labels, end, steps.params_since(begin), is_residual=False)


def _add_step(step: Step, into: _Gathering) -> None:
    """A layer that changes the shape, or has neurons, is a volume; others are words."""
    layer = step.node.layer
    kind = _kind(step)
    if kind is None:
        if layer.type() != "ZeroPadding2D":  # what it is for, the next shape says
            into.add_word(_word(layer))
        return
    window = layer.window
    kernel = window.size if window else None
    stride = window.stride if window else (1, 1)
    title = layer.type() + (f" {times(kernel)}" if kernel else "")
    usual = kernel if kind == "pooling" else (1, 1)
    if kernel and stride != usual:
        title += f" /{stride[0] if stride[0] == stride[1] else times(stride)}"
    activation = getattr(layer, "activation", None)
    besides = (activation,) if activation not in (None, "linear") else ()
    into.add(Volume(kind, title, _image(step.output_shape, layer), step.params, kernel, besides))


def _kind(step: Step) -> str | None:
    layer = step.node.layer
    if layer.neurons(step.input_shape):
        return "convolution" if len(step.output_shape) == 3 else "dense"
    if "Pooling" in layer.type():
        return "pooling"
    if isinstance(layer, Merge) or len(step.output_shape) != len(step.input_shape):
        return "other"
    resized = step.output_shape != step.input_shape and "Padding" not in layer.type()
    return "other" if resized else None


def _word(layer: Layer) -> str:
    """BatchNormalization → batch norm, as one says it."""
    activation = getattr(layer, "activation", None)
    if layer.type() in ("Activation", "ReLU", "ELU", "PReLU", "LeakyReLU"):
        return str(activation) if layer.type() == "Activation" else layer.type()
    words = snake_case(layer.type()).replace("_", " ").replace("normalization", "norm")
    return words.removesuffix("2d").strip()


def _image(shape: Shape, layer: Layer | None) -> Shape:
    """(height, width, channels), whatever the data format; other shapes as they are."""
    if len(shape) == 3 and isinstance(layer, SpatialLayer):
        return layer.spatial(shape)
    return shape
