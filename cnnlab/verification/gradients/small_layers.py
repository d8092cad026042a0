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
from cnnlab.scratch.layer import ScratchLayer

MOST_IMAGES = 4

_MOST_WORK = {"im2col": 500_000, "numba": 500_000, "loops": 5_000}
"""Operations for one image, by implementation: what takes more is cut down where that is possible."""

_PER_NUMBER = 4
"""Operations for each number of an input or output, beside the multiplications with weights."""


def small_twin(
    layer: ScratchLayer[Any], inputs: Sequence[np.ndarray], how: ConvolutionName
) -> tuple[ScratchLayer[Any], list[np.ndarray]]:
    """The same layer for the first images, or for a part from the middle of each, and these as float64.

    Args:
        inputs: (N, …), which are left as they are.
    """
    shapes = small_shapes(layer.settings, layer.input_shapes, how)
    parts = []
    for each, shape in zip(inputs, shapes, strict=True):
        starts = [(whole - part) // 2 for whole, part in zip(each.shape[1:], shape, strict=True)]
        middle = [slice(start, start + part) for start, part in zip(starts, shape, strict=True)]
        parts.append(np.array(each[(slice(MOST_IMAGES), *middle)], dtype=float, order="C"))
    return type(layer)(layer.settings, shapes), parts


def small_shapes(settings: Layer, shapes: tuple[Shape, ...], how: ConvolutionName) -> tuple[Shape, ...]:
    """Input shapes for which the layer has the same weights, and does not take more work than is good."""
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
    weights = settings.weights_of(shapes)
    for axis in sorted(range(len(shapes[0])), key=lambda axis: -shapes[0][axis]):
        smaller = tuple(
            (*shape[:axis], (shape[axis] + 1) // 2, *shape[axis + 1 :]) if len(shape) > axis else shape
            for shape in shapes
        )
        if smaller == shapes:
            continue
        try:
            fits = settings.weights_of(smaller) == weights and settings.output_shape_of(smaller)
        except ShapeError:
            continue
        if fits:
            yield smaller
