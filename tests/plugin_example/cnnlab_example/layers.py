"""A layer that cnnlab does not have, and Keras does."""

from typing import ClassVar

from pydantic import Field

from cnnlab.errors import ShapeError
from cnnlab.language.fields import Positive, Shape
from cnnlab.layers.base import SpatialLayer
from cnnlab.layers.window import Footprint, Footprints


class CenterCrop(SpatialLayer):
    """(H, W, C) → (height, width, C)."""

    about: ClassVar[str] = "Keep the middle `height`×`width` pixels of an image. No weights."

    height: Positive = Field(description="Rows that are kept.")
    width: Positive = Field(description="Columns that are kept.")

    def output_shape(self, input_shape: Shape) -> Shape:
        height, width, channels = self.spatial(input_shape)
        if self.height > height or self.width > width:
            raise ShapeError(
                f"cannot crop {self.height}×{self.width} pixels out of {height}×{width}",
                f"set height to at most {height} and width to at most {width}",
            )
        return self.from_spatial(self.height, self.width, channels)

    def spatial_footprints(self, spatial: tuple[int, int]) -> Footprints:
        height, width = spatial
        top, left = (height - self.height) // 2, (width - self.width) // 2
        return Footprint(1, before=-top), Footprint(1, before=-left)
