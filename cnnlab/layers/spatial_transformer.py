"""A block that turns, scales and shifts its input by an affine map that it predicts from the input itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from cnnlab.errors import ShapeError
from cnnlab.language.fields import DataFormat, Pair, Shape
from cnnlab.layers.base import DrawingRole, SpatialLayer, times
from cnnlab.layers.core import Dense, InitializerName
from cnnlab.layers.graph import Block, BlockPath, Graph, Where
from cnnlab.layers.serialization import Layers
from cnnlab.layers.window import Footprint, resampled

if TYPE_CHECKING:
    import keras

IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
"""The map that changes nothing: x' = 1 · x + 0 · y + 0, y' = 0 · x + 1 · y + 0."""

MAP_PRODUCTS, WEIGHT_PRODUCTS, NEIGHBORS = 4, 4, 4
"""Multiplications for each output position: to map it, to weight the pixels around there."""


class AffineMap(Dense):
    """The six numbers of an affine map, those of the identity before training.

    Input (N,) → output (6,): a b c d e f, with x' = a·x + b·y + c and y' = d·x + e·y + f.
    """

    about: ClassVar[str] = "The six numbers of an affine map; the identity at first."
    width_field: ClassVar[str | None] = None

    name: str | None = "affine_map"
    units: int = len(IDENTITY)
    kernel_initializer: InitializerName = "zeros"

    @classmethod
    def type(cls) -> str:
        """Keras's class."""
        return "Dense"

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise ShapeError(
                f"the inner layers end in {times(input_shape)}; expected a flat output, from which the "
                "affine map is predicted",
                "end them with Flatten, and perhaps Dense",
            )
        return super().output_shape(input_shape)

    def arguments(self) -> dict[str, Any]:
        import keras

        return super().arguments() | {"bias_initializer": keras.initializers.Constant(list(IDENTITY))}

    def build(self, name: str, dtype: str = "float32") -> keras.layers.Layer:
        # With the 8 bits of a bfloat16, a map would miss its pixels by up to 1/256 of the image.
        return super().build(name, "float32")


class AffineSampling(SpatialLayer):
    """Resample an image where an affine map says: (H, W, C) and (6,) → (H', W', C)."""

    about: ClassVar[str] = (
        "Each output position is mapped into the input, and bilinear interpolation gives its value.\n\n"
        "(H, W, C) and the six numbers of the map → (H', W', C). Outside of the input there are zeros."
    )
    drawing_role: ClassVar[DrawingRole] = "merge"
    moves_pixels: ClassVar[bool] = True

    output_size: Pair | None = None

    def output_shape(self, input_shape: Shape) -> Shape:
        height, width, channels = self.spatial(input_shape)
        rows, columns = self.output_size or (height, width)
        return self.from_spatial(rows, columns, channels)

    def output_shape_of(self, input_shapes: tuple[Shape, ...]) -> Shape:
        return self.output_shape(input_shapes[0])

    def macs(self, input_shape: Shape) -> int:
        rows, columns, channels = self.spatial(self.output_shape(input_shape))
        return rows * columns * (MAP_PRODUCTS + WEIGHT_PRODUCTS + NEIGHBORS * channels)

    def working_numbers(self, input_shape: Shape) -> int:
        """For each output position, the weights of all rows and all columns, and a line of pixels."""
        height, width, channels = self.spatial(input_shape)
        rows, columns, _ = self.spatial(self.output_shape(input_shape))
        return rows * columns * (height + width + width * channels)

    def footprints(self, input_shape: Shape) -> Mapping[int, Footprint]:
        """Those of the identity: they tell how far apart two neighboring outputs lie then."""
        sizes = zip(self.spatial_axes, self.spatial(self.output_shape(input_shape))[:2], strict=True)
        return {
            axis: resampled(outputs=size, inputs=input_shape[axis])
            for axis, size in sizes
            if size != input_shape[axis]
        }

    def spanned_axes(self, input_shape: Shape, output_shape: Shape) -> frozenset[int]:
        """Height and width: the map can lead anywhere, and depends on all of the input."""
        return frozenset(self.spatial_axes)

    def explain_output(self, input_shapes: tuple[Shape, ...], output_shape: Shape) -> Iterator[str]:
        rows, columns, channels = self.spatial(output_shape)
        yield (
            f"Each of the {times((rows, columns))} positions is mapped into the input; bilinear "
            f"interpolation of the {NEIGHBORS} pixels around gives its values, one for each channel: "
            f"{channels:,}."
        )

    def explain_macs(self, input_shape: Shape, output_shape: Shape) -> Iterator[str]:
        rows, columns, channels = self.spatial(output_shape)
        each = MAP_PRODUCTS + WEIGHT_PRODUCTS + NEIGHBORS * channels
        yield (
            f"For each position {MAP_PRODUCTS} multiplications by the map's numbers, {WEIGHT_PRODUCTS} for "
            f"the weights of {NEIGHBORS} pixels, and {NEIGHBORS} by these weights for each channel: "
            f"{MAP_PRODUCTS} + {WEIGHT_PRODUCTS} + {NEIGHBORS} × {channels:,} = {each:,}."
        )
        total = math.prod((rows, columns, each))
        yield f"{rows:,} × {columns:,} × {each:,} = {total:,} multiplications per image."

    def build(self, name: str, dtype: str = "float32") -> keras.layers.Layer:
        from cnnlab.layers import custom

        return custom.AffineSampling(**self.arguments(), name=name, dtype=dtype)


class SpatialTransformer(Block):
    """A spatial transformer (Jaderberg et al. 2015)."""

    about: ClassVar[str] = (
        "Turn, scale, shear and shift each image as `layers` predict from it (Jaderberg et al. 2015, "
        "arXiv 1506.02025).\n\n"
        "A Dense layer of 6 after the `layers`, the identity at first, gives the affine map; the input is "
        "resampled bilinearly, with zeros outside of it. (H, W, C) → (H, W, C), or the size `output_size`."
    )

    layers: Layers
    output_size: Pair | None = None
    data_format: DataFormat = "channels_last"

    @property
    def paths(self) -> tuple[BlockPath, ...]:
        return BlockPath(("layers",), (*self.layers, AffineMap())), BlockPath((), ())

    def expand(self, graph: Graph, feed: int, name: str, where: Where) -> int:
        localization, _ = self.paths
        affine = graph.chain(localization.layers, feed, (*where, *localization.where), f"{name}/")
        sampling = AffineSampling(output_size=self.output_size, data_format=self.data_format)
        return graph.add(sampling, (feed, affine), f"{name}/sampling", where, ("image", "map"))
