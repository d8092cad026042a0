"""What in an image a unit answered to, projected back to the pixels through changed ReLUs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import keras
import numpy as np

from cnnlab.analyses.network import (
    LayerName,
    activation_of,
    answers_of,
    is_activation,
    summary_name,
)
from cnnlab.errors import UserError
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
        units: (N,) int, which unit of the layer each image is about; of a softmax the score before it.
        positions: (N, 2) int, row and column in the unit's map; ignored for neurons.

    Returns:
        (N, *input_shape) float32, signed: the activation itself, negative or not, sent back through the
        transposed weights and the changed ReLUs on its way.

    Raises:
        UserError: there is an activation on the way for which neither rule is defined, such as tanh.
    """
    maps = with_rule(answers_of(model, layer), rule)

    def signal(x: Any, unit: Any, row: Any, column: Any) -> Any:
        answers = maps(x, training=False)
        if len(answers.shape) == 4:
            height, width, channels = answers.shape[1:]
            answers = keras.ops.reshape(answers, (-1, height * width * channels))
            unit = (row * width + column) * channels + unit
        answer = keras.ops.take_along_axis(answers, unit[:, None], axis=1)[:, 0]
        # Its slope by the second factor alone is the activation: what goes back is that, and not 1.
        return keras.ops.stop_gradient(answer) * answer

    rows, columns = positions.astype(np.int32).T
    _, gradients = in_batches(
        differentiated(signal), images, units.astype(np.int32), np.ascontiguousarray(rows),
        np.ascontiguousarray(columns),
    )  # fmt: skip
    return gradients


def with_rule(model: keras.Model, rule: Rule) -> keras.Model:
    """The same network, whose ReLUs, layers of their own or not, send back what the rule says.

    Raises:
        UserError: it has an activation that is no ReLU.
    """
    for operation in model.operations:
        if activation_of(operation) not in ("linear", *_CEILINGS):
            raise UserError(
                f"{summary_name(operation)} computes {activation_of(operation)}: how a deconvnet or guided "
                "back-propagation goes back is defined for ReLU only; saliency works for any activation"
            )

    def changed(operation: Any) -> Any:
        settings = operation.get_config()
        if (name := activation_of(operation)) == "linear":
            return type(operation).from_config(settings)
        relu = _relu_sending_back(rule, getattr(operation, "max_value", None) or _CEILINGS[name])
        if is_activation(operation):
            return keras.layers.Activation(relu, name=operation.name)
        twin = type(operation).from_config(settings)
        twin.activation = relu
        return twin

    twin = keras.models.clone_model(model, clone_function=changed)
    twin.set_weights(model.get_weights())
    return twin


_CEILINGS: dict[str, float | None] = {"relu": None, "relu6": 6.0}
"""The ReLUs that Keras has, and where they stop growing."""


def _relu_sending_back(rule: Rule, ceiling: float | None) -> Callable[[Any], Any]:
    """min(max(x, 0), ceiling), with a gradient by the rule; above the ceiling it does not grow."""

    @keras.ops.custom_gradient  # type: ignore[untyped-decorator]
    def relu(x: Any) -> Any:
        def grad(*arguments: Any, upstream: Any = None) -> Any:
            back = keras.ops.relu(arguments[0] if upstream is None else upstream)
            if rule == "guided":
                active = x > 0 if ceiling is None else keras.ops.logical_and(x > 0, x < ceiling)
                back = back * keras.ops.cast(active, back.dtype)
            return back

        answer = keras.ops.relu(x)
        return answer if ceiling is None else keras.ops.minimum(answer, ceiling), grad

    relu.__name__ = "relu"
    return relu  # type: ignore[no-any-return]
