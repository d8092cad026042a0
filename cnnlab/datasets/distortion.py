"""How all images of a dataset are turned, scaled and shifted before anyone sees them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from cnnlab.language.fields import AsRange, NonNegative, Settings, Share

Factor = Annotated[float, Field(ge=0.1, le=10)]


class Distortion(Settings):
    """A rotation, a scale and a shift of each image, the same in every epoch and every run."""

    about: ClassVar[str] = (
        "Turn, scale and shift each image at random: the training, the validation and the test images.\n\n"
        "Unlike augmentation, an image is the same in every epoch and for every seed of an experiment. "
        "Values between pixels are interpolated bilinearly; outside of the image it is black."
    )

    rotation: Annotated[float, Field(ge=0, le=180)] = Field(
        0.0, description="The largest rotation in degrees, to either side."
    )
    scale: Annotated[tuple[Factor, Factor], AsRange] = Field(
        (1.0, 1.0), description="The smallest and the largest factor of the size; 1 keeps it."
    )
    shift: Share = Field(0.0, description="The largest shift as a share of height and width, to either side.")
    seed: NonNegative = Field(0, description="Draws the distortions; not the run's seed.")

    @field_validator("scale", mode="after")
    @classmethod
    def _ascending(cls, value: tuple[float, float]) -> tuple[float, float]:
        if value[0] > value[1]:
            raise ValueError(f"expected two ascending numbers, found {list(value)}")
        return value

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.rotation and not self.shift and self.scale == (1.0, 1.0):
            raise ValueError("no image would change; set rotation, scale or shift, or leave distort out")
        return self
