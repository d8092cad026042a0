"""Layers that arrange the same numbers differently. No weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from cnnlab.errors import ShapeError
from cnnlab.language.fields import AsTuple, Positive, Shape
from cnnlab.layers.base import Layer, times


class Reshape(Layer):
    """The same numbers, row by row, in another shape."""

    about: ClassVar[str] = (
        "The same numbers, row by row, in the shape `target_shape`; −1 stands for what is left."
    )
    only_reshapes: ClassVar[bool] = True

    target_shape: Annotated[tuple[Annotated[int, Field(ge=-1)], ...], Field(min_length=1), AsTuple]

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        if 0 in self.target_shape or self.target_shape.count(-1) > 1:
            raise ValueError(
                f"expected sizes of 1 or more, and −1 at most once, found {list(self.target_shape)}"
            )
        return self

    def output_shape(self, input_shape: Shape) -> Shape:
        size = math.prod(input_shape)
        known = math.prod(each for each in self.target_shape if each != -1)
        if size % known or (-1 not in self.target_shape and size != known):
            raise ShapeError(
                f"the {size:,} numbers of the {times(input_shape)} input do not fit "
                f"{list(self.target_shape)}",
                "choose sizes whose product is the same, or write -1 for one of them",
            )
        return tuple(size // known if each == -1 else each for each in self.target_shape)


class Permute(Layer):
    """The axes in another order."""

    about: ClassVar[str] = (
        "The axes in the order `dims`, counted from 1: [3, 1, 2] turns (H, W, C) into (C, H, W)."
    )

    idle_at: ClassVar[Mapping[str, tuple[object, ...]]] = {"dims": ((1,), (1, 2), (1, 2, 3))}

    dims: Annotated[tuple[Positive, ...], Field(min_length=1), AsTuple]

    @model_validator(mode="after")
    def _order(self) -> Self:
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f"expected each of 1 to {len(self.dims)} once, found {list(self.dims)}")
        return self

    @property
    def axes_order(self) -> tuple[int, ...]:
        return tuple(each - 1 for each in self.dims)

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != len(self.dims):
            raise ShapeError(
                f"dims {list(self.dims)} names {len(self.dims)} axes; the {times(input_shape)} input has "
                f"{len(input_shape)}",
                "name every axis of the input once, counted from 1",
            )
        return tuple(input_shape[axis] for axis in self.axes_order)
