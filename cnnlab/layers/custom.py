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


@keras.saving.register_keras_serializable("cnnlab")
class RandomCrop(keras.layers.RandomCrop):
    """Keras's layer, with what Keras documents, on every backend.

    Keras's own passes images on as they are outside training, cannot be compiled by JAX, and always takes the
    middle where a piece is as high or as wide as its image.
    """

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """The first row and the first column of the piece; None where the middle is resized."""
        shape = self.backend.shape(data)
        room = (shape[self.height_axis] - self.height, shape[self.width_axis] - self.width)
        if not training or min(room) < 0:
            return None
        generator = self._get_seed_generator(self.backend.name)
        draws = (self.backend.random.uniform((), 0, float(each + 1), seed=generator) for each in room)
        # Rounding may take a draw up to its bound, which would be one too many.
        return [
            keras.ops.minimum(keras.ops.cast(draw, "int32"), each)
            for draw, each in zip(draws, room, strict=True)
        ]

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        """(batch, H, W, C) → (batch, height, width, C); channels first likewise."""
        images = self.backend.cast(images, self.compute_dtype)
        if transformation is None:
            return keras.preprocessing.image.smart_resize(
                images, (self.height, self.width), data_format=self.data_format, backend_module=self.backend
            )
        first: list[Any] = [0] * 4
        shape = list(keras.ops.shape(images))
        first[self.height_axis], first[self.width_axis] = transformation
        shape[self.height_axis], shape[self.width_axis] = self.height, self.width
        return keras.ops.slice(images, keras.ops.stack(first), shape)


@keras.saving.register_keras_serializable("cnnlab")
class LocalResponseNormalization(keras.layers.Layer):
    """x ÷ (bias + alpha · Σ x²)^beta, summed over `depth_radius` channels on either side."""

    def __init__(
        self,
        depth_radius: int = 5,
        bias: float = 1.0,
        alpha: float = 1.0,
        beta: float = 0.5,
        data_format: str = "channels_last",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.depth_radius = depth_radius
        self.bias = bias
        self.alpha = alpha
        self.beta = beta
        self.data_format = data_format

    def call(self, inputs: Any) -> Any:
        """(batch, H, W, C) → the same shape; channels first likewise."""
        axis = 1 if self.data_format == "channels_first" else 3
        channels = inputs.shape[axis]
        margins = [(0, 0)] * 4
        margins[axis] = (self.depth_radius, self.depth_radius)
        squares = keras.ops.pad(keras.ops.square(inputs), margins)
        window: list[slice] = [slice(None)] * 4
        total = 0
        for first in range(2 * self.depth_radius + 1):
            window[axis] = slice(first, first + channels)
            total += squares[tuple(window)]
        return inputs / (self.bias + self.alpha * total) ** self.beta

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "depth_radius": self.depth_radius,
            "bias": self.bias,
            "alpha": self.alpha,
            "beta": self.beta,
            "data_format": self.data_format,
        }
