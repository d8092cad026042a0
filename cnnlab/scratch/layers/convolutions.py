"""Convolutions of a config."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnnlab.layers import convolution as described
from cnnlab.scratch import convolution
from cnnlab.scratch.activations import activate
from cnnlab.scratch.data_formats import from_channels_last, to_channels_last
from cnnlab.scratch.layer import Gradients, Mode, Pass, ScratchLayer, Weights


class Conv2D(ScratchLayer[described.Conv2D]):
    """activation(correlate(images, kernel) + bias); backwards see `cnnlab.scratch.convolution`."""

    def forward(self, inputs: Sequence[np.ndarray], weights: Weights, mode: Mode) -> Pass:
        settings, kernel = self.settings, weights["kernel"]
        images = to_channels_last(inputs[0], settings.data_format)
        window = settings.window
        assert window is not None
        groups, how = settings.groups, mode.convolution
        maps = convolution.correlate(images, kernel, window, groups=groups, how=how) + weights.get("bias", 0)
        output, through_activation = activate(
            settings.output_activation, from_channels_last(maps, settings.data_format)
        )

        def backward(gradient: np.ndarray, inputs_wanted: bool) -> Gradients:
            gradient = to_channels_last(through_activation(gradient), settings.data_format)
            to_weights = {"kernel": convolution.to_kernel(images, gradient, window, groups=groups, how=how)}
            if settings.use_bias:
                to_weights["bias"] = gradient.sum(axis=(0, 1, 2))
            if not inputs_wanted:
                return Gradients([], to_weights)
            size = (images.shape[1], images.shape[2])
            to_images = convolution.to_images(gradient, kernel, size, window, groups=groups, how=how)
            return Gradients([from_channels_last(to_images, settings.data_format)], to_weights)

        return Pass(output, backward)
