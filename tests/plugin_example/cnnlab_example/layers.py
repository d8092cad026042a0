"""A layer that cnnlab does not have, and Keras does."""

from cnnlab.errors import ShapeError
from cnnlab.language.fields import Positive, Shape
from cnnlab.layers.base import SpatialLayer


class CenterCrop(SpatialLayer):
    """Keep the middle of an image: (H, W, C) → (height, width, C). No weights."""

    height: Positive
    """Rows that are kept."""

    width: Positive
    """Columns that are kept."""

    def output_shape(self, input_shape: Shape) -> Shape:
        height, width, channels = self.spatial(input_shape)
        if self.height > height or self.width > width:
            raise ShapeError(
                f"cannot crop {self.height}×{self.width} pixels out of {height}×{width}",
                f"set height to at most {height} and width to at most {width}",
            )
        return self.from_spatial(self.height, self.width, channels)
