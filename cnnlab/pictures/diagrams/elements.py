"""A network as what will be drawn: volumes, blocks with branches, and repetitions drawn once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from cnnlab.accounting.architecture import Architecture, LayerStep
from cnnlab.accounting.growth import growth
from cnnlab.errors import unknown
from cnnlab.language.fields import Shape
from cnnlab.layers.base import Layer, SpatialLayer, times
from cnnlab.layers.graph import Block, BlockPath, Where
from cnnlab.pictures.diagrams.branches import Branches, Parts, Tangle, parts_of


@dataclass(frozen=True)
class Volume:
    """The output of a layer: an image of (height, width, channels), or a row of numbers.

    `kernel`: height, width and channels of the window over the volume before. Layers that only change
    numbers, such as a normalization, are named and not drawn: `notes_before` those before the volume, `notes`
    those after it. `written`: the shape as the summary has it, where that is another.
    """

    kind: str
    title: str
    shape: Shape
    params: int = 0
    kernel: tuple[int, int, int] | None = None
    notes: tuple[str, ...] = ()
    notes_before: tuple[str, ...] = ()
    written: Shape = ()


@dataclass(frozen=True)
class MergePoint:
    """Where branches are combined number by number, such as Add."""

    symbol: str
    shape: Shape
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fork:
    """A block: the same input through several chains, which meet in `end`."""

    name: str
    branches: tuple[Chain, ...]
    labels: tuple[str, ...]
    end: Volume | MergePoint
    params: int
    is_residual: bool


@dataclass(frozen=True)
class Repetition:
    """A chain that is repeated `times` times, drawn once. `growth`: what every round adds, in words."""

    name: str
    times: int
    chain: Chain
    params: int
    growth: str = ""


Element = Volume | MergePoint | Fork | Repetition


@dataclass(frozen=True)
class Chain:
    """Elements one after the other; none: the input unchanged."""

    elements: tuple[Element, ...] = ()


@dataclass
class _Steps:
    """The steps of a network, taken one after the other as the config's layers ask for them."""

    architecture: Architecture
    position: int = 0

    @property
    def steps(self) -> Sequence[LayerStep]:
        return self.architecture.steps

    def take(self) -> LayerStep:
        step = self.steps[self.position]
        self.position += 1
        return step

    def params_since(self, begin: int) -> int:
        return sum(step.params for step in self.steps[begin : self.position])

    def take_at(self, where: Where) -> Iterator[LayerStep]:
        """All following steps that the config describes at `where` itself."""
        while self.position < len(self.steps) and self.steps[self.position].node.where == where:
            yield self.take()


@dataclass
class _ChainBuilder:
    """A chain under construction; notes go to the volume before them, or wait for the first."""

    elements: list[Element] = field(default_factory=list)
    waiting: tuple[str, ...] = ()

    def add(self, element: Element) -> None:
        if isinstance(element, Fork) and self._repeats(element):
            return
        if self.waiting and isinstance(element, Volume):
            element = replace(element, notes_before=self.waiting)
            self.waiting = ()
        self.elements.append(element)

    def _repeats(self, fork: Fork) -> bool:
        """Combines a block that equals the one before it, but for its name, with that one."""
        last = self.elements[-1] if self.elements else None
        times = 1
        if isinstance(last, Repetition) and len(last.chain.elements) == 1:
            times, last = last.times, last.chain.elements[0]
        if not isinstance(last, Fork) or replace(last, name=fork.name) != fork:
            return False
        self.elements[-1] = Repetition(last.name, times + 1, Chain((last,)), (times + 1) * fork.params)
        return True

    def add_note(self, note: str) -> None:
        """Adds a layer that is only named."""
        last = self.elements[-1] if self.elements else None
        if isinstance(last, Volume | MergePoint):
            self.elements[-1] = replace(last, notes=(*last.notes, note))
        elif isinstance(last, Fork):
            self.elements[-1] = replace(last, end=replace(last.end, notes=(*last.end.notes, note)))
        else:
            self.waiting += (note,)

    @property
    def chain(self) -> Chain:
        """What was added; where that is notes alone, a merge point that has them."""
        noted = (MergePoint("", (), self.waiting),) if self.waiting else ()
        return Chain((*self.elements, *noted))


def network_elements(layers: Sequence[Layer], architecture: Architecture) -> Chain:
    """The whole network, its input first."""
    axes = architecture.image_axes
    builder = _ChainBuilder([_input(architecture.input_shape, axes)])
    _add_layers(layers, _Steps(architecture), ("model", "layers"), builder)
    return builder.chain


def block_elements(layers: Sequence[Layer], architecture: Architecture, name: str) -> Chain:
    """One block of the network, with what goes into it.

    Raises:
        UserError: there is no such block.
    """
    names = [step.node.name for step in architecture.steps]
    blocks = {  # branches that are found in the graph have no layers of their own name
        block: element
        for block, element in _blocks(network_elements(layers, architecture), "")
        if any(each.startswith(f"{block}/") for each in names)
    }
    if name not in blocks:
        raise unknown("block", name, blocks)
    first = next(step for step in architecture.steps if step.node.name.startswith(f"{name}/"))
    return Chain((_input(first.input_shape, first.axes_before), blocks[name]))


def _input(shape: Shape, axes: tuple[int, int] | None) -> Volume:
    return Volume("input", "Input", _image(shape, axes), written=shape)


def _blocks(chain: Chain, scope: str) -> Iterator[tuple[str, Fork | Repetition]]:
    for element in chain.elements:
        if isinstance(element, Fork | Repetition):
            yield element.name, element
        inner = (
            element.branches
            if isinstance(element, Fork)
            else (element.chain,)
            if isinstance(element, Repetition)
            else ()
        )
        for each in inner:
            yield from _blocks(each, scope)


def _add_layers(layers: Sequence[Layer], steps: _Steps, where: Where, into: _ChainBuilder) -> None:
    for index, layer in enumerate(layers):
        here = (*where, index)
        if not isinstance(layer, Block):
            _add_step(steps.take(), into)
        elif not layer.paths:
            _add_parts(parts_of(steps.steps), into)
        elif len(layer.paths) == 1:
            into.add(_repetition(layer, steps, here))
        else:
            into.add(_fork(layer, steps, here))


def _chain(path: BlockPath, steps: _Steps, where: Where) -> Chain:
    builder = _ChainBuilder()
    _add_layers(path.layers, steps, (*where, *path.where), builder)
    return builder.chain


def _repetition(block: Block, steps: _Steps, where: Where) -> Repetition:
    begin = steps.position
    name = steps.steps[begin].node.name
    (path,) = block.paths
    chain = _chain(path, steps, where)
    for _ in range(block.rounds - 1):
        _chain(path, steps, where)
    depth = sum(1 for part in where if isinstance(part, int))
    own_name = "/".join(name.split("/")[:depth])
    grows = _growth(steps, own_name, block.rounds)
    return Repetition(own_name, block.rounds, chain, steps.params_since(begin), grows)


def _growth(steps: _Steps, path: str, rounds: int) -> str:
    """Where a repeated block puts new channels behind those that it got: how many each time, and in all."""
    found = growth(steps.architecture, f"{path}/")
    if found is None or found.channels % rounds:
        return ""
    return f"+{found.channels // rounds} channels each time: {found.before} → {found.after}"


def _fork(block: Block, steps: _Steps, where: Where) -> Fork:
    begin = steps.position
    branches = tuple(_chain(path, steps, where) for path in block.paths)
    merge, *after = steps.take_at(where)
    end = _merged(merge, tuple(step.node.layer.short_name for step in after))
    name = merge.node.name.rpartition("/")[0]
    is_residual = any(path.is_shortcut for path in block.paths)
    return Fork(name, branches, _labels(branches), end, steps.params_since(begin), is_residual)


def _add_parts(parts: Parts, into: _ChainBuilder) -> None:
    """The layers of a network whose branches are found in its graph."""
    for part in parts:
        if isinstance(part, Branches):
            into.add(_fork_in_graph(part))
        elif isinstance(part, Tangle):
            last, params = part.steps[-1], sum(step.params for step in part.steps)
            shape = _image(last.output_shape, last.axes_after)
            title = f"{len(part.steps)} layers"
            into.add(Volume("other", title, shape, params, written=last.output_shape))
        else:
            _add_step(part, into)


def _fork_in_graph(found: Branches) -> Fork:
    filled = sorted(found.chains, key=lambda parts: not parts)  # the input itself is drawn last
    branches = tuple(map(_chain_of, filled))
    params = found.end.params + sum(map(_params, filled))
    is_residual = found.end.node.layer.type() == "Add" and len(filled) == 2
    end = _merged(found.end, ())
    return Fork(found.end.node.name, branches, _labels(branches), end, params, is_residual)


def _chain_of(parts: Parts) -> Chain:
    builder = _ChainBuilder()
    _add_parts(parts, builder)
    return builder.chain


def _params(parts: Parts) -> int:
    """The parameters of all layers in it."""
    total = 0
    for part in parts:
        if isinstance(part, Branches):
            total += part.end.params + sum(map(_params, part.chains))
        else:
            total += sum(step.params for step in (part.steps if isinstance(part, Tangle) else (part,)))
    return total


def _labels(branches: Sequence[Chain]) -> tuple[str, ...]:
    return tuple("" if branch.elements else "identity" for branch in branches)


def _merged(step: LayerStep, notes: tuple[str, ...]) -> Volume | MergePoint:
    """The layer in which branches meet."""
    layer, shape = step.node.layer, _image(step.output_shape, step.axes_after)
    if layer.symbol:
        return MergePoint(layer.symbol, shape, notes)
    return Volume("other", layer.type(), shape, step.params, notes=notes, written=step.output_shape)


def _add_step(step: LayerStep, into: _ChainBuilder) -> None:
    """A layer as the volume, the note or the nothing that it says it is."""
    layer = step.node.layer
    role: str = layer.drawing_role
    if role == "hidden":
        return
    if role == "note" and step.output_shape == step.input_shape:
        into.add_note(layer.short_name)
        return
    kind = "other" if role in ("note", "merge") else role
    notes = (layer.output_activation,) if layer.output_activation != "linear" else ()
    title, kernel = layer.type(), None
    if layer.window and isinstance(layer, SpatialLayer):
        size, stride = layer.window.size, layer.window.stride
        title += f" {times(size)}"
        if stride != (size if kind == "pooling" else (1, 1)):
            title += f" /{stride[0] if stride[0] == stride[1] else times(stride)}"
        channels, seen = layer.spatial(step.input_shape)[2], layer.window_channels(step.input_shape)
        kernel = (*size, seen)
        if kind == "convolution" and 1 < seen < channels:
            notes = (f"{channels // seen} groups of {seen}", *notes)
        _read_anew(step, layer, into)
    shape = _image(step.output_shape, step.axes_after)
    into.add(Volume(kind, title, shape, step.params, kernel, notes, written=step.output_shape))


def _read_anew(step: LayerStep, layer: SpatialLayer, into: _ChainBuilder) -> None:
    """The input of a layer as it sees it, where it takes other axes for rows and columns."""
    if step.axes_before not in (None, layer.spatial_axes):
        shape = layer.spatial(step.input_shape)
        title = f"read as {layer.data_format}"
        into.add(Volume("other", title, shape, written=step.input_shape))


def _image(shape: Shape, axes: tuple[int, int] | None) -> Shape:
    """(height, width, channels), whatever the data format; other shapes as they are."""
    if len(shape) != 3 or axes is None:
        return shape
    (channels,) = {0, 1, 2} - {*axes}
    return (shape[axes[0]], shape[axes[1]], shape[channels])
