"""Layers that pad, crop or enlarge an image. No weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator

from cnnlab.errors import ShapeError
from cnnlab.language.fields import NonNegative, Pair, Shape, as_written, one_for_all
from cnnlab.layers.base import DrawingRole, SpatialLayer, times
from cnnlab.layers.window import Footprint, Footprints, resampled


def _as_borders(value: Any) -> Any:
    """2 → ((2, 2), (2, 2)); [1, 2] → ((1, 1), (2, 2)); [[1, 0], [2, 2]] as it is."""
    pair = (value, value) if one_for_all(value, at_least=0) else value
    if isinstance(pair, list | tuple) and len(pair) == 2:
        each = [(side, side) if one_for_all(side, at_least=0) else side for side in pair]
        if all(isinstance(side, list | tuple) and len(side) == 2 for side in each):
            return tuple(tuple(side) for side in each)
    raise ValueError(
        "expected a whole number, two: [height, width], or [[top, bottom], [left, right]]; "
        f"found {as_written(value)}"
    )


Border = tuple[NonNegative, NonNegative]
Borders = Annotated[tuple[Border, Border], BeforeValidator(_as_borders)]
"""((top, bottom), (left, right)) in pixels; one number stands for all four."""


class ZeroPadding2D(SpatialLayer):
    """(H, W, C) → (H + top + bottom, W + left + right, C)."""

    about: ClassVar[str] = (
        "Add rows and columns of zeros around an image: (H, W, C) → (H + top + bottom, W + left + right, C)."
    )
    drawing_role: ClassVar[DrawingRole] = "hidden"

    idle_at: ClassVar[Mapping[str, tuple[object, ...]]] = {"padding": (((0, 0), (0, 0)),)}

    padding: Borders = ((1, 1), (1, 1))

    def output_shape(self, input_shape: Shape) -> Shape:
        height, width, channels = self.spatial(input_shape)
        return self.from_spatial(height + sum(self.padding[0]), width + sum(self.padding[1]), channels)

    def spatial_footprints(self, spatial: tuple[int, int]) -> Footprints:
        (top, _), (left, _) = self.padding
        return Footprint(1, before=top), Footprint(1, before=left)


class Cropping2D(SpatialLayer):
    """(H, W, C) → (H − top − bottom, W − left − right, C)."""

    about: ClassVar[str] = (
        "Remove rows and columns at the edges of an image: (H, W, C) → (H − top − bottom, W − left − "
        "right, C)."
    )

    idle_at: ClassVar[Mapping[str, tuple[object, ...]]] = {"cropping": (((0, 0), (0, 0)),)}

    cropping: Borders = ((0, 0), (0, 0))

    def output_shape(self, input_shape: Shape) -> Shape:
        height, width, channels = self.spatial(input_shape)
        rows, columns = height - sum(self.cropping[0]), width - sum(self.cropping[1])
        if rows < 1 or columns < 1:
            raise ShapeError(
                f"cropping {[list(each) for each in self.cropping]} leaves nothing of the "
                f"{times((height, width))} input",
                "crop less",
            )
        return self.from_spatial(rows, columns, channels)

    def spatial_footprints(self, spatial: tuple[int, int]) -> Footprints:
        (top, _), (left, _) = self.cropping
        return Footprint(1, before=-top), Footprint(1, before=-left)


class UpSampling2D(SpatialLayer):
    """(H, W, C) → (H · size[0], W · size[1], C)."""

    about: ClassVar[str] = (
        "Each pixel becomes size[0] × size[1] pixels: (H, W, C) → (H · size[0], W · size[1], C)."
    )

    idle_at: ClassVar[Mapping[str, tuple[object, ...]]] = {"size": ((1, 1),)}

    size: Pair = (2, 2)
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"] = "nearest"

    def output_shape(self, input_shape: Shape) -> Shape:
        height, width, channels = self.spatial(input_shape)
        return self.from_spatial(height * self.size[0], width * self.size[1], channels)

    def spatial_footprints(self, spatial: tuple[int, int]) -> Footprints:
        rows, columns = (self._footprint(factor) for factor in self.size)
        return rows, columns

    def _footprint(self, factor: int) -> Footprint:
        if self.interpolation == "nearest":
            return Footprint(factor, spread=factor, before=factor - 1)
        reach = {"bilinear": 1, "bicubic": 2, "lanczos3": 3, "lanczos5": 5}[self.interpolation]
        return resampled(outputs=factor, inputs=1, reach=reach)
