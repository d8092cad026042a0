"""Where the outputs of a layer stand on the image: maps → the pixels that they speak of. No Keras."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnnlab.accounting.architecture import Architecture, LayerStep
from cnnlab.analyses.receptive_fields import image_axes_of, map_axes, may_see_everything, step_of
from cnnlab.layers.graph import IMAGE


@dataclass(frozen=True, eq=False)
class AxisPlaces:
    """Along one axis of the image: where the receptive fields of a map's rows, or columns, begin and end.

    map_axis: 0 where it is the map's rows that lie along the axis, 1 where it is its columns. first, last:
    (n,) float64, the first and the last pixel that each can see, where there were no edges: in padding
    they are below 0 or beyond the image, and behind an enlargement between two pixels.
    """

    map_axis: int
    first: np.ndarray
    last: np.ndarray

    @property
    def centers(self) -> np.ndarray:
        """(n,) float64, in pixels: the middle of each field."""
        return np.asarray((self.first + self.last) / 2)


@dataclass(frozen=True, eq=False)
class MapPlaces:
    """Along the rows and the columns of an image of `size`; None where each output sees the whole axis."""

    size: tuple[int, int]
    rows: AxisPlaces | None
    columns: AxisPlaces | None

    @property
    def are_known(self) -> bool:
        """Whether the map says anything about where in the image."""
        return self.rows is not None or self.columns is not None


def map_places(architecture: Architecture, layer: str) -> MapPlaces:
    """Where a layer's maps stand on the image: each output at the middle of its receptive field.

    Args:
        layer: its name in the summary; a layer with maps.
    """
    image_axes = image_axes_of(architecture)
    height, width = (architecture.input_shape[axis] for axis in image_axes)
    target = step_of(architecture, layer)
    maps = architecture.steps[target].output_shape
    nowhere = MapPlaces((height, width), None, None)
    if len(maps) != len(architecture.input_shape):
        return nowhere
    axes: list[AxisPlaces | None] = [None] * len(maps)
    for map_axis, axis in enumerate(map_axes(architecture, layer)):
        outputs = np.arange(maps[axis], dtype=np.float64)
        axes[axis] = AxisPlaces(map_axis, outputs, outputs)
    seen = {target: axes}
    for index in range(target, -1, -1):
        if index not in seen:
            continue
        step = architecture.steps[index]
        if may_see_everything(step) or step.node.layer.only_reshapes or step.node.layer.dropped_axes:
            return nowhere
        for source, shape in zip(step.node.inputs, step.input_shapes, strict=True):
            part = _before(step, shape, seen[index])
            seen[source] = part if source not in seen else list(map(_joined, seen[source], part))
    rows, columns = (seen[IMAGE][axis] for axis in image_axes)
    return MapPlaces((height, width), rows, columns)


def on_image(maps: np.ndarray, places: MapPlaces) -> np.ndarray:
    """Maps on the grid of the image.

    Each output stands at the middle of its receptive field; between two middles the values are interpolated.
    From the outermost middles on the value stays the same as far as the outermost field reaches; what no
    field reaches is 0. Of an axis of the map that is none of the image the largest value is taken, and along
    an axis that each output sees as a whole the value does not change.

    Args:
        maps: (N, h, w) float.

    Returns:
        (N, H, W) float32.
    """
    along = (places.rows, places.columns)
    used = {each.map_axis for each in along if each is not None}
    for map_axis in {0, 1} - used:
        maps = maps.max(axis=1 + map_axis, keepdims=True)
    order = [None if each is None else each.map_axis for each in along]
    if 1 in order[:1] or 0 in order[1:]:  # the map lies on its side
        maps = maps.swapaxes(1, 2)
    rows, columns = (_weights(each, length) for each, length in zip(along, places.size, strict=True))
    return np.asarray(rows @ maps @ columns.T, np.float32)


def evenly_on_image(maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Maps whose places are not known, spread over the whole image: (N, h, w) → (N, H, W) float32."""
    along = []
    for map_axis, length in enumerate(size):
        count = maps.shape[1 + map_axis]
        edges = np.arange(count + 1) * length / count - 0.5
        along.append(AxisPlaces(map_axis, edges[:-1], edges[1:]))
    return on_image(maps, MapPlaces(size, *along))


def interpolation(centers: np.ndarray, length: int) -> np.ndarray:
    """(length, n) float64: what each of n values, at ascending `centers`, weighs at each of `length` pixels.

    Linear between two centres; beyond the outermost the outermost alone.
    """
    count = len(centers)
    position = np.interp(np.arange(length), centers, np.arange(count))
    return np.asarray(np.maximum(0, 1 - np.abs(position[:, None] - np.arange(count))))


def _weights(places: AxisPlaces | None, length: int) -> np.ndarray:
    if places is None:
        return np.ones((length, 1))
    pixels = np.arange(length)
    reached = (pixels >= places.first[0] - 1e-9) & (pixels <= places.last[-1] + 1e-9)
    return np.asarray(interpolation(places.centers, length) * reached[:, None])


def _before(
    step: LayerStep, shape: tuple[int, ...], places: list[AxisPlaces | None]
) -> list[AxisPlaces | None]:
    """What the places on a layer's output are on one of its inputs."""
    layer, order = step.node.layer, step.node.layer.axes_order
    if order is not None:
        return [places[order.index(axis)] for axis in range(len(order))]
    footprints, spanned = layer.footprints(shape), set(layer.spanned_axes(shape, step.output_shape))
    if layer.joined_axis is not None:  # whose neighbours may come from anywhere
        spanned.add(layer.joined_axis % len(shape))
    found: list[AxisPlaces | None] = []
    for axis, each in enumerate(places):
        if each is None or axis in spanned:
            found.append(None)
        elif axis in footprints:
            window = footprints[axis]
            first, last = each.first * window.stride - window.before, each.last * window.stride
            last = last - window.before + window.extent - 1
            found.append(AxisPlaces(each.map_axis, first / window.spread, last / window.spread))
        else:
            found.append(each)
    return found


def _joined(one: AxisPlaces | None, other: AxisPlaces | None) -> AxisPlaces | None:
    """What both together see, where two branches part."""
    if one is None or other is None or one.map_axis != other.map_axis:
        return None
    first, last = np.minimum(one.first, other.first), np.maximum(one.last, other.last)
    return AxisPlaces(one.map_axis, first, last)
