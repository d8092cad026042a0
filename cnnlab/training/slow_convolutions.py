"""What convolutions take as loops in Python, told from a sample, so that nobody waits for it unawares."""

from __future__ import annotations

from typing import NamedTuple

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.layers.convolution import Convolution
from cnnlab.scratch.loop_cost import convolution_seconds

SLOW = 60.0
"""Seconds per epoch, from which on it is worth a warning."""


class SecondsInLoops(NamedTuple):
    """What the convolutions of a network take for one image."""

    forward: float
    training: float  # forwards and backwards


def seconds_in_loops(config: ExperimentConfig) -> SecondsInLoops:
    """The loops of all convolutions, told from a sample of each."""
    forward = training = 0.0
    learning: set[int] = set()  # layers with weights, and all behind one
    for position, step in enumerate(config.architecture.steps):
        layer, behind_weights = step.node.layer, bool(learning.intersection(step.node.inputs))
        if behind_weights or layer.weights_of(step.input_shapes):
            learning.add(position)
        if not isinstance(layer, Convolution):
            continue
        seconds = convolution_seconds(layer, step.input_shape)
        forward += seconds.forward
        training += seconds.forward + seconds.to_weights
        if behind_weights:  # nobody else needs the gradient of the input
            training += seconds.to_input
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
