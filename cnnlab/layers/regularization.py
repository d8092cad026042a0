"""Noise in training that keeps a network from learning by heart. No weights; nothing happens otherwise.

Keras's `seed` is left out: the run's seed decides.
"""

from __future__ import annotations

from cnnlab.language.fields import Rate, Shape, Share
from cnnlab.layers.base import Layer, SpatialLayer


class Dropout(Layer):
    """Set a share `rate` of the numbers to 0 and scale the rest by 1 / (1 − rate) (Srivastava et al. 2014).

    Keras's `noise_shape` is left out.
    """

    rate: Rate


class SpatialDropout2D(SpatialLayer):
    """Set a share `rate` of the maps to 0, each as a whole, and scale the rest (Tompson et al. 2015)."""

    rate: Rate

    def output_shape(self, input_shape: Shape) -> Shape:
        self.spatial(input_shape)
        return input_shape


class GaussianNoise(Layer):
    """Add a normal random number of mean 0 and standard deviation `stddev` to each number."""

    stddev: Share
