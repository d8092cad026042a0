"""The weights of a convolution as pictures."""

from __future__ import annotations

import keras
import numpy as np

from cnnlab.analyses.network import LayerName, find_layer
from cnnlab.errors import UserError
from cnnlab.layers.keras_locally_connected import LocallyConnected2D


def kernels_of(model: keras.Model, layer: LayerName) -> np.ndarray:
    """The kernels of a convolution, filters first.

    Krizhevsky, Sutskever & Hinton 2012 show AlexNet's first layer so. Only next to pixels do weights look
    like what they answer to: deeper kernels weigh maps, and small ones have little room for a pattern.

    Returns:
        (filters, height, width, input channels ÷ groups) float32, signed; of a depthwise convolution a filter
        sees one channel. Of a locally connected layer those of `shown_position`.

    Raises:
        UserError: the layer has no kernel that looks at windows of an image.
    """
    found = find_layer(model, layer)
    position = shown_position(found)
    if position is not None:
        row, column = position
        every = np.asarray(keras.ops.convert_to_numpy(found.kernel), np.float32)
        weights = every[row * found.positions[1] + column]
        return np.moveaxis(weights.reshape(*found.kernel_size, -1, found.filters), -1, 0)
    kernel = getattr(found, "kernel", None)
    if kernel is None or len(kernel.shape) != 4:
        raise UserError(f"{layer} is a {type(found).__name__}; choose a convolution")
    weights = np.asarray(keras.ops.convert_to_numpy(kernel), np.float32)
    if isinstance(found, keras.layers.DepthwiseConv2D):  # (h, w, channels, multiplier): a map, one channel
        weights = weights.reshape(*weights.shape[:2], 1, -1)
    elif isinstance(found, keras.layers.Conv2DTranspose):  # (h, w, filters, channels)
        weights = weights.swapaxes(2, 3)
    return np.moveaxis(weights, -1, 0)


def shown_position(layer: keras.layers.Layer) -> tuple[int, int] | None:
    """Whose kernels are drawn of a layer that has others at every position: row and column in the middle.

    None where all positions share the same kernels.
    """
    if not isinstance(layer, LocallyConnected2D):
        return None
    rows, columns = layer.positions
    return rows // 2, columns // 2


def smoothed(kernels: np.ndarray, *, factor: int = 8) -> np.ndarray:
    """Kernels enlarged with cubic splines: the pattern without the steps of its few weights.

    Between the weights the picture is invented.

    Args:
        kernels: (filters, height, width, channels).

    Returns:
        (filters, height · factor, width · factor, channels) float32.
    """
    from scipy.ndimage import zoom

    # Each weight is the middle of its square; beyond the outer middles the edge goes on.
    enlarged = zoom(kernels, (1, factor, factor, 1), order=3, mode="nearest", grid_mode=True)
    return np.asarray(enlarged, np.float32)
