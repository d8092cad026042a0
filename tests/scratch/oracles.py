"""What the engine by hand is measured against: Keras in float64, and differences of its own outputs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from pydantic import ValidationError

from cnnlab.errors import ShapeError
from cnnlab.layers import LAYERS, merging
from cnnlab.layers.base import Layer
from cnnlab.scratch.layer import Mode, Pass, ScratchLayer
from cnnlab.scratch.table import SCRATCH_LAYERS
from tests.layer_examples import EXAMPLES, IMAGES, of

MERGES = {
    "Add": of(IMAGES),
    "Average": of(IMAGES),
    "Concatenate": of(IMAGES, axis=st.sampled_from([-1, 1, 2, 3])),
    "Maximum": of(IMAGES),
}
"""They stand in no config; the block that they end does."""

CLASSES: dict[str, type[Layer]] = {kind: getattr(merging, kind) for kind in MERGES}


@dataclass(frozen=True)
class Case:
    """A layer with inputs and weights, and the gradient of some loss with respect to its output."""

    layer: ScratchLayer[Any]
    inputs: tuple[np.ndarray, ...]
    weights: Mapping[str, np.ndarray]
    gradient: np.ndarray

    def passed(self, training: bool = False, **mode: Any) -> Pass:
        return self.layer.forward(self.inputs, self.weights, Mode(training, **mode))

    def loss(self, mode: Mode) -> float:
        return float(np.sum(self.layer.forward(self.inputs, self.weights, mode).output * self.gradient))


@st.composite
def cases(
    draw: Callable[..., Any],
    kind: str,
    rounded: st.SearchStrategy[bool] = st.booleans(),  # noqa: B008
    dtype: str = "float64",
) -> Case | None:
    """A layer of a kind with random fields, inputs and weights; None where they are refused.

    Some inputs are rounded, so that numbers are equal and kinks are met.
    """
    fields, shape = draw((MERGES | EXAMPLES)[kind])
    seed = draw(st.integers(0, 2**32 - 1))
    return case(kind, fields, shape, seed=seed, rounded=draw(rounded), dtype=dtype)


def case(
    kind: str,
    fields: dict[str, Any],
    shape: tuple[int, ...],
    *,
    seed: int = 0,
    rounded: bool = False,
    dtype: str = "float64",
) -> Case | None:
    shapes = (shape,) * (3 if kind in MERGES else 1)
    try:
        settings = (CLASSES.get(kind) or LAYERS[kind]).model_validate(fields)
        output_shape = settings.output_shape_of(shapes)
    except (ValidationError, ShapeError):
        return None
    rng = np.random.default_rng(seed)
    inputs = [rng.normal(size=(3, *each)).astype(dtype) for each in shapes]
    if rounded:
        inputs = [np.round(each) for each in inputs]
    weights = {
        weight.name: (
            rng.uniform(0.5, 1.5, weight.shape)
            * (rng.choice([-1, 1], weight.shape) if weight.trainable else 1)
        ).astype(dtype)
        for weight in settings.weights_of(shapes)
    }
    return Case(
        SCRATCH_LAYERS[kind](settings, shapes),
        tuple(inputs),
        weights,
        rng.normal(size=(3, *output_shape)).astype(dtype),
    )


def by_keras(
    case: Case, training: bool = False
) -> tuple[np.ndarray, list[np.ndarray], dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Keras on TensorFlow: output, gradients of inputs and weights, and the untrained weights after it."""
    import tensorflow as tf

    settings, dtype = case.layer.settings, str(case.gradient.dtype)
    layer = settings.build("layer", dtype)
    inputs = [tf.constant(each) for each in case.inputs]

    def call() -> Any:
        arguments = {"training": training} if layer._call_has_training_arg else {}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "You are using a softmax over axis")  # of size 1
            return layer(inputs[0] if len(inputs) == 1 else inputs, **arguments)

    call()  # which builds the weights
    named = {each.name: each for each in layer.weights}
    for name, value in case.weights.items():
        named[name].assign(value)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        output = call()
        loss = tf.reduce_sum(output * case.gradient)
    variables = {each.name: each.value for each in layer.trainable_variables}
    to_inputs, to_weights = tape.gradient(loss, (inputs, variables))
    after = {name: named[name].numpy() for name in case.weights if not named[name].trainable}
    return output.numpy(), [each.numpy() for each in to_inputs], _numpy(to_weights), after


def _numpy(tensors: Mapping[str, Any]) -> dict[str, np.ndarray]:
    return {name: each.numpy() for name, each in tensors.items()}


def assert_close(found: Any, expected: Any, what: str = "", atol: float = 1e-7) -> None:
    expected = np.asarray(expected)
    assert found.shape == expected.shape, what
    assert found.dtype == expected.dtype, what
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=atol, err_msg=what)


def assert_backward_is_slope(case: Case, mode: Callable[[], Mode], seed: int = 0) -> None:
    """In three random directions of the inputs and of each array of weights, against central differences.

    Args:
        mode: makes the mode of each forward pass, with random numbers that begin anew.
    """
    rng = np.random.default_rng(seed)
    found = case.layer.forward(case.inputs, case.weights, mode()).backward(case.gradient, True)
    for index, gradient in enumerate(found.inputs):
        for _ in range(3):
            direction = rng.normal(size=gradient.shape)

            def moved(step: float) -> float:
                inputs = list(case.inputs)
                inputs[index] = inputs[index] + step * direction  # noqa: B023
                return replace(case, inputs=tuple(inputs)).loss(mode())

            assert_slope(moved, float(np.sum(gradient * direction)))
    for name, gradient in found.weights.items():
        for _ in range(3):
            direction = rng.normal(size=gradient.shape)

            def moved(step: float) -> float:
                weights = {**case.weights, name: case.weights[name] + step * direction}  # noqa: B023
                return replace(case, weights=weights).loss(mode())

            assert_slope(moved, float(np.sum(gradient * direction)))


def assert_slope(function: Callable[[float], float], slope: float, step: float = 1e-6) -> None:
    found = (function(step) - function(-step)) / (2 * step)
    np.testing.assert_allclose(slope, found, rtol=1e-5, atol=1e-6)
