"""Blocks: parts of a network with branches or repetitions, written as lists of layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PlainSerializer, WrapValidator, model_validator
from pydantic_core.core_schema import ValidatorFunctionWrapHandler

from cnnlab.errors import suggestion
from cnnlab.language.fields import AsTuple, Positive
from cnnlab.layers.activations import Activation
from cnnlab.layers.base import Layer
from cnnlab.layers.convolution import Conv2D
from cnnlab.layers.core import ActivationName
from cnnlab.layers.graph import IMAGE, Block, BlockPath, Graph, Where, path_to_image
from cnnlab.layers.merging import Add, Average, Concatenate, Maximum, Merge
from cnnlab.layers.normalization import BatchNormalization
from cnnlab.layers.serialization import AnyLayer, Layers, write_layer

Branch = Annotated[tuple[AnyLayer, ...], AsTuple]
"""Layers one after the other; none: the input unchanged."""

SHORTCUTS = ("identity", "projection")


def _read_shortcut(value: Any, read_branch: ValidatorFunctionWrapHandler) -> Any:
    if not isinstance(value, str):
        return read_branch(value)
    if value not in SHORTCUTS:
        raise ValueError(
            f"unknown shortcut {value!r}; {suggestion(value, SHORTCUTS)}, or write a list of layers"
        )
    return value


def _write_shortcut(value: str | tuple[Layer, ...]) -> Any:
    return value if isinstance(value, str) else [write_layer(layer) for layer in value]


if TYPE_CHECKING:
    Shortcut = tuple[Layer, ...] | str
else:  # a union would put its members' names between the keys in the place of an error
    Shortcut = Annotated[Branch, WrapValidator(_read_shortcut), PlainSerializer(_write_shortcut)]


class Repeat(Block):
    """A list of layers, several times in a row."""

    about: ClassVar[str] = (
        "The same list of layers `times` times, each time with its own weights.\n\n"
        "Names are numbered consecutively: repeat_1/conv2d_1, repeat_1/conv2d_2, …."
    )

    times: Positive
    layers: Layers

    @property
    def paths(self) -> tuple[BlockPath, ...]:
        return (BlockPath(("layers",), self.layers),)

    @property
    def rounds(self) -> int:
        return self.times

    def expand(self, graph: Graph, feed: int, name: str, where: Where) -> int:
        return graph.chain(self.layers, feed, (*where, "layers"), f"{name}/", rounds=self.times)


class Residual(Block):
    """A residual block (He et al. 2016)."""

    about: ClassVar[str] = (
        "layers(x) + shortcut(x), then `activation` (He et al. 2016).\n\n"
        "`shortcut` is `identity`, which needs layers that keep the shape; a list of layers; or "
        "`projection`: a "
        "1×1 convolution with the strides and the filters of the layers, followed by a batch "
        "normalization if "
        "they have one."
    )

    layers: Layers
    shortcut: Shortcut = "identity"
    activation: ActivationName | None = None

    @model_validator(mode="after")
    def _something_to_project_to(self) -> Self:
        if self.shortcut == "projection" and not any(isinstance(each, Conv2D) for each in self._main_path()):
            raise ValueError(
                "shortcut: projection takes its filters from a Conv2D among the layers, and there is none; "
                "write the shortcut as a list of layers"
            )
        return self

    @property
    def paths(self) -> tuple[BlockPath, ...]:
        shortcut = self._projection() if isinstance(self.shortcut, str) else self.shortcut
        return (
            BlockPath(("layers",), self.layers),
            BlockPath(("shortcut",), shortcut, is_shortcut=True),
        )

    def expand(self, graph: Graph, feed: int, name: str, where: Where) -> int:
        layers, shortcut = self.paths
        main = graph.chain(layers.layers, feed, (*where, *layers.where), f"{name}/")
        side = graph.chain(shortcut.layers, feed, (*where, *shortcut.where), f"{name}/shortcut/")
        end = graph.add(Add(), (main, side), f"{name}/add", where, ("layers", "shortcut"))
        if self.activation is None:
            return end
        return graph.add(Activation(activation=self.activation), (end,), f"{name}/{self.activation}", where)

    def _projection(self) -> tuple[Layer, ...]:
        """The layers that a shortcut given as a word stands for."""
        if self.shortcut == "identity":
            return ()
        path = self._main_path()
        last = next(each for each in path if isinstance(each, Conv2D))
        windows = [each.window for each in path if each.window is not None]
        down, right = (math.prod(window.stride[axis] for window in windows) for axis in (0, 1))
        convolution = Conv2D(
            filters=last.filters,
            kernel_size=(1, 1),
            strides=(down, right),
            use_bias=last.use_bias,
            kernel_initializer=last.kernel_initializer,
            bias_initializer=last.bias_initializer,
            data_format=last.data_format,
        )
        normalization = next((each for each in path if isinstance(each, BatchNormalization)), None)
        if normalization is None:
            return (convolution,)
        return (convolution, normalization.model_copy(update={"name": None}))

    def _main_path(self) -> list[Layer]:
        """The layers of the main path, the last one first."""
        graph = Graph()
        end = graph.chain(self.layers, IMAGE, ())
        return [graph.nodes[position].layer for position in path_to_image(graph.nodes, end)]


class Parallel(Block):
    """Parallel branches, as in Inception (Szegedy et al. 2015)."""

    about: ClassVar[str] = (
        "The same input through several branches, whose outputs are merged (Szegedy et al. 2015, "
        "Inception).\n\n"
        "An empty branch passes the input on unchanged. `axis` is for concatenate only: −1, the channels, "
        "or 1 "
        "with channels_first."
    )

    branches: Annotated[tuple[Branch, ...], Field(min_length=2), AsTuple]
    merge: Literal["concatenate", "add", "average", "maximum"] = "concatenate"
    axis: int = -1

    @model_validator(mode="after")
    def _no_idle_axis(self) -> Self:
        if self.merge != "concatenate":
            self.reject_unused("axis", reason=f"with merge: {self.merge}")
        return self

    @property
    def paths(self) -> tuple[BlockPath, ...]:
        return tuple(BlockPath(("branches", index), layers) for index, layers in enumerate(self.branches))

    def expand(self, graph: Graph, feed: int, name: str, where: Where) -> int:
        names = tuple(f"branch {number}" for number in range(1, len(self.branches) + 1))
        ends = [
            graph.chain(path.layers, feed, (*where, *path.where), f"{name}/{scope.replace(' ', '_')}/")
            for path, scope in zip(self.paths, names, strict=True)
        ]
        simple: dict[str, type[Merge]] = {"add": Add, "average": Average, "maximum": Maximum}
        merge = simple[self.merge]() if self.merge in simple else Concatenate(axis=self.axis)
        return graph.add(merge, tuple(ends), f"{name}/{self.merge}", where, names)
