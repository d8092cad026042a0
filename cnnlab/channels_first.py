"""Convolutions of channels-first images on devices that have none: the same numbers by way of channels last.

TensorFlow has no kernels of its own for channels-first images on CPUs; oneDNN's fill the gap on some CPUs, in
some precisions. Keras's layers go around the gap where they pool or resize, but not where they convolve. That
is done here, in the four operations that all of its convolutions end up in, be they part of a recurrent layer
or wrapped in another one. Layers, weights and saved models are what they are without it.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, wraps
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras.src.backend.tensorflow import nn, numpy  # where Keras's layers look; there is no public place

from cnnlab.native_log import stderr_aside

CONVOLUTIONS = ("conv", "conv_transpose", "depthwise_conv", "separable_conv")

FAILURE_LOGGED = re.compile(rb"^W\d{4}.* local_rendezvous\.cc.*\n(\t.*\n)*", re.MULTILINE)
"""What TensorFlow logs of a compiled function that fails, at every log level; a trial is meant to."""


class Operand(NamedTuple):
    """What a trial needs to know of a tensor."""

    shape: tuple[int, ...]
    dtype: str


@cache
def complete_convolutions() -> None:
    """Let Keras's convolutions take channels-first images, whatever this device has kernels for."""
    for name in CONVOLUTIONS:
        setattr(nn, name, _of_either_format(getattr(nn, name)))
    numpy.add = _along_its_own_axis(numpy.add)


def _of_either_format(convolution: Callable[..., Any]) -> Callable[..., Any]:
    """A convolution of Keras's that goes by way of channels last where there is no other."""
    signature = inspect.signature(convolution)

    @wraps(convolution)
    def convolve(*positional: Any, **keywords: Any) -> Any:
        bound = signature.bind(*positional, **keywords)
        bound.apply_defaults()
        settings = {name: _fixed(value) for name, value in bound.arguments.items()}
        images, *kernels = (
            settings.pop(name) for name in signature.parameters if name == "inputs" or name.endswith("kernel")
        )
        if (settings["data_format"] or keras.config.image_data_format()) == "channels_last":
            return convolution(images, *kernels, **settings)
        images, *kernels = (tf.convert_to_tensor(each) for each in (images, *kernels))
        channels_last = {**settings, "data_format": "channels_last"}
        weights = [Operand(tuple(kernel.shape), kernel.dtype.name) for kernel in kernels]
        channels, sizes = images.shape[1], _small(images.shape[2:], weights[0].shape, settings)
        here = Operand((2, channels, *sizes), images.dtype.name)
        there = here._replace(shape=(2, *sizes, channels))
        if computes(convolution, (here, *weights), _items(settings)) or not computes(
            convolution, (there, *weights), _items(channels_last)
        ):
            return convolution(images, *kernels, **settings)  # if this fails, the format is not the reason
        axes = range(len(images.shape))
        outputs = convolution(tf.transpose(images, (0, *axes[2:], 1)), *kernels, **channels_last)
        return tf.transpose(outputs, (0, axes[-1], *axes[1:-1]))

    return convolve


def _along_its_own_axis(add: Callable[..., Any]) -> Callable[..., Any]:
    """Keras's addition, which takes a bias (1, C, 1, …) for one of the last axis if that is C long, too.

    So the bias of a channels-first convolution went along the width where there were as many columns as
    filters.
    """

    @wraps(add)
    def add_to(x1: Any, x2: Any) -> Any:
        shape, bias = (tuple(getattr(each, "shape", ())) for each in (x1, x2))
        per_channel = len(shape) > 2 and bias == (1, shape[1], *(1 for _ in shape[2:]))
        if per_channel and shape[-1] == shape[1]:
            dtype = keras.backend.result_type(x1.dtype, x2.dtype)
            return tf.add(tf.cast(x1, dtype), tf.cast(x2, dtype))
        return add(x1, x2)

    return add_to


@cache
def computes(
    convolution: Callable[..., Any], operands: tuple[Operand, ...], settings: tuple[tuple[str, Any], ...]
) -> bool:
    """Whether this device has a convolution and its gradient, with these settings: tried once.

    As training does it, in a compiled function: some of what is missing only shows when it is executed.
    """

    def differentiate(*tensors: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            outputs = convolution(*tensors, **dict(settings))
        return outputs, tape.gradient(outputs, tensors)

    failed = False
    with stderr_aside() as aside:
        try:
            with tf.init_scope():  # at once, even while a network is being traced
                zeros = [tf.zeros(operand.shape, operand.dtype) for operand in operands]
                tf.function(differentiate, autograph=False)(*zeros)
        except (tf.errors.OpError, NotImplementedError, TypeError, ValueError):
            failed = True
    if said := FAILURE_LOGGED.sub(b"", aside.text):
        os.write(2, said)
    return not failed


def _small(
    sizes: Sequence[int | None], kernel: Sequence[int], settings: Mapping[str, Any]
) -> tuple[int, ...]:
    """The sizes of an image on which a trial takes no time: two positions of the kernel along each axis.

    The image's own where they are smaller still: there are shortcuts for kernels that cover all of it.
    """
    strides, dilations = (
        settings[name] if isinstance(settings[name], tuple) else (settings[name],) * len(sizes)
        for name in ("strides", "dilation_rate")
    )
    enough = [
        (size - 1) * dilation + 1 + stride
        for size, stride, dilation in zip(kernel[: len(sizes)], strides, dilations, strict=True)
    ]
    return tuple(min(size or most, most) for size, most in zip(sizes, enough, strict=True))


def _fixed(value: Any) -> Any:
    """A setting as it can be looked up: a list as a tuple."""
    return tuple(value) if isinstance(value, list) else value


def _items(settings: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(settings.items()))
