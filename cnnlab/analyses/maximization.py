"""The image that a unit answers to most: gradient ascent on the pixels, the weights fixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import keras
import numpy as np

from cnnlab.analyses.ascent import uphill
from cnnlab.analyses.network import (
    LayerName,
    activation_of,
    answers_of,
    find_layer,
    image_channel_axis,
    logits_of,
    maps_of,
    probabilities_of,
    take_class,
)
from cnnlab.errors import UserError
from cnnlab.gradients import TensorFunction, differentiated, evaluated, in_batches

Target = Literal["activation", "score", "probability"]
"""activation: of a layer's units, a filter's being the sum of its map, a softmax's the score before it.
score, probability: of a class, before or after the softmax."""


@dataclass(frozen=True, eq=False)
class Ascent:
    """How the image climbs. Every step is as long in every image: the gradient is divided by its RMS.

    Pixel values x are in the network's own units.
    """

    steps: int = 100
    step_size: float = 0.1
    """Of the first step, in units of pixels; it falls linearly to 0, so that the end is a resting place."""

    l1: float = 0.0
    """Penalty λ Σ |x − black|: few bright pixels, strokes appear."""

    l2: float = 0.0
    """Penalty λ Σ x²: no large values."""

    total_variation: float = 0.0
    """Penalty λ Σ |differences of neighbours|: smooth areas (Mahendran & Vedaldi 2014)."""

    jitter: int = 0
    """Each step moves the image by up to so many pixels and back (Mordvintsev et al. 2015)."""

    starts: int = 1
    """Random beginnings for each unit; the one that gets highest is kept."""

    low: float | None = 0.0
    high: float | None = 1.0
    """Pixels stay between the two; None: no bound."""

    black: np.ndarray | float = 0.0
    """What costs nothing: a number, or an array that broadcasts to an image."""


def brightness(images: Any, black: np.ndarray | float) -> Any:
    """What an L1 penalty prices: Σ |x − black| of each image, (N, …) → (N,) tensor."""
    distances = keras.ops.abs(keras.ops.subtract(images, np.asarray(black, np.float32)))
    return keras.ops.sum(distances, axis=tuple(range(1, len(images.shape))))


class Maximized(NamedTuple):
    """images: (U, *input_shape) float32. values: (U,) float32, of the target, penalties not counted."""

    images: np.ndarray
    values: np.ndarray


def maximize(
    model: keras.Model,
    units: np.ndarray,
    *,
    target: Target = "activation",
    layer: LayerName | None = None,
    ascent: Ascent = Ascent(),
    rng: np.random.Generator,
) -> Maximized:
    """x* = argmax_x a(x) − penalties, for many units at once.

    Erhan et al. 2009; with an L1 term Le et al. 2012 (arXiv 1112.6209); Simonyan et al. 2013 for
    classes. What comes out is one of many maxima and depends on the penalties as much as on the unit:
    without any it is mostly high frequencies, and a class at 100% may look like noise (Nguyen et al.
    2014, arXiv 1412.1897).

    Args:
        units: (U,) int: filters or neurons of `layer`, or classes.
        layer: whose units, for target "activation".

    Returns:
        The image of each unit and the value that it reaches.

    Raises:
        UserError: the jitter moves the image by more than itself.
    """
    spatial = tuple({1, 2, 3} - {image_channel_axis(model)})
    height, width = (int(model.input.shape[axis]) for axis in spatial)
    if ascent.jitter >= min(height, width):
        raise UserError(
            f"a jitter of {ascent.jitter} pixels is all of the {height}×{width} image; "
            "choose a smaller jitter"
        )
    value_of = _target(model, target, layer)
    slope_of = _awake(value_of, model, layer) if target == "activation" else value_of
    climb = differentiated(_penalised(slope_of, ascent, spatial))
    wanted = np.repeat(units.astype(np.int32), ascent.starts)
    low = -0.5 if ascent.low is None else ascent.low
    high = 0.5 if ascent.high is None else ascent.high
    shape = (len(wanted), *model.input.shape[1:])
    noise = rng.uniform(-0.1, 0.1, shape) * (high - low)
    images = ((low + high) / 2 + noise).astype(np.float32)

    def slope(seen: np.ndarray) -> np.ndarray:
        return in_batches(climb, seen, wanted)[1]

    for step in range(ascent.steps):
        size = ascent.step_size * (1 - step / ascent.steps)
        images += np.float32(size) * uphill(slope, images, spatial=spatial, jitter=ascent.jitter, rng=rng)
        np.clip(images, ascent.low, ascent.high, out=images)
    reached = evaluated(lambda x, unit: (value_of(x, unit),))
    (values,) = in_batches(reached, images, wanted)
    best = values.reshape(len(units), ascent.starts).argmax(axis=1) + np.arange(len(units)) * ascent.starts
    return Maximized(images[best], values[best])


def half_price(found: Maximized, *, black: np.ndarray | float) -> float:
    """The L1 penalty, two digits of it, that costs these images half of their values: it clears the noise."""
    bright = keras.ops.convert_to_numpy(brightness(found.images, black)).mean()
    return float(f"{max(found.values.mean(), 0.1) / 2 / bright:.2g}") if bright else 0.0


def _target(model: keras.Model, target: Target, layer: LayerName | None) -> TensorFunction:
    """(N, *input_shape), (N,) units → (N,) what each image makes its unit say."""
    if target == "activation":
        if layer is None:
            raise ValueError("which layer?")
        return _sum_of_map(answers_of(model, layer))
    return _sum_of_map(logits_of(model) if target == "score" else probabilities_of(model))


def _awake(value_of: TensorFunction, model: keras.Model, layer: LayerName | None) -> TensorFunction:
    """Where a ReLU is silent everywhere there is no slope: what goes into it then shows the way."""
    if layer is None or "relu" not in activation_of(find_layer(model, layer)):
        return value_of
    before = _sum_of_map(maps_of(model, layer, before_activation=True))

    def value(x: Any, unit: Any) -> Any:
        answer = value_of(x, unit)
        return keras.ops.where(answer > 0, answer, before(x, unit))

    return value


def _sum_of_map(maps: keras.Model) -> TensorFunction:
    def value(x: Any, unit: Any) -> Any:
        answers = maps(x, training=False)
        if len(answers.shape) == 4:
            answers = keras.ops.sum(answers, axis=(1, 2))
        return take_class(answers, unit)

    return value


def _penalised(value_of: TensorFunction, ascent: Ascent, spatial: tuple[int, ...]) -> TensorFunction:
    """What climbs: the target minus the penalties of the image."""

    def objective(x: Any, unit: Any) -> Any:
        value = value_of(x, unit)
        axes = tuple(range(1, len(x.shape)))
        if ascent.l1:
            value -= ascent.l1 * brightness(x, ascent.black)
        if ascent.l2:
            value -= ascent.l2 * keras.ops.sum(keras.ops.square(x), axis=axes)
        if ascent.total_variation:
            steps = (keras.ops.abs(keras.ops.diff(x, axis=axis)) for axis in spatial)
            value -= ascent.total_variation * sum(keras.ops.sum(each, axis=axes) for each in steps)
        return value

    return objective
