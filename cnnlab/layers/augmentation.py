"""Random changes of images, in training only: Keras's own layers.

They draw from the run's seed, and pixels stay in their range.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import PlainSerializer, PlainValidator, model_validator

from cnnlab.errors import ShapeError
from cnnlab.language.fields import Positive, Shape, as_written
from cnnlab.layers.base import SpatialLayer, times
from cnnlab.layers.window import Footprints, resampled

if TYPE_CHECKING:
    import keras


def _as_factor(value: Any) -> float | tuple[float, float]:
    numbers = value if isinstance(value, list | tuple) else [value]
    well_formed = len(numbers) == (2 if numbers is value else 1) and all(
        isinstance(each, int | float) and not isinstance(each, bool) and -1 <= each <= 1 for each in numbers
    )
    if not well_formed:
        raise ValueError(f"expected a number from -1 to 1, or two: [lower, upper]; found {as_written(value)}")
    return (float(numbers[0]), float(numbers[1])) if numbers is value else float(numbers[0])


Factor = Annotated[
    float | tuple[float, float],
    PlainValidator(_as_factor, json_schema_input_type=float | tuple[float, float]),
    PlainSerializer(lambda factor: list(factor) if isinstance(factor, tuple) else factor),
]
"""How far at most: x stands for [−x, x]."""

NO_CHANGE = (0, (0, 0))
"""The factors that leave images as they are."""


class Augmentation(SpatialLayer):
    """A random change of each image in training; nothing otherwise. The shape stays."""

    is_augmentation: ClassVar[bool] = True
    acts_in_training_only: ClassVar[bool] = True

    def build(self, name: str, dtype: str = "float32") -> keras.layers.Layer:
        """In float32 whatever the precision: what Keras draws and resamples by has no half precision.

        The next layer casts the images to its own.
        """
        return super().build(name)

    def output_shape(self, input_shape: Shape) -> Shape:
        self.spatial(input_shape)
        return input_shape


class RandomFlip(Augmentation):
    """Mirroring."""

    moves_pixels: ClassVar[bool] = True
    about: ClassVar[str] = "In training, mirror each image with probability ½ (along each axis of `mode`)."

    mode: Literal["horizontal", "vertical", "horizontal_and_vertical"] = "horizontal_and_vertical"


class Warp(Augmentation):
    """A geometric change. `fill_mode` says what fills pixels from beyond the edge."""

    moves_pixels: ClassVar[bool] = True

    fill_mode: Literal["reflect", "wrap", "constant", "nearest"] = "reflect"
    interpolation: Literal["nearest", "bilinear"] = "bilinear"
    fill_value: float = 0.0

    @model_validator(mode="after")
    def _no_idle_fill_value(self) -> Self:
        if self.fill_mode != "constant":
            self.reject_unused("fill_value", reason=f"with fill_mode: {self.fill_mode}")
        return self


class RandomRotation(Warp):
    """Rotation."""

    about: ClassVar[str] = "In training, rotate each image by at most `factor` full turns; 0.1 is ±36°."

    idle_at: ClassVar[Mapping[str, tuple[object, ...]]] = {"factor": NO_CHANGE}

    factor: Factor


class RandomTranslation(Warp):
    """Translation."""

    about: ClassVar[str] = (
        "In training, shift each image by at most `height_factor` of its height and `width_factor` of its "
        "width."
    )

    idle_at: ClassVar[Mapping[str, tuple[object, ...]]] = {
        "height_factor": NO_CHANGE,
        "width_factor": NO_CHANGE,
    }

    height_factor: Factor
    width_factor: Factor


class RandomZoom(Warp):
    """Zoom. Without `width_factor` height and width change together."""

    about: ClassVar[str] = (
        "In training, shrink (positive factor) or enlarge (negative factor) each image by at most the "
        "factors.\n\n"
        "Without `width_factor`, height and width change together."
    )

    idle_at: ClassVar[Mapping[str, tuple[object, ...]]] = {
        "height_factor": NO_CHANGE,
        "width_factor": (None, *NO_CHANGE),
    }

    height_factor: Factor
    width_factor: Factor | None = None

    @model_validator(mode="after")
    def _not_without_end(self) -> Self:
        factors = (self.height_factor, self.width_factor)
        if any(-1 in (each if isinstance(each, tuple) else (each,)) for each in factors):
            raise ValueError("expected factors above -1, which would magnify an image without limit")
        return self


class RandomCrop(Augmentation):
    """A random piece of each image: (H, W, C) → (height, width, C)."""

    about: ClassVar[str] = (
        "In training, cut a random piece of `height` × `width` pixels out of the images, the same for a "
        "whole "
        "batch.\n\nOutside training: the largest piece of that aspect ratio from the middle, resized. "
        "(H, W, C) → (height, width, C)."
    )

    acts_in_training_only: ClassVar[bool] = False
    moves_pixels: ClassVar[bool] = True

    height: Positive
    width: Positive

    def output_shape(self, input_shape: Shape) -> Shape:
        height, width, channels = self.spatial(input_shape)
        if self.height > height or self.width > width:
            raise ShapeError(
                f"a {times((self.height, self.width))} piece does not fit into the "
                f"{times((height, width))} input",
                "make it smaller, or put ZeroPadding2D before it",
            )
        return self.from_spatial(self.height, self.width, channels)

    def spatial_footprints(self, spatial: tuple[int, int]) -> Footprints:
        """Those of the largest piece from the middle, resized: what is done outside training."""
        height, width = spatial
        piece = (
            max(min(height, width * self.height // self.width), 1),
            max(min(width, height * self.width // self.height), 1),
        )
        return (
            resampled(self.height, piece[0], offset=(height - piece[0]) // 2),
            resampled(self.width, piece[1], offset=(width - piece[1]) // 2),
        )

    def build(self, name: str, dtype: str = "float32") -> keras.layers.Layer:
        from cnnlab.layers import custom

        return custom.RandomCrop(**self.arguments(), name=name)
