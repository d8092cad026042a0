"""A layer on a part of its input, small enough to be computed some hundred times."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from cnnlab.errors import ShapeError
from cnnlab.language.fields import Shape
from cnnlab.layers.base import Layer
from cnnlab.scratch.convolution import ConvolutionName
from cnnlab.scratch.layer import ScratchLayer, Weights

MOST_IMAGES = 4

_MOST_WORK = {"im2col": 500_000, "numba": 500_000, "loops": 5_000}
"""Operations for one image, by implementation: what takes more is cut down where that is possible."""

_PER_NUMBER = 4
"""Operations for each number of an input or output, beside the multiplications with weights."""


def small_twin(
    layer: ScratchLayer[Any], inputs: Sequence[np.ndarray], weights: Weights, how: ConvolutionName
) -> tuple[ScratchLayer[Any], list[np.ndarray], dict[str, np.ndarray]]:
    """The same layer on the first images, or on a part from the middle of each, with the weights for it.

    Args:
        inputs: (N, …). weights: both are left as they are.

    Returns:
        The layer, its inputs and its weights as float64.
    """
    shapes = small_shapes(layer.settings, layer.input_shapes, how)
    parts = [
        _part(each, (MOST_IMAGES, *shape), from_middle=True)
        for each, shape in zip(inputs, shapes, strict=True)
    ]
    own = {each.name: _part(weights[each.name], each.shape) for each in layer.settings.weights_of(shapes)}
    return type(layer)(layer.settings, shapes), parts, own


def _part(array: np.ndarray, shape: Shape, *, from_middle: bool = False) -> np.ndarray:
    """A copy of so many numbers along each axis, from its middle where that is a part of an image."""
    starts = [
        (whole - part) // 2 if from_middle else 0 for whole, part in zip(array.shape, shape, strict=True)
    ]
    starts[0] = 0
    chosen = tuple(slice(start, start + part) for start, part in zip(starts, shape, strict=True))
    return np.array(array[chosen], dtype=float, order="C")


def small_shapes(settings: Layer, shapes: tuple[Shape, ...], how: ConvolutionName) -> tuple[Shape, ...]:
    """Input shapes with which the layer does not take more work than is good, if there are such."""
    while work_of(settings, shapes) > _MOST_WORK[how]:
        smaller = next(_halved(settings, shapes), None)
        if smaller is None:
            break
        shapes = smaller
    return shapes


def work_of(settings: Layer, shapes: tuple[Shape, ...]) -> int:
    """Operations that one image takes, roughly."""
    numbers = sum(math.prod(shape) for shape in (*shapes, settings.output_shape_of(shapes)))
    return (settings.macs(shapes[0]) or 0) + _PER_NUMBER * numbers


def _halved(settings: Layer, shapes: tuple[Shape, ...]) -> Iterator[tuple[Shape, ...]]:
    """Shapes with half the length along an axis, the longest axis first; only those that the layer takes."""
    for axis in sorted(range(len(shapes[0])), key=lambda axis: -shapes[0][axis]):
        smaller = tuple(
            (*shape[:axis], (shape[axis] + 1) // 2, *shape[axis + 1 :]) if len(shape) > axis else shape
            for shape in shapes
        )
        if smaller != shapes and _takes(settings, smaller):
            yield smaller


def _takes(settings: Layer, shapes: tuple[Shape, ...]) -> bool:
    try:
        settings.weights_of(shapes)
        settings.output_shape_of(shapes)
    except ShapeError:
        return False
    return True
