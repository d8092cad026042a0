"""Where the gradient goes through a pooling layer."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from cnnlab.layers.window import Window
from cnnlab.scratch.pooling import average_pool, max_pool

PoolingName = Literal["max", "average"]


class Pooled(NamedTuple):
    """inputs, to_inputs: (H, W), and their gradient. output, gradient: (H', W'), and its gradient."""

    inputs: np.ndarray
    output: np.ndarray
    gradient: np.ndarray
    to_inputs: np.ndarray


def pooled(inputs: np.ndarray, kind: PoolingName, window: Window) -> Pooled:
    """Pool a map (H, W), and send the gradients 1, 2, 3, … of its outputs back."""
    pool = max_pool if kind == "max" else average_pool
    output, backward = pool(inputs[None, :, :, None], window)
    gradient = np.arange(1.0, output.size + 1).reshape(output.shape)
    to_inputs = backward(gradient)
    return Pooled(inputs, *(each[0, :, :, 0] for each in (output, gradient, to_inputs)))
