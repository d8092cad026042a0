"""What nested loops take: of each kind of convolution, the kernels that the loops see."""

from typing import Any

import numpy as np
import pytest

from cnnlab.layers import LAYERS
from cnnlab.scratch import convolution, loop_cost
from cnnlab.scratch.layer import Mode
from cnnlab.scratch.loop_cost import LoopSeconds, convolution_seconds
from cnnlab.scratch.table import SCRATCH_LAYERS

SHAPE = (6, 5, 4)
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("Conv2D", {"filters": 6, "kernel_size": (2, 3)}),
    "groups": ("Conv2D", {"filters": 6, "kernel_size": (2, 3), "groups": 2}),
    "depthwise": ("DepthwiseConv2D", {"kernel_size": (2, 3), "depth_multiplier": 2}),
    "separable": ("SeparableConv2D", {"filters": 6, "kernel_size": (2, 3), "depth_multiplier": 2}),
    "transposed": ("Conv2DTranspose", {"filters": 6, "kernel_size": (2, 3), "strides": 2}),
    "locally connected": ("LocallyConnected2D", {"filters": 6, "kernel_size": (2, 3)}),
}


class Counting:
    """The loops, with a multiplication priced by its kernel, and each way by its own unit."""

    UNITS = LoopSeconds(1.0, 1e6, 1e12)

    def __init__(self) -> None:
        self.price = 0.0
        self.loops = convolution.implementation("im2col")

    @staticmethod
    def of(height: int, width: int, channels: int, filters: int) -> int:
        return height + 10 * width + 100 * channels + 1000 * filters

    def correlate(self, images: Any, kernel: Any, *window: Any) -> Any:
        output = self.loops.correlate(images, kernel, *window)
        self.price += self.UNITS.correlate * self.of(*kernel.shape) * output[..., 0].size * kernel.size
        return output

    def to_images(self, gradient: Any, kernel: Any, *window: Any) -> Any:
        self.price += self.UNITS.to_images * self.of(*kernel.shape) * gradient[..., 0].size * kernel.size
        return self.loops.to_images(gradient, kernel, *window)

    def to_kernel(self, images: Any, gradient: Any, *window: Any) -> Any:
        kernel = self.loops.to_kernel(images, gradient, *window)
        self.price += self.UNITS.to_kernel * self.of(*kernel.shape) * gradient[..., 0].size * kernel.size
        return kernel


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_counted_is_what_the_loops_do(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pass of a layer in the engine, and the estimate, at the same price of each multiplication."""
    name, settings = KINDS[kind]
    described = LAYERS[name](**settings)
    layer = SCRATCH_LAYERS[name](described, (SHAPE,))
    weights = {each.name: np.ones(each.shape) for each in described.weights_of((SHAPE,))}

    counting, units = Counting(), Counting.UNITS
    monkeypatch.setattr(convolution, "implementation", lambda how: counting)
    monkeypatch.setattr(
        loop_cost,
        "loop_seconds",
        lambda *kernel: LoopSeconds(*(unit * counting.of(*kernel) for unit in units)),
    )
    passed = layer.forward([np.ones((1, *SHAPE))], weights, Mode(True, "loops"))
    forward, counting.price = counting.price, 0.0
    passed.backward(np.ones_like(passed.output), False)
    to_weights, counting.price = counting.price, 0.0
    passed.backward(np.ones_like(passed.output), True)
    estimate = convolution_seconds(described, SHAPE)
    assert estimate.to_weights == pytest.approx(to_weights, rel=1e-12)
    assert estimate.forward == pytest.approx(forward, rel=1e-12)
    assert estimate.to_input + estimate.to_weights == pytest.approx(counting.price, rel=1e-12)
