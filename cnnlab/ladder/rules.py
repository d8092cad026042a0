"""A network → the same with one ingredient changed: the rules that rungs are derived by.

Each takes a config and returns its layers after the change. All that the change does not concern stays as it
is, so that a difference in accuracy belongs to it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from typing import Any

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.ladder.ingredients import NORMALIZATIONS, REGULARIZATIONS, DoesNotApply, Layers, kind_of
from cnnlab.language.fields import Shape
from cnnlab.layers import LAYERS
from cnnlab.layers.activations import Activation
from cnnlab.layers.base import Layer, SpatialLayer
from cnnlab.layers.blocks import Residual
from cnnlab.layers.convolution import Conv2D
from cnnlab.layers.core import Dense, Flatten
from cnnlab.layers.graph import Where
from cnnlab.layers.pooling import AveragePooling2D, MaxPooling2D, Pooling2D
from cnnlab.layers.reshaping import Reshape
from cnnlab.layers.resizing import Border, Cropping2D, ZeroPadding2D
from cnnlab.layers.rewriting import Place, places_in, rewritten
from cnnlab.layers.window import Window

_ACTIVATIONS = frozenset(("Activation", "ELU", "LeakyReLU", "PReLU", "ReLU"))
_SHAPING = frozenset(
    ("kernel_size", "strides", "padding", "output_padding", "dilation_rate", "groups", "filters",
     "depth_multiplier", "data_format")
)  # fmt: skip
"""What a Dense layer says by its units alone."""


def is_convolutional(config: ExperimentConfig) -> bool:
    """Whether any layer of a network is a convolution."""
    return any(node.layer.is_convolution for node in config.nodes)


def dense_equivalent(config: ExperimentConfig) -> Layers:
    """Every convolution as a Dense layer between the same input and output; pooling stays."""
    _refuse_hidden_convolutions(config)
    shapes = _Shapes(config)

    def rule(places: Sequence[Place]) -> Iterator[Layer]:
        for place in places:
            layer = place.layer
            if not layer.is_convolution or not isinstance(layer, SpatialLayer):
                yield layer
                continue
            _, output_shape = shapes.of(place)
            yield Flatten(data_format=layer.data_format)
            yield _as(Dense, place, units=math.prod(output_shape))
            yield Reshape(target_shape=output_shape)

    return rewritten(config.layers, rule)


def locally_connected(config: ExperimentConfig) -> Layers:
    """Every convolution with weights of its own at each place."""
    _refuse_hidden_convolutions(config)
    shapes = _Shapes(config)
    kind = LAYERS["LocallyConnected2D"]

    def rule(places: Sequence[Place]) -> Iterator[Layer]:
        for place in places:
            layer = place.layer
            if not layer.is_convolution:
                yield layer
                continue
            if isinstance(layer, kind):
                raise DoesNotApply(f"{place.name} is locally connected already")
            if not isinstance(layer, Conv2D):
                raise DoesNotApply(f"{place.name} ({layer.type()}) has no locally connected counterpart")
            if layer.groups > 1:
                raise DoesNotApply(
                    f"{place.name} is a grouped convolution, which has no locally connected counterpart"
                )
            fields: dict[str, Any] = {}
            if layer.padding == "same":
                yield from _padding_for(place, layer, shapes)
                fields = {"padding": "valid"}
            yield _as(kind, place, **fields)

    return rewritten(config.layers, rule)


def strided(config: ExperimentConfig) -> Layers:
    """The first value of each pooling window in place of the largest, or the mean.

    The image is cropped where its last rows or columns belong to no window, so that all shapes stay.
    """
    shapes = _Shapes(config)

    def rule(places: Sequence[Place]) -> Iterator[Layer]:
        for place in places:
            layer = place.layer
            if not isinstance(layer, Pooling2D) or layer.is_idle:
                yield layer
                continue
            sizes, output_shape = shapes.of(place)
            stride, wanted = layer.window.stride, layer.spatial(output_shape)[:2]
            # The last rows are cropped where the stride would reach into what no window covers.
            rows, columns = (
                (0, 0 if -(-size // step) == out else size - ((out - 1) * step + 1))
                for size, out, step in zip(sizes, wanted, stride, strict=True)
            )
            if any(rows + columns):
                yield Cropping2D(cropping=(rows, columns), data_format=layer.data_format)
            yield MaxPooling2D(
                pool_size=(1, 1), strides=stride, name=layer.name, data_format=layer.data_format
            )

    return _changed(config, rule, "it has no pooling layer")


def averaged(config: ExperimentConfig) -> Layers:
    """The mean of each pooling window in place of the largest value."""

    def rule(places: Sequence[Place]) -> Iterator[Layer]:
        for place in places:
            is_maximum = isinstance(place.layer, MaxPooling2D) and not place.layer.is_idle
            yield _as(AveragePooling2D, place) if is_maximum else place.layer

    return _changed(config, rule, "it has no max pooling window to average")


def activated(config: ExperimentConfig) -> Layers:
    """ReLU after each convolution."""
    if _has_active_convolution(config):
        raise DoesNotApply("its convolutions have activations already; see cnn_linear")
    output = _output_places(config)

    def rule(places: Sequence[Place]) -> Iterator[Layer]:
        pending = False  # behind a convolution and its normalization
        for place in places:
            if pending and place.layer.type() not in NORMALIZATIONS:
                yield Activation(activation="relu")
                pending = False
            if place.layer.is_convolution and place.where not in output:
                pending = True
            yield place.layer
        if pending:
            yield Activation(activation="relu")

    return rewritten(config.layers, rule)


def linear(config: ExperimentConfig) -> Layers:
    """No activation after any convolution; those of Dense layers stay."""
    if not _has_active_convolution(config):
        raise DoesNotApply("its convolutions have no activations; see cnn_activation")
    output = _output_places(config)

    def rule(places: Sequence[Place]) -> Iterator[Layer]:
        convolutions = _convolutions(places, but=output)
        idle = {index for start in convolutions for index in _activations_behind(places, start)}
        for index, place in enumerate(places):
            layer = place.layer
            if index in idle:
                continue
            if place.where in output:
                yield layer
                continue
            if isinstance(layer, Residual) and layer.activation is not None:
                layer = layer.model_copy(update={"activation": None})
            if layer.is_convolution and layer.output_activation != "linear":
                layer = layer.model_copy(update={"activation": None})
            yield layer

    return rewritten(config.layers, rule)


def removable(config: ExperimentConfig) -> dict[str, str]:
    """What `without` can leave out: name in the summary → what it is, such as "dropout"."""
    return {
        place.name: what for place in places_in(config.layers) if (what := kind_of(place.layer)) is not None
    }


def without(config: ExperimentConfig, *, name: str) -> Layers:
    """The layer of this name left out; of a residual block its shortcut."""

    def rule(places: Sequence[Place]) -> Iterator[Layer]:
        for place in places:
            layer = place.layer
            if place.name != name:
                yield layer
            elif isinstance(layer, Residual):
                yield from layer.layers
                if layer.activation is not None:
                    yield Activation(activation=layer.activation)

    return rewritten(config.layers, rule)


def _convolutions(places: Sequence[Place], *, but: Set[Where]) -> list[int]:
    return [
        index for index, place in enumerate(places) if place.layer.is_convolution and place.where not in but
    ]


def _output_places(config: ExperimentConfig) -> frozenset[Where]:
    """Where the output layer is, the last one with weights, and what follows it: they belong to the loss."""
    weighted = [index for index, step in enumerate(config.architecture.steps) if step.weights]
    steps = config.architecture.steps[max(weighted, default=0) :]
    return frozenset(step.node.where for step in steps)


def _refuse_hidden_convolutions(config: ExperimentConfig) -> None:
    """Refuse a network with convolutions that no rule gets to see.

    Raises:
        DoesNotApply: a spatial transformer has some.
    """
    seen = {place.where for place in places_in(config.layers)}
    for node in config.nodes:
        if node.layer.is_convolution and node.where not in seen:
            raise DoesNotApply(f"{node.name} belongs to a block whose layers stay as they are")


def _activations_behind(places: Sequence[Place], start: int) -> list[int]:
    """Where the activation layer is that a convolution's output goes through next, if any."""
    for index in range(start + 1, len(places)):
        kind = places[index].layer.type()
        if kind in _ACTIVATIONS:
            return [index]
        if kind not in NORMALIZATIONS | REGULARIZATIONS:
            break
    return []


def _has_active_convolution(config: ExperimentConfig) -> bool:
    """Whether the output of any convolution goes through an activation."""
    active = False
    output = _output_places(config)

    def look(places: Sequence[Place]) -> Iterator[Layer]:
        nonlocal active
        for start in _convolutions(places, but=output):
            own = places[start].layer.output_activation != "linear"
            active = active or own or bool(_activations_behind(places, start))
        for place in places:
            active = active or (isinstance(place.layer, Residual) and place.layer.activation is not None)
            yield place.layer

    rewritten(config.layers, look)
    return active


def _changed(config: ExperimentConfig, rule: Any, reason: str) -> Layers:
    """The rewritten layers.

    Raises:
        DoesNotApply: they are the same as before.
    """
    layers = rewritten(config.layers, rule)
    if layers == config.layers:
        raise DoesNotApply(reason)
    return layers


def _padding_for(place: Place, layer: Conv2D, shapes: _Shapes) -> Iterator[Layer]:
    """Zeros around the image, as padding: same adds them."""
    sizes, output_shape = shapes.of(place)
    extents = Window(layer.kernel_size, dilation=layer.dilation_rate).extent
    borders: list[Border] = []
    for size, out, extent, stride in zip(
        sizes, layer.spatial(output_shape)[:2], extents, layer.strides, strict=True
    ):
        missing = max(0, (out - 1) * stride + extent - size)
        borders.append((missing // 2, missing - missing // 2))
    rows, columns = borders
    if any(rows + columns):
        yield ZeroPadding2D(padding=(rows, columns), data_format=layer.data_format)


def _as(kind: type[Layer], place: Place, **fields: Any) -> Layer:
    """A layer of another type with the fields that both have.

    Raises:
        DoesNotApply: a field that was set does something which the other type cannot.
    """
    layer = place.layer
    for field in type(layer).model_fields:
        value = getattr(layer, field)
        if field in fields or value == type(layer).model_fields[field].default:
            continue
        if field in kind.model_fields:
            fields[field] = value
        elif field not in _SHAPING:
            raise DoesNotApply(f"{place.name} has {field}, which {kind.type()} lacks")
    return kind(**fields)


class _Shapes:
    """By place in the config, the height and width of the images that go in, and the shape that comes out."""

    def __init__(self, config: ExperimentConfig) -> None:
        self._shapes: dict[Where, set[tuple[Shape, Shape]]] = defaultdict(set)
        for step in config.architecture.steps:
            if isinstance(layer := step.node.layer, SpatialLayer):
                sizes = layer.spatial(step.input_shape)[:2]
                self._shapes[step.node.where].add((sizes, step.output_shape))

    def of(self, place: Place) -> tuple[Shape, Shape]:
        """Height and width of the input, and the output.

        Raises:
            DoesNotApply: the place is repeated, with images of different sizes.
        """
        if len(shapes := self._shapes[place.where]) != 1:
            raise DoesNotApply(f"{place.name} is repeated with images of different sizes")
        return next(iter(shapes))
