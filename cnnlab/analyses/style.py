"""The content of one picture in the style of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from cnnlab.analyses.dream import any_size
from cnnlab.analyses.network import LayerName, channel_axis_of, find_layer
from cnnlab.gradients import differentiated, evaluated


class Styled(NamedTuple):
    """image: (1, *picture_shape) float32. losses: (steps + 1,) float64, of the whole, from the start on."""

    image: np.ndarray
    losses: np.ndarray


def transfer_style(
    model: keras.Model,
    content: np.ndarray,
    style: np.ndarray,
    *,
    content_layers: Sequence[LayerName],
    style_layers: Sequence[LayerName],
    style_weight: float = 1000.0,
    variation_weight: float = 0.0,
    steps: int = 100,
    low: float = 0.0,
    high: float = 1.0,
) -> Styled:
    """A picture with the maps of `content` and the correlations between maps of `style`.

    Gatys, Ecker & Bethge 2015 (arXiv 1508.06576), with L-BFGS and from the content picture on, so that
    nothing is left to chance. Means instead of the paper's sums make the weights independent of the
    pictures' sizes. It needs a network that has seen the world: filters trained on digits know no brush
    strokes.

    Args:
        content, style: (1, H, W, C) float32, channels where the model has them; sizes may differ.
        style_weight: of the style loss, the content loss having 1.
        variation_weight: of the mean squared difference of neighbours.
        steps: of L-BFGS.
        low, high: pixels stay between the two.
    """
    from scipy.optimize import minimize

    names = [*content_layers, *style_layers]
    network = any_size(model, list(dict.fromkeys(names)))
    axes = {name: channel_axis_of(model, find_layer(model, name)) for name in names}

    def maps(x: Any) -> dict[LayerName, Any]:
        answers = network(x, training=False)
        answers = answers if isinstance(answers, list | tuple) else [answers]
        return dict(zip(dict.fromkeys(names), answers, strict=True))

    def targets(x: Any) -> tuple[Any, ...]:
        found = maps(x)
        return (
            *(found[name] for name in content_layers),
            *(gram(found[name], axes[name]) for name in style_layers),
        )

    of_image = evaluated(targets)
    wanted = of_image(content)[: len(content_layers)] + of_image(style)[len(content_layers) :]

    def weighted(squares: Sequence[Any]) -> Any:
        total = sum(squares[: len(content_layers)]) / max(len(content_layers), 1)
        return total + style_weight * sum(squares[len(content_layers) :]) / max(len(style_layers), 1)

    def loss(x: Any, *wanted: Any) -> Any:
        total = weighted(
            [
                _mean(keras.ops.square(found - target))
                for found, target in zip(targets(x), wanted, strict=True)
            ]
        )
        if variation_weight:
            for axis in (1, 2, 3):
                if axis != axes[names[0]]:
                    total += variation_weight * _mean(keras.ops.square(keras.ops.diff(x, axis=axis)))
        return total

    descend = differentiated(loss)
    # L-BFGS stops where loss and slopes are small as numbers; how large the maps are is no reason to.
    unit = float(weighted([np.square(each).mean() for each in wanted])) or 1.0
    losses: list[float] = []

    def value_and_slope(flat: np.ndarray) -> tuple[float, np.ndarray]:
        values, gradients = descend(flat.reshape(content.shape).astype(np.float32), *wanted)
        return float(values[0]) / unit, gradients.ravel().astype(np.float64) / unit

    start = content.ravel().astype(np.float64)
    losses.append(value_and_slope(start)[0])
    found = minimize(
        value_and_slope,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(low, high)] * start.size,
        options={"maxiter": steps, "maxfun": 4 * steps, "ftol": 1e-8, "gtol": 1e-6 / start.size},
        callback=lambda intermediate_result: losses.append(float(intermediate_result.fun)),
    )
    return Styled(found.x.reshape(content.shape).astype(np.float32), unit * np.array(losses))


def gram(maps: Any, channel_axis: int) -> Any:
    """Which maps are active together: (N, h, w, channels) → (N, channels, channels), means over places."""
    if channel_axis == 1:
        maps = keras.ops.moveaxis(maps, 1, -1)
    _, height, width, channels = keras.ops.shape(maps)
    rows = keras.ops.reshape(maps, (-1, height * width, channels))
    return keras.ops.matmul(keras.ops.transpose(rows, (0, 2, 1)), rows) / keras.ops.cast(
        height * width, rows.dtype
    )


def _mean(values: Any) -> Any:
    return keras.ops.mean(values, axis=tuple(range(1, len(values.shape))))
