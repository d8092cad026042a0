"""Keras layers that Keras does not have. Imported only while a model is built or loaded."""

from __future__ import annotations

from typing import Any

import keras

from cnnlab.layers.keras_locally_connected import LocallyConnected2D as LocallyConnected2D

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


@keras.saving.register_keras_serializable("cnnlab")
class AffineSampling(keras.layers.Layer):
    """Bilinear interpolation of an image at the positions that an affine map says (Jaderberg et al. 2015).

    Coordinates are relative: −1 and 1 are the edges of the image, between which pixels are squares, and
    (0, 0) is its center. Position (x, y) of the output shows position (a·x + b·y + c, d·x + e·y + f) of the
    input. Beyond the outermost pixels the input goes on with zeros.

    Each output is a sum over all rows and columns, Σ weight(y, row) · weight(x, column) · pixel, where the
    weights max(0, 1 − |distance|) are 0 but for the four pixels around. So the gradient is made of products
    of matrices as well: the same in each run on a GPU, where scattered additions come in any order.
    """

    def __init__(
        self,
        output_size: tuple[int, int] | None = None,
        data_format: str = "channels_last",
        **kwargs: Any,
    ) -> None:
        # Half precision would round positions to whole pixels in large images.
        super().__init__(autocast=False, **kwargs)
        self.output_size = None if output_size is None else tuple(output_size)
        self.data_format = data_format

    def call(self, inputs: Any) -> Any:
        """[(batch, H, W, C), (batch, 6)] → (batch, H', W', C); channels first likewise."""
        images, maps = inputs
        images, maps = keras.ops.cast(images, "float32"), keras.ops.cast(maps, "float32")
        if self.data_format == "channels_first":
            images = keras.ops.transpose(images, (0, 2, 3, 1))
        height, width, channels = images.shape[1:]
        rows, columns = self.output_size or (height, width)
        y, x = keras.ops.meshgrid(_centers(rows, height), _centers(columns, width), indexing="ij")
        y, x = keras.ops.reshape(y, (1, -1)), keras.ops.reshape(x, (1, -1))  # (1, H' · W'), in pixels
        a, b, c, d, e, f = (maps[:, index : index + 1] for index in range(6))
        # In pixels, not in relative numbers: the identity then hits every pixel exactly.
        source_x = a * x + b * (width / height) * y + c * (width / 2)
        source_y = d * (height / width) * x + e * y + f * (height / 2)
        by_row = _interpolation(source_y, height)  # (batch, H' · W', H)
        by_column = _interpolation(source_x, width)  # (batch, H' · W', W)
        lines = keras.ops.matmul(by_row, keras.ops.reshape(images, (-1, height, width * channels)))
        lines = keras.ops.reshape(lines, (-1, rows * columns, width, channels))
        sampled = keras.ops.sum(lines * keras.ops.expand_dims(by_column, -1), axis=2)
        sampled = keras.ops.reshape(sampled, (-1, rows, columns, channels))
        if self.data_format == "channels_first":
            sampled = keras.ops.transpose(sampled, (0, 3, 1, 2))
        return keras.ops.cast(sampled, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        image, _ = input_shape
        if self.output_size is None:
            return tuple(image)
        if self.data_format == "channels_first":
            return (*image[:2], *self.output_size)
        return (image[0], *self.output_size, image[3])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "output_size": self.output_size, "data_format": self.data_format}


def _centers(outputs: int, inputs: int) -> Any:
    """Where the centers of `outputs` equal parts of `inputs` pixels lie, from the middle on: (outputs,)."""
    parts = keras.ops.arange(outputs, dtype="float32") - (outputs - 1) / 2
    return parts * (inputs / outputs)


def _interpolation(positions: Any, size: int) -> Any:
    """The weight of each of `size` pixels at each position: (batch, N) from the middle → (batch, N, size).

    Where a position is exactly that of a pixel, as all are before training, the weight has two slopes, and
    `_magnitude` takes their mean: with the slope of one side, what is learned first would depend on the side.
    """
    pixels = keras.ops.arange(size, dtype="float32") - (size - 1) / 2
    closeness = 1 - _magnitude(keras.ops.expand_dims(positions, -1) - pixels)
    return (closeness + _magnitude(closeness)) / 2


def _magnitude(values: Any) -> Any:
    """|x| with the slope 0 at 0; that of `keras.ops.abs` differs between backends."""
    return values * keras.ops.sign(values)
