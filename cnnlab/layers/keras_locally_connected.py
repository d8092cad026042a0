"""The Keras layer without weight sharing. Imported only while a model is built or loaded."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras
import numpy as np

from cnnlab.layers.base import slide
from cnnlab.layers.window import Window


@keras.saving.register_keras_serializable("cnnlab")
class LocallyConnected2D(keras.layers.Layer):
    """A kernel for each position and filter, all applied by one batched product of matrices.

    kernel: (H' · W', kernel height · width · C, filters), positions row by row; the middle axis goes through
    a window row by row, channels last, whatever `data_format` is. bias: (H', W', filters), as in Keras 2.

    Initializers that depend on the number of inputs and outputs take those of one position, which are those
    of a Conv2D. Keras 2 counted the positions as well (github.com/tensorflow/tensorflow/issues/53688).
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = (1, 1),
        padding: Literal["valid"] = "valid",
        data_format: str = "channels_last",
        dilation_rate: int | Sequence[int] = (1, 1),
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        if padding != "valid":
            raise ValueError(f"Expected padding='valid'. Received: padding={padding!r}")
        self.filters = filters
        self.kernel_size = _pair(kernel_size)
        self.strides = _pair(strides)
        self.padding = padding
        self.data_format = data_format
        self.dilation_rate = _pair(dilation_rate)
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)
        self.input_spec = keras.layers.InputSpec(ndim=4)
        self.bias: Any = None

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        _, height, width, channels = self._channels_last(input_shape)
        if height is None or width is None or channels is None:
            raise ValueError(
                f"Expected images of one size: each position has its own weights. Received: {input_shape}"
            )
        self.positions = rows, columns = self._positions(height, width)
        fan_in, fan_out = (math.prod(self.kernel_size) * each for each in (channels, self.filters))
        self.kernel = self.add_weight(
            name="kernel",
            shape=(rows * columns, fan_in, self.filters),
            initializer=_for_each_position(self.kernel_initializer, fan_in, fan_out),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(rows, columns, self.filters),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        down, across = (
            np.arange(count)[:, None] * stride + np.arange(size) * dilation
            for count, size, stride, dilation in zip(
                (rows, columns), self.kernel_size, self.strides, self.dilation_rate, strict=True
            )
        )
        pixels = down[:, None, :, None] * width + across[None, :, None, :]  # (H', W', kernel height, width)
        self._windows = _Windows(pixels.reshape(-1), height * width)

    def call(self, inputs: Any) -> Any:
        """(batch, H, W, C) → (batch, H', W', filters); channels first likewise."""
        is_first = self.data_format == "channels_first"
        # With the batch last, what a window takes from one pixel lies together in memory.
        images = keras.ops.transpose(inputs, (2, 3, 1, 0) if is_first else (1, 2, 3, 0))
        height, width = images.shape[:2]
        batch = keras.ops.shape(inputs)[0]
        pixels = keras.ops.reshape(images, (height * width, -1))  # (H · W, C · batch)
        positions, window_size, _ = self.kernel.shape
        windows = keras.ops.reshape(self._windows.of(pixels), (positions, window_size, batch))
        outputs = keras.ops.einsum("pkn,pkf->pnf", windows, self.kernel)
        if self.bias is not None:
            outputs = outputs + keras.ops.reshape(self.bias, (positions, 1, self.filters))
        outputs = keras.ops.reshape(outputs, (*self.positions, -1, self.filters))
        outputs = keras.ops.transpose(outputs, (2, 3, 0, 1) if is_first else (2, 0, 1, 3))
        return self.activation(outputs)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, height, width, _ = self._channels_last(input_shape)
        assert height is not None
        assert width is not None
        rows, columns = self._positions(height, width)
        if self.data_format == "channels_first":
            return batch, self.filters, rows, columns
        return batch, rows, columns, self.filters

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": keras.regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": keras.constraints.serialize(self.kernel_constraint),
            "bias_constraint": keras.constraints.serialize(self.bias_constraint),
        }

    def _channels_last(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        if self.data_format == "channels_first":
            batch, channels, height, width = shape
            return batch, height, width, channels
        return shape

    def _positions(self, height: int, width: int) -> tuple[int, int]:
        return slide((height, width), Window(self.kernel_size, self.strides, dilation=self.dilation_rate))


class _Windows:
    """The pixels of all windows, one below the other, and the way back for gradients.

    A pixel lies in several windows, whose gradients it adds up. Left to a backend, that would scatter: a GPU
    adds in any order. Here each pixel collects what is its own, as quickly and the same in each run.
    """

    def __init__(self, pixels: np.ndarray, num_pixels: int) -> None:
        """`pixels`: (N,) int, which pixel each line of the windows is."""
        order = np.argsort(pixels, kind="stable")
        counts = np.bincount(pixels, minlength=num_pixels)
        place = np.arange(len(pixels)) - np.repeat(np.cumsum(counts) - counts, counts)
        lines = np.full((num_pixels, counts.max()), len(pixels))  # one past the end: zeros
        lines[pixels[order], place] = order
        self._pixels, self._lines = pixels.astype(np.int32), lines.astype(np.int32)

    def of(self, pixels: Any) -> Any:
        """(H · W, C · batch) → (N, C · batch)."""
        return keras.ops.custom_gradient(self._taken)(pixels)

    def _taken(self, pixels: Any) -> tuple[Any, Callable[..., Any]]:
        def gradient(*arguments: Any, upstream: Any = None) -> Any:
            (given,) = arguments if upstream is None else (upstream,)
            padded = keras.ops.pad(given, ((0, 1), (0, 0)))
            collected = keras.ops.take(padded, self._lines.reshape(-1), axis=0)
            return keras.ops.sum(keras.ops.reshape(collected, (*self._lines.shape, -1)), axis=1)

        return keras.ops.take(pixels, self._pixels, axis=0), gradient


def _for_each_position(initializer: Any, fan_in: int, fan_out: int) -> Callable[..., Any]:
    """An initializer of (positions, fan_in, filters) that draws for each position as for a Conv2D.

    Args:
        fan_in, fan_out: what one kernel leads from, and back to; their ratio to the fans that Keras counts in
            an array of three axes corrects the scale.
    """
    initializers = keras.initializers

    def draw(shape: tuple[int, ...], dtype: Any = None, **_: Any) -> Any:
        positions, inputs, filters = shape
        if isinstance(initializer, initializers.VarianceScaling):
            counted = _fan(initializer.mode, positions * inputs, positions * filters)
            scaled = initializers.VarianceScaling(
                initializer.scale * counted / _fan(initializer.mode, fan_in, fan_out),
                initializer.mode,
                initializer.distribution,
                initializer.seed,
            )
            return scaled(shape, dtype)
        if isinstance(initializer, initializers.Orthogonal):
            return _orthogonal(initializer, shape, dtype)
        return initializer(shape, dtype)

    return draw


def _fan(mode: str, fan_in: int, fan_out: int) -> float:
    return {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]


def _orthogonal(initializer: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """A matrix with orthogonal rows or columns for each position (Saxe et al. 2014)."""
    positions, inputs, filters = shape
    long, short = max(inputs, filters), min(inputs, filters)
    normal = keras.random.normal((positions, long, short), dtype="float32", seed=initializer.seed)
    q, r = keras.ops.qr(normal)
    # Without these signs some rotations would come more often than others (Mezzadri 2007).
    q = q * keras.ops.expand_dims(keras.ops.sign(keras.ops.diagonal(r, axis1=-2, axis2=-1)), -2)
    matrices = q if inputs >= filters else keras.ops.swapaxes(q, -2, -1)
    return keras.ops.cast(initializer.gain * matrices, dtype or keras.config.floatx())


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    height, width = (value, value) if isinstance(value, int) else value
    return height, width
