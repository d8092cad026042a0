"""The first Conv2D of a network, with all that its arithmetic needs."""

from __future__ import annotations

from typing import NamedTuple, cast

import keras
import numpy as np

from cnnlab.analyses.network import inner_layers, predict, summary_name
from cnnlab.errors import UserError
from cnnlab.language.fields import Padding
from cnnlab.layers.window import Window


class FirstConvolution(NamedTuple):
    """kernel: (h, w, C / groups, F) float32; bias: (F,), zeros where it has none."""

    name: str
    kernel: np.ndarray
    bias: np.ndarray
    window: Window
    groups: int
    before: keras.Model
    channels_first: bool

    @property
    def filters(self) -> int:
        return int(self.kernel.shape[3])

    def of_images(self, images: np.ndarray) -> np.ndarray:
        """What reaches the layer from images as the network takes them: (N, H, W, C) float32."""
        maps = predict(self.before, images)
        return np.moveaxis(maps, 1, -1) if self.channels_first else maps


def first_convolution(model: keras.Model, name: str) -> FirstConvolution:
    """The first one in the order of computation.

    Args:
        name: what the network is called.

    Raises:
        UserError: it has none.
    """
    layer = next((each for each in inner_layers(model) if isinstance(each, keras.layers.Conv2D)), None)
    if layer is None:
        raise UserError(f"{name}: this network has no Conv2D; choose one that has, such as cnn")
    kernel = np.array(layer.kernel)
    bias = np.zeros(kernel.shape[3], np.float32) if layer.bias is None else np.array(layer.bias)
    window = Window(layer.kernel_size, layer.strides, cast(Padding, layer.padding), layer.dilation_rate)
    before = keras.Model(model.inputs, layer.input)
    return FirstConvolution(
        summary_name(layer), kernel, bias, window, layer.groups, before, layer.data_format == "channels_first"
    )
