"""What in an image a unit answered to, projected back to the pixels through changed ReLUs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import keras
import numpy as np

from cnnlab.analyses.network import LayerName, maps_of
from cnnlab.gradients import differentiated, in_batches

Rule = Literal["deconvnet", "guided"]
"""What a ReLU lets pass on the way back. deconvnet: what is positive in the signal that comes back.
guided: of that, what was positive on the way forward too. (A plain gradient only asks the latter.)"""


def project_back(
    model: keras.Model,
    images: np.ndarray,
    *,
    layer: LayerName,
    units: np.ndarray,
    positions: np.ndarray,
    rule: Rule = "deconvnet",
) -> np.ndarray:
    """One activation of each image, sent back to the pixels through the transposed network.

    deconvnet: Zeiler & Fergus 2013 (arXiv 1311.2901); max pooling remembers where its maximum was, which
    here follows from back-propagation through the image itself. guided: Springenberg et al. 2014
    (arXiv 1412.6806). Both are closer to a partial recovery of the image than to what the unit needs:
    they change little when layers above get random weights (Nie et al. 2018, arXiv 1805.07039; Adebayo
    et al. 2018).

    Args:
        images: (N, *input_shape) float32.
        units: (N,) int, which unit of the layer each image is about.
        positions: (N, 2) int, row and column in the unit's map; ignored for neurons.

    Returns:
        (N, *input_shape) float32, signed: the activation times the transposed weights on its way.
    """
    maps = maps_of(with_rule(model, rule), layer)

    def activation(x: Any, unit: Any, row: Any, column: Any) -> Any:
        answers = maps(x, training=False)
        if len(answers.shape) == 4:
            height, width, channels = answers.shape[1:]
            answers = keras.ops.reshape(answers, (-1, height * width * channels))
            unit = (row * width + column) * channels + unit
        return keras.ops.take_along_axis(answers, unit[:, None], axis=1)[:, 0]

    rows, columns = positions.astype(np.int32).T
    values, gradients = in_batches(
        differentiated(activation), images, units.astype(np.int32), np.ascontiguousarray(rows),
        np.ascontiguousarray(columns),
    )  # fmt: skip
    return np.asarray(values.reshape(-1, *(1,) * (images.ndim - 1)) * gradients)


def with_rule(model: keras.Model, rule: Rule) -> keras.Model:
    """The same network, whose ReLUs send back what the rule says."""
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    for layer in twin.layers:
        if getattr(layer, "activation", None) is keras.activations.relu:
            layer.activation = _RELUS[rule]
    return twin


def _relu_sending_back(passed: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    @keras.ops.custom_gradient  # type: ignore[untyped-decorator]
    def relu(x: Any) -> Any:
        def grad(*arguments: Any, upstream: Any = None) -> Any:
            return passed(x, arguments[0] if upstream is None else upstream)

        return keras.ops.relu(x), grad

    relu.__name__ = "relu"
    return relu  # type: ignore[no-any-return]


def _guided(x: Any, upstream: Any) -> Any:
    return keras.ops.relu(upstream) * keras.ops.cast(x > 0, upstream.dtype)


_RELUS: dict[Rule, Callable[[Any], Any]] = {
    "deconvnet": _relu_sending_back(lambda x, upstream: keras.ops.relu(upstream)),
    "guided": _relu_sending_back(_guided),
}
