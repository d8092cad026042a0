"""Covering a random rectangle of each image, so that a network cannot rest on one part of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cnnlab.language.fields import AsTuple
from cnnlab.layers.augmentation import Augmentation

Share = Annotated[float, Field(ge=0, le=1)]


class RandomErasing(Augmentation):
    """Cover a random rectangle of each image (Zhong et al. 2017, arXiv 1708.04896).

    Keras's layer, with one other default: its `value_range` is [0, 255], and images here are in [0, 1].
    """

    factor: Share = 1.0
    """Each image is changed with a probability that is drawn between 0 and this."""

    scale: Annotated[tuple[Share, Share], AsTuple] = (0.02, 0.33)
    """Its height and width, as shares of the image's, are roots of numbers from this range."""

    fill_value: float | None = None
    """What covers it; None: noise."""

    value_range: Annotated[tuple[float, float], AsTuple] = (0.0, 1.0)
    """The lowest and the highest value of the noise."""
