"""What a check will take where convolutions are loops in Python, told before it begins."""

from __future__ import annotations

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import OptionError
from cnnlab.reporting import Reporter
from cnnlab.scratch.loop_cost import loop_seconds
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
    seconds = seconds_in_loops(config, images)
    if seconds > MOST_SECONDS:
        raise OptionError(
            "convolution",
            f"checking {config.name} would take about {_about(seconds)}; use im2col or numba",
            value="loops",
        )
    if seconds > _WORTH_SAYING:
        reporter.note(f"{config.name}: convolutions in loops take about {_about(seconds)}")


def seconds_in_loops(config: ExperimentConfig, images: int) -> float:
    """Seconds of the convolutions of a check, told from a sample of their multiplications."""
    total = 0.0
    for step in config.architecture.steps:
        layer, shapes = step.node.layer, (step.input_shape,)
        weights = layer.weights_of(shapes)
        kernels = [each.shape for each in weights if len(each.shape) == 4]
        if not layer.is_convolution or not kernels:  # of a locally connected layer, no kernel slides
            continue
        each = loop_seconds(*kernels[0])
        # Twice forwards: in training, and as it is used afterwards.
        whole = images * (layer.macs(step.input_shape) or 0)
        total += whole * (2 * each.correlate + each.to_images + each.to_kernel)
        small = small_shapes(layer, shapes, "loops")
        forwards = 2 * ENTRIES * (1 + len(weights))
        total += forwards * min(images, MOST_IMAGES) * (layer.macs(small[0]) or 0) * each.correlate
    return total


def _about(seconds: float) -> str:
    """40 seconds, 12 minutes, 3 hours, 2 days"""
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}s"
    return f"{seconds:,.0f} seconds"
