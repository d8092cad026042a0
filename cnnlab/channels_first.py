"""Convolutions that a device lacks, above all those of channels-first images: the same numbers another way.

TensorFlow has no kernels of its own for channels-first images on CPUs; oneDNN's fill the gap on some CPUs, in
some precisions. Keras's layers go around the gap where they pool or resize, but not where they convolve. That
is done here, in the four operations that all of its convolutions end up in, be they part of a recurrent layer
or wrapped in another one: images go through channels last, and where TensorFlow knows of no dilation in a
transposed convolution, its kernel gets zeros in the gaps. Layers, weights and saved models are what they are
without it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, wraps
from typing import Any, NamedTuple, Self

import keras
import tensorflow as tf
from keras.src.backend.tensorflow import nn, numpy  # where Keras's layers look; there is no public place

from cnnlab.native_log import Aside, give_back, stderr_aside

CONVOLUTIONS = ("conv", "conv_transpose", "depthwise_conv", "separable_conv")

FAILURE_LOGGED = re.compile(rb"^W\d{4}.* (local_rendezvous|op_kernel)\.cc.*\n(\t.*\n)*", re.MULTILINE)
"""What TensorFlow logs of a compiled function that fails, at every log level; a trial is meant to."""


MISSING = (
    tf.errors.InvalidArgumentError,
    tf.errors.NotFoundError,
    tf.errors.UnimplementedError,
    NotImplementedError,
    TypeError,
    ValueError,
)
"""How TensorFlow and Keras say that there is no such kernel. A lack of memory is no answer to a trial."""


def lacks_primitive(error: Exception) -> bool:
    """Whether oneDNN has stopped a computation because it has none such for this CPU, as it may use it."""
    said = str(error)
    return (
        isinstance(error, tf.errors.AbortedError)
        and "could not create a primitive" in said
        and "Status: 1," not in said  # out of memory
    )


class Operand(NamedTuple):
    """What a trial needs to know of a tensor."""

    shape: tuple[int, ...]
    dtype: str


@cache
def complete_convolutions() -> None:
    """Let Keras's convolutions take channels-first images, whatever this device has kernels for."""
    nn.conv_transpose = _of_any_dilation(nn.conv_transpose)
    for name in CONVOLUTIONS:
        setattr(nn, name, _of_either_format(getattr(nn, name)))
    numpy.add = _along_its_own_axis(numpy.add)


class Call(NamedTuple):
    """The arguments of a convolution, images and kernels apart."""

    images: Any
    kernels: list[Any]
    settings: dict[str, Any]

    @classmethod
    def of(cls, signature: inspect.Signature, positional: Sequence[Any], keywords: Mapping[str, Any]) -> Self:
        bound = signature.bind(*positional, **keywords)
        bound.apply_defaults()
        settings = {name: _fixed(value) for name, value in bound.arguments.items()}
        images, *kernels = (
            tf.convert_to_tensor(settings.pop(name))
            for name in signature.parameters
            if name == "inputs" or name.endswith("kernel")
        )
        settings["data_format"] = settings["data_format"] or keras.config.image_data_format()
        return cls(images, kernels, settings)

    @property
    def is_channels_first(self) -> bool:
        return bool(self.settings["data_format"] == "channels_first")

    def per_axis(self, name: str) -> tuple[int, ...]:
        """A setting that may be one number for all axes of the image."""
        value = self.settings[name]
        return value if isinstance(value, tuple) else (value,) * (len(self.images.shape) - 2)

    def computes(self, convolution: Callable[..., Any], data_format: str) -> bool:
        """Whether this device computes it where the images come in this format.

        Tried on an image that takes no time: two positions of the kernel along each axis, or the image's own
        size where that is smaller still, for there are shortcuts for kernels that cover all of it.
        """
        axes = slice(2, None) if self.is_channels_first else slice(1, -1)
        channels = self.images.shape[1 if self.is_channels_first else -1]
        along = zip(
            self.images.shape[axes], self.kernels[0].shape, self.per_axis("strides"),
            self.per_axis("dilation_rate"), strict=False,
        )  # fmt: skip
        enough = [(size, (kernel - 1) * dilation + 1 + stride) for size, kernel, stride, dilation in along]
        sizes = [min(size or most, most) for size, most in enough]
        shape = (2, channels, *sizes) if data_format == "channels_first" else (2, *sizes, channels)
        operands = [Operand(shape, self.images.dtype.name)]
        operands += [Operand(tuple(kernel.shape), kernel.dtype.name) for kernel in self.kernels]
        settings = tuple({**self.settings, "data_format": data_format}.items())
        return computes(convolution, tuple(operands), settings)


def _of_either_format(convolution: Callable[..., Any]) -> Callable[..., Any]:
    """A convolution of Keras's that goes by way of channels last where there is no other."""
    signature = inspect.signature(convolution)

    @wraps(convolution)
    def convolve(*positional: Any, **keywords: Any) -> Any:
        call = Call.of(signature, positional, keywords)
        if (
            not call.is_channels_first
            or call.computes(convolution, "channels_first")
            or not call.computes(convolution, "channels_last")
        ):
            return convolution(*positional, **keywords)  # if this fails, the format is not the reason
        axes = range(len(call.images.shape))
        images = tf.transpose(call.images, (0, *axes[2:], 1))
        outputs = convolution(images, *call.kernels, **{**call.settings, "data_format": "channels_last"})
        return tf.transpose(outputs, (0, axes[-1], *axes[1:-1]))

    return convolve


def _of_any_dilation(convolution: Callable[..., Any]) -> Callable[..., Any]:
    """A convolution that takes a kernel with zeros in its gaps where the device knows of no dilation."""
    signature = inspect.signature(convolution)

    @wraps(convolution)
    def convolve(*positional: Any, **keywords: Any) -> Any:
        call = Call.of(signature, positional, keywords)
        dilations = call.per_axis("dilation_rate")
        if max(dilations) == 1 or call.computes(convolution, call.settings["data_format"]):
            return convolution(*positional, **keywords)
        kernels = [_spread(kernel, dilations) for kernel in call.kernels]
        return convolution(call.images, *kernels, **{**call.settings, "dilation_rate": 1})

    return convolve


def _spread(kernel: Any, dilations: Sequence[int]) -> Any:
    """(h, w, …) → (h', w', …), h' = (h − 1) · dilation + 1: zeros between the kernel's rows, and columns."""
    for axis, dilation in enumerate(dilations):
        before, (size, *after) = kernel.shape[:axis], kernel.shape[axis:]
        apart = tf.reshape(kernel, (*before, size, 1, *after))
        margins = [(0, dilation - 1 if each == axis + 1 else 0) for each in range(len(apart.shape))]
        spread = tf.reshape(tf.pad(apart, margins), (*before, size * dilation, *after))
        kernel = spread[(*(slice(None) for _ in before), slice((size - 1) * dilation + 1))]
    return kernel


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

    aside = Aside()
    try:
        with stderr_aside() as aside, tf.init_scope():  # at once, even while a network is being traced
            zeros = [tf.zeros(operand.shape, operand.dtype) for operand in operands]
            tf.function(differentiate, autograph=False)(*zeros)
    except MISSING:
        return False
    except tf.errors.AbortedError as error:
        if not lacks_primitive(error):
            raise
        return False
    finally:
        if said := FAILURE_LOGGED.sub(b"", aside.text):
            give_back(said)
    return True


def _fixed(value: Any) -> Any:
    """A setting as it can be looked up: a list as a tuple."""
    return tuple(value) if isinstance(value, list) else value
