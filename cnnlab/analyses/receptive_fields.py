"""Which pixels one output of a layer can see: the boxes. No Keras."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cnnlab.accounting.architecture import Architecture, LayerStep
from cnnlab.layers.base import SpatialLayer
from cnnlab.layers.graph import IMAGE, path_to_image

Span = tuple[np.ndarray, np.ndarray]
"""The first and the last place along an axis that is seen, by output; no place where first > last."""

_NOWHERE = 2**40
"""The first place of a span without one, and minus the last: no stride brings the two together."""


def receptive_boxes(
    architecture: Architecture, layer: str, positions: np.ndarray, units: np.ndarray | None = None
) -> np.ndarray:
    """The pixels that single outputs of a layer can see.

    Each output's box is followed back through the layers, exactly: the pixels in it that no output sees, such
    as the holes of a dilation, aside. From Dense or a global pooling on it is the whole image, and likewise
    behind a layer of which it is not known what its outputs depend on, or that combines what a Flatten or
    Reshape has moved.

    Args:
        layer: its name in the summary.
        positions: (..., 2) int, row and column in the layer's maps; ignored where it has none.
        units: int, of a shape that broadcasts to that of one coordinate: the place of each output in a layer
            without maps, such as Flatten. None: any.

    Returns:
        (..., 4) int: top, left, bottom, right in pixels; the last two are the first ones not seen. All are 0
        where nothing of the image is seen, as in the midst of padding.
    """
    steps, image_axes = architecture.steps, image_axes_of(architecture)
    target = step_of(architecture, layer)
    maps = steps[target].output_shape
    size = [architecture.input_shape[axis] for axis in image_axes]
    everything = np.broadcast_to(np.array([0, 0, *size]), (*positions.shape[:-1], 4))
    spans = [_all_of(length, positions[..., 0]) for length in maps]
    if len(maps) == len(architecture.input_shape):
        rows, columns = map_axes(architecture, layer)
        spans[rows], spans[columns] = (_both(positions[..., index]) for index in (0, 1))
    elif len(maps) == 1 and units is not None:
        spans = [_both(np.broadcast_to(units, positions.shape[:-1]))]
    seen: dict[int, list[Span]] = {target: spans}
    for index in range(target, -1, -1):
        if index not in seen:
            continue
        step = steps[index]
        if may_see_everything(step):
            return everything
        for source, part in zip(step.node.inputs, _before(step, seen[index]), strict=True):
            seen[source] = part if source not in seen else list(map(_joined, seen[source], part))
    edges = [seen[IMAGE][axis] for axis in image_axes]
    boxes = np.stack([first for first, _ in edges] + [last + 1 for _, last in edges], axis=-1)
    nothing = np.any([first > last for first, last in edges], axis=0)
    return np.where(nothing[..., None], 0, boxes)


def image_axes_of(architecture: Architecture) -> tuple[int, int]:
    """Which axes of the network's input are height and width."""
    if architecture.image_axes is None:
        raise ValueError(f"{architecture.input_shape} is no image")
    return architecture.image_axes


def step_of(architecture: Architecture, layer: str) -> int:
    """The position of a layer, by its name in the summary."""
    return next(index for index, step in enumerate(architecture.steps) if step.node.name == layer)


def map_axes(architecture: Architecture, layer: str) -> tuple[int, int]:
    """Which axes of a layer's output are rows and columns: as the last layer that says so has them."""
    steps, position = architecture.steps, step_of(architecture, layer)
    while position != IMAGE:
        found = steps[position].node.layer
        if isinstance(found, SpatialLayer):
            return found.spatial_axes
        position = steps[position].node.inputs[0]
    return image_axes_of(architecture)


def image_axes_along(architecture: Architecture, layer: str) -> tuple[int, int] | None:
    """Which axes of the image the rows and columns of a layer's maps run along: 0 its height, 1 its width.

    (0, 1) lie as the image, of (1, 0) the axes are exchanged. None: they run along others, such as the
    channels, or positions were lost on the way, or the layer has no maps, or is not known.
    """
    position = next((at for at, step in enumerate(architecture.steps) if step.node.name == layer), None)
    if position is None or architecture.image_axes is None:
        return None
    if len(architecture.steps[position].output_shape) != len(architecture.input_shape):
        return None
    path = path_to_image([step.node for step in architecture.steps], position)
    if any(may_see_everything(architecture.steps[each]) for each in path):
        return None
    along = architecture.steps[position].after.input_axes
    first, second = (along[axis] for axis in map_axes(architecture, layer))
    if {first, second} != set(architecture.image_axes):
        return None
    return architecture.image_axes.index(first), architecture.image_axes.index(second)


def may_see_everything(step: LayerStep) -> bool:
    """Whether nothing is known of the places that the layer's outputs depend on."""
    layer, ranks = step.node.layer, {len(step.output_shape), *map(len, step.input_shapes)}
    if layer.sees_everything or layer.hides_positions:
        return True
    return len(ranks) > 1 and not layer.only_reshapes and not layer.dropped_axes


def _before(step: LayerStep, spans: list[Span]) -> Iterator[list[Span]]:
    """For each input of a layer what the outputs in `spans` depend on."""
    layer = step.node.layer
    if layer.only_reshapes:
        yield _before_reshaping(step, spans)
        return
    for axis in layer.dropped_axes:  # ascending
        spans = [*spans[:axis], spans[0], *spans[axis:]]  # whichever: it is spanned
    order = layer.axes_order
    begin = 0  # of an input among those that are put one behind the other
    for shape in step.input_shapes:
        part = spans if order is None else [spans[order.index(axis)] for axis in range(len(order))]
        footprints = layer.footprints(shape)
        spanned = frozenset[int]() if order else layer.spanned_axes(shape, step.output_shape)
        joined = None if layer.joined_axis is None else layer.joined_axis % len(shape)
        found = []
        for axis, ((first, last), length) in enumerate(zip(part, shape, strict=True)):
            if axis in spanned or _is_repeated(step, axis, length):
                found.append(_all_of(length, first))
                continue
            if axis in footprints:
                first, last = footprints[axis].covered(first, last)
            elif axis == joined:
                first, last = first - begin, last - begin
            found.append(_inside(first, last, length))
        begin += shape[joined] if joined is not None else 0
        yield found


def _is_repeated(step: LayerStep, axis: int, length: int) -> bool:
    """Whether an input of size 1 along an axis meets larger ones, as Keras allows."""
    return length == 1 and max(shape[axis] for shape in step.input_shapes) > 1


def _before_reshaping(step: LayerStep, spans: list[Span]) -> list[Span]:
    """The one number of the input that a number is; of several, all of the input."""
    order, shape = step.node.layer.written_order(step.input_shape), step.input_shape
    inside = [np.clip(first, 0, size - 1) for (first, _), size in zip(spans, step.output_shape, strict=True)]
    written = np.unravel_index(
        np.ravel_multi_index(inside, step.output_shape), [shape[axis] for axis in order]
    )
    single = np.all([first == last for first, last in spans], axis=0)
    nothing = np.any([first > last for first, last in spans], axis=0)
    found = []
    for axis, length in enumerate(shape):
        place = written[order.index(axis)]
        first, last = np.where(single, place, 0), np.where(single, place, length - 1)
        found.append((np.where(nothing, _NOWHERE, first), np.where(nothing, -_NOWHERE, last)))
    return found


def _both(places: np.ndarray) -> Span:
    return places.astype(np.int64), places.astype(np.int64)


def _all_of(length: int, like: np.ndarray) -> Span:
    return np.zeros(like.shape, np.int64), np.full(like.shape, length - 1, np.int64)


def _inside(first: np.ndarray, last: np.ndarray, length: int) -> Span:
    """What of a span lies in the tensor."""
    first, last = np.maximum(first, 0), np.minimum(last, length - 1)
    nowhere = first > last
    return np.where(nowhere, _NOWHERE, first), np.where(nowhere, -_NOWHERE, last)


def _joined(one: Span, other: Span) -> Span:
    """The smallest span that holds both, where two branches part."""
    return np.minimum(one[0], other[0]), np.maximum(one[1], other[1])
