"""What convolutions take as loops in Python, told from a sample, so that nobody waits for it unawares."""

from __future__ import annotations

import math
from typing import NamedTuple

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.layers.convolution import Convolution
from cnnlab.scratch.loop_cost import loop_seconds

SLOW = 60.0
"""Seconds per epoch, from which on it is worth a warning."""


class SecondsInLoops(NamedTuple):
    """What the convolutions of a network take for one image."""

    forward: float
    training: float  # forwards and backwards


def seconds_in_loops(config: ExperimentConfig) -> SecondsInLoops:
    """The multiplications of each convolution times what a few of them take here, with such a kernel."""
    forward = training = 0.0
    learning: set[int] = set()  # layers with weights, and all behind one
    for position, step in enumerate(config.architecture.steps):
        layer, behind_weights = step.node.layer, bool(learning.intersection(step.node.inputs))
        if behind_weights or layer.weights_of(step.input_shapes):
            learning.add(position)
        if not isinstance(layer, Convolution):
            continue
        kernel = layer.weights_of(step.input_shapes)[0].shape
        filters = kernel[-1]
        channels = kernel[-2] if len(kernel) == 4 else kernel[-2] // math.prod(layer.kernel_size)
        multiplications = layer.macs(step.input_shape)
        seconds = loop_seconds(*layer.kernel_size, channels, filters)
        forward += multiplications * seconds.correlate
        training += multiplications * (seconds.correlate + seconds.to_kernel)
        if behind_weights:  # nobody else needs the gradient of the input
            training += multiplications * seconds.to_images
    return SecondsInLoops(forward, training)


def slow_convolutions(config: ExperimentConfig, images: int) -> str | None:
    """A warning where an epoch of so many images takes minutes or more in loops; else None."""
    if config.runtime.convolution != "loops":
        return None
    epoch = images * seconds_in_loops(config).training
    if epoch < SLOW:
        return None
    shown = f"{epoch / 60:,.0f} minutes" if epoch < 7200 else f"{epoch / 3600:,.0f} hours"
    return (
        f"{config.name}: convolutions in loops take about {shown} per epoch here; im2col and numba compute "
        "the same (runtime.convolution)"
    )
