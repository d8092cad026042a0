"""Keras layers that Keras does not have. Imported only while a model is built or loaded."""

from __future__ import annotations

from typing import Any

import keras

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in a grey value (ITU-R BT.601)."""


@keras.saving.register_keras_serializable("cnnlab")
class Grayscale(keras.layers.Layer):
    """Colour to grey: 0.299 R + 0.587 G + 0.114 B.

    `keras.ops.image.rgb_to_grayscale` rounds the first weight to 0.2989, so that white is not quite 1.
    """

    def __init__(self, data_format: str = "channels_last", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = data_format

    @property
    def channel_axis(self) -> int:
        return 1 if self.data_format == "channels_first" else -1

    def call(self, inputs: Any) -> Any:
        """(batch, H, W, 3) → (batch, H, W, 1); channels first likewise."""
        shape = [1, 1, 1, 1]
        shape[self.channel_axis] = 3
        luma = keras.ops.reshape(keras.ops.convert_to_tensor(LUMA, dtype=inputs.dtype), shape)
        return keras.ops.sum(inputs * luma, axis=self.channel_axis, keepdims=True)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        shape = list(input_shape)
        shape[self.channel_axis] = 1
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}
