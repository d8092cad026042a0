"""A network that was trained on permuted pixels, made to take images as they are."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from cnnlab.analyses.flattening import flattened


class PermutedPixels(keras.layers.Layer):
    """The pixels of each image in another order."""

    def __init__(self, order: list[int], data_format: str = "channels_last", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.order = order
        self.data_format = data_format

    def call(self, inputs: Any) -> Any:
        """(batch, H, W, C) → the same shape; channels first likewise."""
        shape = inputs.shape[1:]
        if self.data_format == "channels_first":
            pixels = keras.ops.reshape(inputs, (-1, shape[0], len(self.order)))
            moved = keras.ops.take(pixels, np.array(self.order, np.int32), axis=2)
        else:
            pixels = keras.ops.reshape(inputs, (-1, len(self.order), shape[2]))
            moved = keras.ops.take(pixels, np.array(self.order, np.int32), axis=1)
        return keras.ops.reshape(moved, (-1, *shape))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "order": self.order, "data_format": self.data_format}


def permuting_first(model: keras.Model, order: np.ndarray, *, data_format: str) -> keras.Model:
    """The same network behind a layer that permutes the pixels of its images.

    What changes an image, or follows a gradient back to it, then works on the image as people see it: a shift
    moves the picture before its pixels are permuted, and maps come in the picture's own order.

    Args:
        order: (H · W,) int, which pixel of the image each pixel is that the network sees.
    """
    first = PermutedPixels([int(each) for each in order], data_format, name="permuted_pixels")
    return flattened(model, behind=first)
