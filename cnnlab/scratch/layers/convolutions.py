"""Convolutions of a config; the arithmetic is `cnnlab.scratch.convolution`'s."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple, TypeVar

import numpy as np

from cnnlab.layers import convolution as described
from cnnlab.layers.locally_connected import LocallyConnected2D as DescribedLocallyConnected2D
from cnnlab.layers.separable_convolution import DepthwiseConv2D as DescribedDepthwiseConv2D
from cnnlab.layers.separable_convolution import SeparableConv2D as DescribedSeparableConv2D
from cnnlab.layers.transposed_convolution import Conv2DTranspose as DescribedConv2DTranspose
from cnnlab.layers.window import Window
from cnnlab.scratch import convolution
from cnnlab.scratch.activations import activate
from cnnlab.scratch.data_formats import from_channels_last, to_channels_last
from cnnlab.scratch.layer import Gradients, Mode, Pass, ScratchLayer, Weights

Described = TypeVar("Described", bound=described.Convolution)

Maps = tuple[np.ndarray, Callable[[np.ndarray, bool], Gradients]]
"""Feature maps, and the way back from their gradient, as in `Pass`."""


class Sliding(NamedTuple):
    """Kernels that slide over an image: those of one group, and the multiplications of all for one image."""

    height: int
    width: int
    channels: int
    filters: int
    multiplications: int


class Convolution(ScratchLayer[Described]):
    """activation(maps + bias); the bias's gradient is the sum over all places where it was added."""

    @abstractmethod
    def maps(self, images: np.ndarray, weights: Weights, mode: Mode) -> Maps:
        """The feature maps of images (N, H, W, C), before bias and activation: (N, H', W', filters)."""

    @property
    def window(self) -> Window:
        settings = self.settings
        return Window(settings.kernel_size, settings.strides, settings.padding, settings.dilation_rate)

    is_transposed: ClassVar[bool] = False
    """Whether it goes forth as the others go back."""

    @property
    def kernels(self) -> tuple[Sliding, ...]:
        """What slides over the images, one after the other: here one kernel for each filter."""
        return (self._sliding(self._channels, self._filters, self._macs),)

    def _sliding(self, channels: int, filters: int, multiplications: int) -> Sliding:
        return Sliding(*self.settings.kernel_size, channels, filters, multiplications)

    @property
    def _channels(self) -> int:
        return self.settings.spatial(self.input_shapes[0])[2]

    @property
    def _filters(self) -> int:
        return self.settings.spatial(self.settings.output_shape(self.input_shapes[0]))[2]

    @property
    def _macs(self) -> int:
        return self.settings.macs(self.input_shapes[0])

    def forward(self, inputs: Sequence[np.ndarray], weights: Weights, mode: Mode) -> Pass:
        data_format = self.settings.data_format
        maps, through_maps = self.maps(to_channels_last(inputs[0], data_format), weights, mode)
        if self.settings.use_bias:
            maps += weights["bias"]
        output, through_activation = activate(
            self.settings.output_activation, from_channels_last(maps, data_format)
        )

        def backward(gradient: np.ndarray, inputs_wanted: bool) -> Gradients:
            gradient = to_channels_last(through_activation(gradient), data_format)
            found = through_maps(gradient, inputs_wanted)
            to_weights = dict(found.weights)
            if self.settings.use_bias:
                to_weights["bias"] = gradient.sum(axis=0).reshape(-1, *weights["bias"].shape).sum(axis=0)
            return Gradients([from_channels_last(each, data_format) for each in found.inputs], to_weights)

        return Pass(output, backward)


class Conv2D(Convolution[described.Conv2D]):
    """correlate(images, kernel)"""

    def maps(self, images: np.ndarray, weights: Weights, mode: Mode) -> Maps:
        return correlated(images, "kernel", weights["kernel"], self.window, self.settings.groups, mode)

    @property
    def kernels(self) -> tuple[Sliding, ...]:
        groups = self.settings.groups
        return (self._sliding(self._channels // groups, self._filters // groups, self._macs),)


class DepthwiseConv2D(Convolution[DescribedDepthwiseConv2D]):
    """A convolution with as many groups as channels."""

    def maps(self, images: np.ndarray, weights: Weights, mode: Mode) -> Maps:
        return depthwise(images, "kernel", weights["kernel"], self.window, mode)

    @property
    def kernels(self) -> tuple[Sliding, ...]:
        return (self._sliding(1, self.settings.depth_multiplier, self._macs),)


class SeparableConv2D(Convolution[DescribedSeparableConv2D]):
    """Depthwise, then a 1×1 convolution across the channels (Chollet 2017)."""

    def maps(self, images: np.ndarray, weights: Weights, mode: Mode) -> Maps:
        between, first = depthwise(images, "depthwise_kernel", weights["depthwise_kernel"], self.window, mode)
        maps, second = correlated(
            between, "pointwise_kernel", weights["pointwise_kernel"], Window((1, 1)), 1, mode
        )

        def backward(gradient: np.ndarray, inputs_wanted: bool) -> Gradients:
            (to_between,), to_pointwise = second(gradient, True)
            to_images, to_depthwise = first(to_between, inputs_wanted)
            return Gradients(to_images, {**to_depthwise, **to_pointwise})

        return maps, backward

    @property
    def kernels(self) -> tuple[Sliding, ...]:
        settings, multiplier = self.settings, self.settings.depth_multiplier
        rows, columns, filters = settings.spatial(settings.output_shape(self.input_shapes[0]))
        between = self._channels * multiplier
        across = rows * columns * between * filters
        return (
            self._sliding(1, multiplier, self._macs - across),
            Sliding(1, 1, between, filters, across),
        )


class Conv2DTranspose(Convolution[DescribedConv2DTranspose]):
    """A convolution's way back as the way forth, and the other way round (Dumoulin & Visin 2016)."""

    is_transposed: ClassVar[bool] = True

    @property
    def kernels(self) -> tuple[Sliding, ...]:
        return (self._sliding(self._filters, self._channels, self._macs),)

    def maps(self, images: np.ndarray, weights: Weights, mode: Mode) -> Maps:
        settings, kernel, window, how = self.settings, weights["kernel"], self.window, mode.convolution
        size = settings.spatial(settings.output_shape(self.input_shapes[0]))[:2]
        maps = convolution.to_images(images, kernel, size, window, how=how)

        def backward(gradient: np.ndarray, inputs_wanted: bool) -> Gradients:
            to_weights = {"kernel": convolution.to_kernel(gradient, images, window, how=how)}
            if not inputs_wanted:
                return Gradients([], to_weights)
            return Gradients([convolution.correlate(gradient, kernel, window, how=how)], to_weights)

        return maps, backward


class LocallyConnected2D(Convolution[DescribedLocallyConnected2D]):
    """At each position a convolution of its own, of the one window that lies there (LeCun 1989).

    kernel: (positions, kernel height · width · C, filters), positions row by row.
    """

    def maps(self, images: np.ndarray, weights: Weights, mode: Mode) -> Maps:
        window, how = self.window, mode.convolution
        rows, columns, filters = self.settings.spatial(self.settings.output_shape(self.input_shapes[0]))
        kernels = weights["kernel"].reshape(rows, columns, *window.size, images.shape[3], filters)
        alone = window._replace(stride=(1, 1))
        output = np.empty((len(images), rows, columns, filters), images.dtype)
        places = {(i, j): (slice(None), *_covered(window, i, j)) for i in range(rows) for j in range(columns)}
        for (i, j), place in places.items():
            output[:, i : i + 1, j : j + 1] = convolution.correlate(
                images[place], kernels[i, j], alone, how=how
            )

        def backward(gradient: np.ndarray, inputs_wanted: bool) -> Gradients:
            to_kernels, to_images = np.empty_like(kernels), np.zeros_like(images)
            for (i, j), place in places.items():
                here = gradient[:, i : i + 1, j : j + 1]
                to_kernels[i, j] = convolution.to_kernel(images[place], here, alone, how=how)
                if inputs_wanted:
                    to_images[place] += convolution.to_images(
                        here, kernels[i, j], window.extent, alone, how=how
                    )
            to_weights = {"kernel": to_kernels.reshape(weights["kernel"].shape)}
            return Gradients([to_images] if inputs_wanted else [], to_weights)

        return output, backward


def correlated(
    images: np.ndarray, name: str, kernel: np.ndarray, window: Window, groups: int, mode: Mode
) -> Maps:
    """`cnnlab.scratch.convolution.correlate` and its way back; the kernel's gradient goes by its name."""
    how = mode.convolution

    def backward(gradient: np.ndarray, inputs_wanted: bool) -> Gradients:
        to_weights = {name: convolution.to_kernel(images, gradient, window, groups=groups, how=how)}
        if not inputs_wanted:
            return Gradients([], to_weights)
        size = (images.shape[1], images.shape[2])
        to_images = convolution.to_images(gradient, kernel, size, window, groups=groups, how=how)
        return Gradients([to_images], to_weights)

    return convolution.correlate(images, kernel, window, groups=groups, how=how), backward


def depthwise(images: np.ndarray, name: str, kernel: np.ndarray, window: Window, mode: Mode) -> Maps:
    """Each channel is a group: a kernel (height, width, C, multiplier) is one (…, 1, C · multiplier)."""
    channels = images.shape[3]
    maps, through = correlated(images, name, kernel.reshape(*window.size, 1, -1), window, channels, mode)

    def backward(gradient: np.ndarray, inputs_wanted: bool) -> Gradients:
        found = through(gradient, inputs_wanted)
        return Gradients(found.inputs, {name: found.weights[name].reshape(kernel.shape)})

    return maps, backward


def _covered(window: Window, i: int, j: int) -> tuple[slice, slice]:
    """The rows and columns of an image that the window at position (i, j) covers."""
    top, left = i * window.stride[0], j * window.stride[1]
    return slice(top, top + window.extent[0]), slice(left, left + window.extent[1])
