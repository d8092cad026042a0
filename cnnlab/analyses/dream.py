"""More of what a layer sees: gradient ascent on a picture, from coarse to fine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from cnnlab.analyses.ascent import uphill
from cnnlab.analyses.network import LayerName, image_channel_axis, layer_with_maps
from cnnlab.errors import UserError
from cnnlab.gradients import differentiated


@dataclass(frozen=True)
class DreamSettings:
    """How long and how far a picture is carried away."""

    octaves: int = 3
    """Sizes at which it dreams, the picture's own being the last."""

    octave_scale: float = 1.4
    steps: int = 10
    """At each size."""

    step_size: float = 0.01
    """Root mean square of one step, in units of pixels."""

    jitter: int = 4
    """Each step moves the picture by up to so many pixels and back."""

    low: float = 0.0
    high: float = 1.0
    """Pixels stay between the two."""


def dream(
    model: keras.Model,
    images: np.ndarray,
    *,
    layers: Sequence[LayerName],
    settings: DreamSettings = DreamSettings(),
    rng: np.random.Generator,
) -> np.ndarray:
    """Deep Dream: make the layers' activations larger, at several sizes of the picture.

    Mordvintsev, Olah & Tyka 2015 (research.googleblog.com, "Inceptionism"). It shows what the layers
    can find, exaggerated, and a network of a few small filters has little to dream of.

    Args:
        images: (N, H, W, C) float32, channels where the model has them; of any size that the layers
            take, since only the part of the network up to them is used.
        layers: with maps; what climbs is the sum over layers of the mean squared activation.

    Returns:
        Images of the same shape, float32.

    Raises:
        UserError: a layer has no maps.
    """
    network = any_size(model, layers)
    axis = image_channel_axis(model)
    spatial = tuple({1, 2, 3} - {axis})

    def objective(x: Any) -> Any:
        answers = network(x, training=False)
        answers = answers if isinstance(answers, list | tuple) else [answers]
        return sum(keras.ops.mean(keras.ops.square(each), axis=(1, 2, 3)) for each in answers)

    climb = differentiated(objective)
    size = np.array([images.shape[each] for each in spatial])
    scales = settings.octave_scale ** -np.arange(settings.octaves - 1, -1, -1.0)
    current = resized(images, size * scales[0], axis)
    for scale in scales:
        # What the smaller size has lost of the picture comes back before it dreams on.
        lost = images if scale == 1 else resized(images, size * scale, axis)
        smaller = resized(resized(images, np.array(_sizes(current, spatial)), axis), size * scale, axis)
        current = resized(current, size * scale, axis) + lost - smaller
        for _ in range(settings.steps):
            way = uphill(
                lambda seen: climb(seen)[1], current, spatial=spatial, jitter=settings.jitter, rng=rng
            )
            current = current + settings.step_size * way
            current = np.clip(current, settings.low, settings.high).astype(np.float32)
    return current


def any_size(model: keras.Model, layers: Sequence[LayerName]) -> keras.Model:
    """The network up to some layers, for pictures of any size.

    Raises:
        UserError: a layer has no maps: behind Flatten the size of the picture is fixed; or its weights
            are for one size only.
    """
    outputs = [layer_with_maps(model, name).output for name in layers]
    axis = image_channel_axis(model)
    shape = tuple(size if index == axis else None for index, size in enumerate(model.input.shape))[1:]
    part = keras.Model(model.input, outputs if len(outputs) > 1 else outputs[0])
    if part.input.shape[1:] == shape:
        return part
    try:
        twin = keras.models.clone_model(part, input_tensors=keras.Input(shape))
    except (ValueError, TypeError):  # channels-last layers behind channels-first ones, say
        raise UserError(
            f"{model.name}: the weights up to {' and '.join(layers)} fit one size of picture only"
        ) from None
    twin.set_weights(part.get_weights())
    return twin


def resized(images: np.ndarray, size: np.ndarray, channel_axis: int) -> np.ndarray:
    """Bilinear, smoothed before it shrinks; `size` is rounded to whole pixels, at least one."""
    target = tuple(int(each) for each in np.maximum(np.round(size), 1))
    data_format = "channels_first" if channel_axis == 1 else "channels_last"
    answer = keras.ops.image.resize(
        images, target, interpolation="bilinear", antialias=True, data_format=data_format
    )
    return np.asarray(keras.ops.convert_to_numpy(answer), np.float32)


def _sizes(images: np.ndarray, spatial: tuple[int, ...]) -> list[int]:
    return [images.shape[each] for each in spatial]
