"""Covering a random rectangle of each image, so that a network cannot rest on one part of it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import model_validator

from cnnlab.language.fields import AsRange, Share, as_written, problem, problems
from cnnlab.layers.augmentation import Augmentation


class RandomErasing(Augmentation):
    """Cover a random rectangle of each image (Zhong et al. 2017, arXiv 1708.04896).

    Keras's layer, with one other default: its `value_range` is [0, 255], and images here are in [0, 1].
    """

    factor: Share = 1.0
    """Each image is changed with a probability that is drawn between 0 and this."""

    scale: Annotated[tuple[Share, Share], AsRange] = (0.02, 0.33)
    """Its height and width, as shares of the image's, are roots of numbers from this range."""

    fill_value: float | None = None
    """What covers it; None: noise."""

    value_range: Annotated[tuple[float, float], AsRange] = (0.0, 1.0)
    """The lowest and the highest value of what covers it."""

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        for name in ("scale", "value_range"):
            low, high = getattr(self, name)
            if low > high:
                raise problems(problem(f"expected two ascending numbers, found {[low, high]}", (name,)))
        low, high = self.value_range
        if self.fill_value is not None and not low <= self.fill_value <= high:
            # Keras would take the nearest end of the range, and say nothing.
            message = f"expected {low:g} to {high:g}, the value_range, found {as_written(self.fill_value)}"
            raise problems(problem(message, ("fill_value",)))
        return self
