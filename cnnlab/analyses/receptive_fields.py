"""Which pixels one output of a layer can see: the position arithmetic behind the boxes. No Keras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cnnlab.language.fields import Shape
from cnnlab.layers.augmentation import RandomCrop
from cnnlab.layers.base import Layer, SpatialLayer, Window
from cnnlab.layers.graph import IMAGE, GraphNode
from cnnlab.layers.reshaping import Permute
from cnnlab.layers.resizing import Cropping2D, ZeroPadding2D


@dataclass(frozen=True)
class Field:
    """What the outputs of a layer see along height and width, in pixels of the image.

    Output i sees the pixels from start + i · jump on, `extent` of them; start is negative where padding
    is seen (Araujo, Norris & Sim 2019, doi 10.23915/distill.00021).
    """

    start: tuple[int, int] = (0, 0)
    jump: tuple[int, int] = (1, 1)
    extent: tuple[int, int] = (1, 1)
    everything: bool = False
    """Every output sees the whole image: from Flatten or a Dense layer on."""

    def boxes(self, positions: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
        """The pixels that outputs see, as far as they lie in the image.

        Args:
            positions: (..., 2) int, row and column in the layer's maps; ignored where all is seen.

        Returns:
            (..., 4) int: top, left, bottom, right; the last two are the first pixels not seen.
        """
        size = np.array(image_size)
        if self.everything:
            return np.broadcast_to(np.array([0, 0, *image_size]), (*positions.shape[:-1], 4))
        first = np.array(self.start) + positions * np.array(self.jump)
        return np.concatenate([np.clip(first, 0, size), np.clip(first + self.extent, 0, size)], axis=-1)


def receptive_fields(nodes: Sequence[GraphNode], input_shape: Shape) -> dict[str, Field]:
    """The field of every layer, by its name in the summary.

    Behind an upsampling, a transposed convolution, a random crop, which resizes outside training, or a layer
    that hides places, everything counts as seen, and likewise behind a Permute or where a layer takes other
    axes for height and width than the first one did: rows and columns of the image can no longer be told
    apart there.
    """
    formats = [node.layer.spatial_axes for node in nodes if isinstance(node.layer, SpatialLayer)]
    shapes: dict[int, Shape] = {IMAGE: input_shape}
    fields: dict[int, Field] = {IMAGE: Field()}
    for position, node in enumerate(nodes):
        feeds = tuple(shapes[each] for each in node.inputs)
        shapes[position] = node.layer.output_shape_of(feeds)
        field = fields[node.inputs[0]]
        for each in node.inputs[1:]:
            field = _joined(field, fields[each])
        mixed = isinstance(node.layer, SpatialLayer) and node.layer.spatial_axes != formats[0]
        fields[position] = Field(everything=True) if mixed else _through(field, node.layer, feeds[0])
    return {node.name: fields[position] for position, node in enumerate(nodes)}


def _through(field: Field, layer: Layer, input_shape: Shape) -> Field:
    if (
        layer.sees_everything
        or layer.hides_places
        or field.everything
        or isinstance(layer, Permute | RandomCrop)
    ):
        return Field(everything=True)
    if isinstance(layer, ZeroPadding2D | Cropping2D):
        borders = layer.padding if isinstance(layer, ZeroPadding2D) else layer.cropping
        sign = -1 if isinstance(layer, ZeroPadding2D) else 1
        (top, _), (left, _) = borders
        start = field.start[0] + sign * top * field.jump[0], field.start[1] + sign * left * field.jump[1]
        return replace(field, start=start)
    if layer.view is not None and max(layer.view.upsampling) > 1:
        return Field(everything=True)  # neighbours share a pixel there: a whole jump does not place them
    if layer.window is None or not isinstance(layer, SpatialLayer):
        return field
    before = [
        _padding_before(input_shape[axis], layer.window, index)
        for index, axis in enumerate(layer.spatial_axes)
    ]
    start, jump, extent = (
        tuple(pair)
        for pair in zip(
            *(
                (
                    field.start[axis] - before[axis] * field.jump[axis],
                    field.jump[axis] * layer.window.stride[axis],
                    field.extent[axis] + (layer.window.extent[axis] - 1) * field.jump[axis],
                )
                for axis in (0, 1)
            ),
            strict=True,
        )
    )
    return Field(start, jump, extent)


def _padding_before(size: int, window: Window, axis: int) -> int:
    """Rows (columns) of padding before the first: with "same", the smaller half."""
    if window.padding == "valid":
        return 0
    outputs = -(-size // window.stride[axis])
    total = max((outputs - 1) * window.stride[axis] + window.extent[axis] - size, 0)
    return total // 2


def _joined(one: Field, other: Field) -> Field:
    """The smallest field that holds both, where two branches meet."""
    if one.everything or other.everything:
        return Field(everything=True)
    first = [min(pair) for pair in zip(one.start, other.start, strict=True)]
    ends = [
        max(one.start[axis] + one.extent[axis], other.start[axis] + other.extent[axis]) for axis in (0, 1)
    ]
    jump = (max(one.jump[0], other.jump[0]), max(one.jump[1], other.jump[1]))
    return Field((first[0], first[1]), jump, (ends[0] - first[0], ends[1] - first[1]))
