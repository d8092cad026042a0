"""Noise in training against overfitting. No weights; nothing happens outside training.

Keras's `seed` is left out: the run's seed decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from cnnlab.language.fields import Rate, Shape, Share
from cnnlab.layers.base import Layer, SpatialLayer


class Dropout(Layer):
    """Dropout (Srivastava et al. 2014). Keras's `noise_shape` is left out."""

    about: ClassVar[str] = (
        "During training only, set a fraction `rate` of the values to 0 and scale the others by "
        "1 / (1 − rate) (Srivastava et al. 2014).\n\nKeras's `noise_shape` is left out."
    )

    acts_in_training_only: ClassVar[bool] = True
    idle_at: ClassVar[Mapping[str, tuple[object, ...]]] = {"rate": (0,)}

    rate: Rate


class SpatialDropout2D(SpatialLayer):
    """Dropout of whole feature maps (Tompson et al. 2015)."""

    about: ClassVar[str] = (
        "During training only, set a fraction `rate` of the feature maps to 0 and scale the others "
        "(Tompson et "
        "al. 2015)."
    )

    acts_in_training_only: ClassVar[bool] = True
    idle_at: ClassVar[Mapping[str, tuple[object, ...]]] = {"rate": (0,)}

    rate: Rate

    def output_shape(self, input_shape: Shape) -> Shape:
        self.spatial(input_shape)
        return input_shape


class GaussianNoise(Layer):
    """Additive normal noise."""

    about: ClassVar[str] = (
        "During training only, add a normal random number of mean 0 and standard deviation `stddev` "
        "to each number."
    )

    acts_in_training_only: ClassVar[bool] = True
    idle_at: ClassVar[Mapping[str, tuple[object, ...]]] = {"stddev": (0,)}

    stddev: Share
