"""What a check will take where convolutions are loops in Python, told before it begins."""

from __future__ import annotations

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import OptionError
from cnnlab.layers.convolution import Convolution
from cnnlab.reporting import Reporter
from cnnlab.scratch.loop_cost import convolution_seconds
from cnnlab.verification.gradients.finite_differences import ENTRIES
from cnnlab.verification.gradients.small_layers import MOST_IMAGES, small_shapes

MOST_SECONDS = 1200
"""More is refused."""

_WORTH_SAYING = 10


def check_loops(config: ExperimentConfig, images: int, reporter: Reporter) -> None:
    """Say how long the loops will take.

    Raises:
        UserError: nobody would wait for it.
    """
    seconds = seconds_of_check(config, images)
    if seconds > MOST_SECONDS:
        raise OptionError(
            "convolution",
            f"checking {config.name} would take about {_about(seconds)}; use im2col or numba",
            value="loops",
        )
    if seconds > _WORTH_SAYING:
        reporter.note(f"{config.name}: convolutions in loops take about {_about(seconds)}")


def seconds_of_check(config: ExperimentConfig, images: int) -> float:
    """Seconds of the convolutions of a check, told from a sample of their multiplications."""
    total = 0.0
    for step in config.architecture.steps:
        layer, shapes = step.node.layer, (step.input_shape,)
        if not isinstance(layer, Convolution):
            continue
        each = convolution_seconds(layer, step.input_shape)
        # Twice forwards: in training, and as it is used afterwards.
        total += images * (2 * each.forward + each.to_input + each.to_weights)
        (small,) = small_shapes(layer, shapes, "loops")
        forwards = 2 * ENTRIES * (1 + len(layer.weights_of(shapes)))
        part = layer.macs(small) / layer.macs(step.input_shape)
        total += forwards * min(images, MOST_IMAGES) * part * each.forward
    return total


def _about(seconds: float) -> str:
    """40 seconds, 12 minutes, 3 hours, 2 days"""
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}s"
    return f"{seconds:,.0f} seconds"
