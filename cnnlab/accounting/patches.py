"""What convolutions keep where each is one product of matrices, as on JAX's GPU."""

from __future__ import annotations

import math

from cnnlab.accounting.architecture import Architecture, LayerStep
from cnnlab.convolution_forms import is_one_product
from cnnlab.layers.convolution import Conv2D
from cnnlab.layers.separable_convolution import SeparableConv2D


def patch_numbers(architecture: Architecture) -> list[int]:
    """Of each convolution that takes this form: how many numbers the patches of one image are."""
    return [numbers for step in architecture.steps if (numbers := _numbers(step))]


def _numbers(step: LayerStep) -> int:
    """0 for a layer that does not take the form."""
    layer = step.node.layer
    match layer:
        case Conv2D(groups=1, dilation_rate=(1, 1), strides=(rows, columns)) if rows == columns:
            patch = math.prod(layer.kernel_size) * layer.window_channels(step.input_shape)
        case SeparableConv2D(dilation_rate=(1, 1)):  # its second part
            patch = layer.spatial(step.input_shape)[2] * layer.depth_multiplier
        case _:
            return 0
    positions = math.prod(layer.spatial(step.output_shape)[:2])
    return positions * patch if is_one_product(positions, patch) else 0
