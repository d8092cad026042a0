"""A convolution written out as the Dense layer that it is: most weights zero, the others shared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import numpy as np

from cnnlab.analyses.network import LayerName, channel_axis_of, channels_last, find_layer, maps_of
from cnnlab.errors import UserError
from cnnlab.gradients import evaluated, in_batches

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class DenseTwin(NamedTuple):
    """A Dense layer that does what a convolution does, on flattened images, channels last.

    matrix: (inputs, outputs) float32, sparse. bias: (outputs,) float32. shared: (inputs, outputs) int32,
    sparse: which of the kernel's weights stands there, counted from 1 in the kernel's own order; 0: none.
    first_channels: (filters,) int, the first input channel that each filter sees: not 0 for all of them in
    a grouped convolution.
    """

    matrix: csr_array
    bias: np.ndarray
    shared: csr_array
    input_shape: tuple[int, int, int]
    output_shape: tuple[int, int, int]
    first_channels: np.ndarray


class OneFilter(NamedTuple):
    """The part of the matrix between one input channel and one filter, as a product with images reads.

    weights: (outputs, inputs) float32. zoom: (some outputs, what they see) float32, of it. names: like
    zoom, int: which of the kernel's weights over that channel stands there, row by row of the kernel and
    counted from 1; 0: none.
    """

    weights: np.ndarray
    zoom: np.ndarray
    names: np.ndarray


class Proof(NamedTuple):
    """How far the two layers' outputs on the same images lie apart.

    largest_difference: of any output. largest_output: in absolute value, what to hold it against.
    """

    largest_difference: float
    largest_output: float


def dense_twin(model: keras.Model, layer: LayerName) -> DenseTwin:
    """Write a convolution out as a matrix: row = input pixel and channel, column = output.

    Any convolution is such a matrix (LeCun et al. 1989); the reverse does not hold. Rows and columns are
    numbered as Flatten numbers them: (row · width + column) · channels + channel.

    Raises:
        UserError: the layer is no Conv2D.
    """
    from scipy.sparse import csr_array

    found = find_layer(model, layer)
    if not isinstance(found, keras.layers.Conv2D):
        raise UserError(f"{layer} is a {type(found).__name__}; choose a Conv2D")
    kernel = np.asarray(keras.ops.convert_to_numpy(found.kernel), np.float32)
    height, width, channels = _channels_last(found.input.shape, found)
    rows, columns, filters = _channels_last(found.output.shape, found)
    tall, wide, depth, _ = kernel.shape  # depth: input channels ÷ groups
    vertical = _sources(height, rows, tall, found, 0)  # (rows, tall): which input row, or outside
    horizontal = _sources(width, columns, wide, found, 1)

    # One entry for each output and weight: axes (row, column, filter, kernel row, kernel column, depth).
    y = vertical[:, None, None, :, None, None]
    x = horizontal[None, :, None, None, :, None]
    first_channel = np.arange(filters) // (filters // found.groups) * depth  # of each filter's group
    channel = first_channel[:, None, None, None] + np.arange(depth)
    source = (y * width + x) * channels + channel
    output = np.arange(rows * columns * filters).reshape(rows, columns, filters, 1, 1, 1)
    weight = np.arange(kernel.size).reshape(kernel.shape).transpose(3, 0, 1, 2)  # (filter, h, w, depth)
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    source, output, weight, inside = np.broadcast_arrays(source, output, weight, inside)
    place = (source[inside], output[inside])
    shape = (height * width * channels, rows * columns * filters)
    numbers = weight[inside]
    bias = np.zeros(filters) if found.bias is None else np.asarray(keras.ops.convert_to_numpy(found.bias))
    return DenseTwin(
        csr_array((kernel.ravel()[numbers], place), shape=shape),
        np.tile(bias.astype(np.float32), rows * columns),
        csr_array((numbers.astype(np.int32) + 1, place), shape=shape),
        (height, width, channels),
        (rows, columns, filters),
        first_channel,
    )


def of_one_filter(twin: DenseTwin, filter_: int, *, outputs: int) -> OneFilter:
    """What a filter's outputs see of the first channel that it sees: the other channels look the same.

    Args:
        outputs: so many of them are zoomed in on.
    """
    height, width, channels = twin.input_shape
    rows, columns, filters = twin.output_shape
    seen = np.arange(height * width) * channels + twin.first_channels[filter_]
    answers = np.arange(rows * columns) * filters + filter_
    weights = twin.matrix[seen][:, answers].toarray().T
    shared = twin.shared[seen][:, answers].toarray().T
    order = np.unique(shared[shared > 0])
    names = np.where(shared > 0, np.searchsorted(order, shared) + 1, 0)[:outputs]
    inputs = names.any(axis=0)
    return OneFilter(weights, weights[:outputs, inputs], names[:, inputs])


def prove(model: keras.Model, layer: LayerName, twin: DenseTwin, images: np.ndarray) -> Proof:
    """Run images through the network up to the layer, then through both, and compare.

    Rounding aside the outputs are equal; float32 sums in another order differ in the last digits.

    Args:
        images: (N, *input_shape) float32, for the whole network.
    """
    found = find_layer(model, layer)
    convolved = maps_of(model, layer, before_activation=True)
    before = found.input
    if channel_axis_of(model, found) == 1:
        before = channels_last(before)
    incoming = keras.Model(model.input, before)

    def both(x: Any) -> tuple[Any, Any]:
        return keras.ops.cast(incoming(x, training=False), "float32"), convolved(x, training=False)

    inputs, outputs = in_batches(evaluated(both), images)
    flat = (twin.matrix.T @ inputs.reshape(len(images), -1).T).T + twin.bias
    difference = np.abs(flat - outputs.reshape(len(images), -1))
    return Proof(float(difference.max()), float(np.abs(outputs).max()))


def _channels_last(shape: tuple[int | None, ...], layer: keras.layers.Conv2D) -> tuple[int, int, int]:
    _, *sizes = shape
    one, two, three = (int(size or 0) for size in sizes)
    return (two, three, one) if layer.data_format == "channels_first" else (one, two, three)


def _sources(size: int, outputs: int, kernel: int, layer: keras.layers.Conv2D, axis: int) -> np.ndarray:
    """(outputs, kernel) int: the input row that each output takes with each kernel row; may lie outside."""
    stride, dilation = layer.strides[axis], layer.dilation_rate[axis]
    before = 0
    if layer.padding == "same":
        before = max((outputs - 1) * stride + (kernel - 1) * dilation + 1 - size, 0) // 2
    return np.asarray(np.arange(outputs)[:, None] * stride + np.arange(kernel) * dilation - before)
