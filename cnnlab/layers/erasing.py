"""Covering a random rectangle of each image, so that a network cannot rely on one part of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from cnnlab.language.fields import AsRange, Share, as_written, problem, problems
from cnnlab.layers.augmentation import Augmentation


class RandomErasing(Augmentation):
    """Random erasing (Zhong et al. 2017)."""

    about: ClassVar[str] = (
        "In training, cover a random rectangle of each image (Zhong et al. 2017, arXiv 1708.04896).\n\n"
        "Keras's layer, with one other default: its `value_range` is [0, 255], and images here are in [0, 1]."
    )

    idle_at: ClassVar[Mapping[str, tuple[object, ...]]] = {"factor": (0, (0, 0))}

    factor: Share = Field(1.0, description="Images are changed with a probability drawn between 0 and this.")
    scale: Annotated[tuple[Share, Share], AsRange] = Field(
        (0.02, 0.33),
        description="Height and width of the rectangle, relative to the image's, are square roots of numbers "
        "from this range.",
    )
    fill_value: float | None = Field(None, description="The pixel value of the rectangle; null: noise.")
    value_range: Annotated[tuple[float, float], AsRange] = Field(
        (0.0, 1.0), description="The lowest and the highest value of the noise."
    )

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        for name in ("scale", "value_range"):
            low, high = getattr(self, name)
            if low > high:
                raise problems(problem(f"expected two ascending numbers, found {[low, high]}", (name,)))
        low, high = self.value_range
        if self.fill_value is not None and not low <= self.fill_value <= high:
            # Keras would clip it to the range without a word.
            message = f"expected {low:g} to {high:g}, the value_range, found {as_written(self.fill_value)}"
            raise problems(problem(message, ("fill_value",)))
        return self
