"""The convolution of the lecture's experiment, forwards and backwards, by whoever computes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from time import perf_counter
from typing import Literal, NamedTuple, Self, get_args

import numpy as np

from cnnlab.layers.window import Window
from cnnlab.scratch import convolution
from cnnlab.scratch.convolution import ConvolutionName

IMAGE, KERNELS = (28, 28, 3), (3, 3, 3, 4)
"""The lecture convolves 64 such images with 4 kernels ten times: 38.06 s in loops, 0.07 s compiled. Its text
leaves the shapes out; they are those of its program, Level2_Numba_Test.py of microsoft/ai-edu."""

PassName = Literal["forward", "input gradient", "kernel gradient"]
PASSES: tuple[PassName, ...] = get_args(PassName)

Passes = Mapping[PassName, Callable[[], np.ndarray]]
"""By name, functions of nothing: what they compute with was given to them."""


class Arrays(NamedTuple):
    """What is convolved.

    images: (N, 28, 28, 3) float32. kernel: (3, 3, 3, 4) float32.
    gradient: (N, 26, 26, 4) float32, with respect to the output.
    """

    images: np.ndarray
    kernel: np.ndarray
    gradient: np.ndarray

    @classmethod
    def drawn(cls, images: int) -> Self:
        """Normal random numbers, the same every time; the kernel's have the variance of He et al. (2015)."""
        rng = np.random.default_rng(0)
        rows, columns, _ = IMAGE
        height, width, channels, filters = KERNELS
        kernel = rng.normal(0, (2 / (height * width * channels)) ** 0.5, KERNELS)
        gradient = rng.normal(size=(images, rows - height + 1, columns - width + 1, filters))
        drawn = (rng.normal(size=(images, *IMAGE)), kernel, gradient)
        return cls(*(each.astype(np.float32) for each in drawn))

    @property
    def multiplications(self) -> int:
        """Of each pass: for each output those of its window, and the same pairs meet on both ways back."""
        return int(self.gradient.size * self.kernel[..., 0].size)


def scratch_passes(arrays: Arrays, how: ConvolutionName) -> Passes:
    """The passes by hand, in one of the three ways.

    Raises:
        UserError: the way is Numba's, and Numba is not installed.
    """
    images, kernel, gradient = arrays
    convolution.implementation(how)
    size, window = (images.shape[1], images.shape[2]), Window((kernel.shape[0], kernel.shape[1]))
    return {
        "forward": partial(convolution.correlate, images, kernel, window, how=how),
        "input gradient": partial(convolution.to_images, gradient, kernel, size, window, how=how),
        "kernel gradient": partial(convolution.to_kernel, images, gradient, window, how=how),
    }


def keras_passes(arrays: Arrays) -> Passes:
    """The passes in Keras, compiled where its backend compiles. The arrays are on the device already."""
    import keras

    from cnnlab.gradients import evaluated, pulled_back

    images, kernel, gradient = map(keras.ops.convert_to_tensor, arrays)
    forward = evaluated(lambda images, kernel: (keras.ops.conv(images, kernel),))
    to_images = pulled_back(keras.ops.conv)
    to_kernel = pulled_back(lambda kernel, images: keras.ops.conv(images, kernel))
    return {
        "forward": lambda: forward(images, kernel)[0],
        "input gradient": partial(to_images, images, kernel, gradient),
        "kernel gradient": partial(to_kernel, kernel, images, gradient),
    }


def seconds_to_compile(passes: Passes) -> float:
    """What Numba takes to compile the loops, also where it has kept what it compiled in another process."""
    from cnnlab.scratch import compiled

    for compute in passes.values():  # with the types that it compiles for
        compute()
    began = perf_counter()
    for function in (compiled.correlate, compiled.to_images, compiled.to_kernel):
        function.recompile()
    return perf_counter() - began
