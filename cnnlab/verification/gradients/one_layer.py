"""One layer in both engines: the same inputs, the same weights, the same gradient that comes back."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from cnnlab.errors import first_sentence
from cnnlab.language.fields import Shape
from cnnlab.layer_gradients import LayerPass, layer_output, layer_pass
from cnnlab.layers.base import times
from cnnlab.layers.graph import GraphNode
from cnnlab.model import layer_with
from cnnlab.scratch.convolution import ConvolutionName
from cnnlab.scratch.layer import Mode, Weights
from cnnlab.scratch.network import Step
from cnnlab.verification.gradients.finite_differences import (
    finite_differences,
    jittered,
    slopes_together,
)
from cnnlab.verification.gradients.relative import relative_difference, smallest_scales
from cnnlab.verification.gradients.results import TOLERANCES, DtypeName, LayerCheck

Found = TypeVar("Found")

_MANY_WEIGHTS = 10_000_000
"""In float64, the first Dense layer of VGG takes 0.8 GB, and its gradient as much in each engine."""

_FAILURES = (ArithmeticError, AssertionError, LookupError, TypeError, ValueError)
"""What NumPy raises where arrays do not fit together: an engine that is wrong may not even get to numbers."""


@dataclass(frozen=True)
class Trial:
    """A layer, and what it is tried on.

    node: whose settings and weights Keras's layer has: of a layer that is called twice, the first call's.
    weights: in Keras's order, by the names that the config's layer gives them. inputs: (N, *input_shape).
    Both are of any float dtype. seed: of whatever is drawn.
    """

    step: Step
    node: GraphNode
    weights: Weights
    inputs: Sequence[np.ndarray]
    convolution: ConvolutionName
    seed: Sequence[int]

    def check(self, dtype: DtypeName) -> tuple[LayerCheck, np.ndarray]:
        """Compute the layer in both engines; returns what came of it, and Keras's output in training."""
        rng = np.random.default_rng(self.seed)
        check, output = self._compared(dtype, rng)
        if check.problem is None and check.output <= check.tolerance and not check.gradients_agree:
            check = self._beside_kinks(check, dtype, rng)
        if check.problem is None:
            slopes = _attempted(
                lambda: finite_differences(
                    self.step.layer, self.inputs, self.weights, self._drawing(rng), rng, TOLERANCES["float64"]
                )
            )
            if isinstance(slopes, str):
                return replace(check, problem=slopes), output
            check = replace(
                check,
                finite_difference=slopes.difference,
                entries=slopes.entries,
                left_out=slopes.left_out,
                sparse=slopes.sparse,
            )
        return check, output

    @property
    def _settings(self) -> Any:
        return self.step.layer.settings

    def _drawing(self, rng: np.random.Generator) -> Mode:
        """Training, with the same random numbers in each pass."""
        seed = int(rng.integers(2**32))
        return Mode(True, self.convolution, lambda shape: np.random.default_rng(seed).random(shape))

    def _compared(self, dtype: str, rng: np.random.Generator) -> tuple[LayerCheck, np.ndarray]:
        """Both engines side by side, and Keras's output."""
        layer = layer_with(self.node, self.step.layer.input_shapes, [*self.weights.values()], dtype)
        dtype = layer.compute_dtype  # one that is made for float32 stays so
        inputs = [each.astype(dtype, copy=False) for each in self.inputs]
        shape = (len(inputs[0]), *self._settings.output_shape_of(self.step.layer.input_shapes))
        gradient = rng.standard_normal(shape).astype(dtype)
        idle = layer_output(layer, inputs)
        passed = layer_pass(layer, inputs, gradient)
        del layer
        if sum(each.size for each in self.weights.values()) > _MANY_WEIGHTS:
            gc.collect()  # layers refer to themselves
        check = LayerCheck(
            self.step.name, self._settings.type(), math.inf, math.inf,
            dict.fromkeys(self.weights, math.inf), None, TOLERANCES[dtype], 0, 0, {},
        )  # fmt: skip
        weights = {name: each.astype(dtype, copy=False) for name, each in self.weights.items()}
        exact = replace(self, inputs=inputs, weights=weights)
        found = _attempted(lambda: exact._beside(check, gradient, passed, idle))
        return (replace(check, problem=found) if isinstance(found, str) else found), passed.output

    def _beside(
        self, check: LayerCheck, gradient: np.ndarray, passed: LayerPass, idle: np.ndarray
    ) -> LayerCheck:
        """The NumPy engine beside Keras's results, in their dtype."""
        layer = self.step.layer
        trainable = {each.name: each.trainable for each in self._settings.weights_of(layer.input_shapes)}
        least = smallest_scales(
            self.inputs, [each for name, each in self.weights.items() if trainable[name]], gradient
        )
        mode = Mode(training=True, convolution=self.convolution, uniform=_kept_in(passed))
        own = layer.forward(self.inputs, self.weights, mode)
        if own.output.shape != passed.output.shape:
            shapes = [times(each.shape[1:]) for each in (own.output, passed.output)]
            return replace(check, problem=f"its output is {shapes[0]}, and {shapes[1]} in Keras")
        own_idle = layer.forward(self.inputs, self.weights, replace(mode, training=False)).output
        outputs = [
            relative_difference(own.output, passed.output, least.output),
            relative_difference(own_idle, idle, least.output),
        ]
        back = own.backward(gradient, True)
        to_inputs = [
            relative_difference(mine, theirs, least.to_inputs)
            for mine, theirs in zip(back.inputs, passed.inputs, strict=True)
        ]
        gradients, state = iter(passed.weights), iter(passed.state)
        to_weights = {
            name: relative_difference(back.weights[name], next(gradients), least.to_weights)
            if trainable[name]
            else relative_difference(own.state[name], next(state), least.output)
            for name in self.weights
        }
        return replace(
            check,
            output=float(np.max(outputs)),
            input_gradient=float(np.max(to_inputs)),
            weights=to_weights,
        )

    def _beside_kinks(self, check: LayerCheck, dtype: str, rng: np.random.Generator) -> LayerCheck:
        """What came of the layer on inputs nearby, if the gradients differ at kinks only.

        There several slopes are right: of two equal branches JAX gives each a half, TensorFlow the first one
        all. They agree on the slope in the direction in which the equal ones move together.
        """
        exact = replace(
            self,
            inputs=[each.astype(float) for each in self.inputs],
            weights={name: each.astype(float) for name, each in self.weights.items()},
        )
        possible = _attempted(
            lambda: slopes_together(exact.step.layer, exact.inputs, exact.weights, self._drawing(rng), rng)
        )
        if possible is not True:
            return check
        nearby, _ = replace(self, inputs=[jittered(each, rng) for each in exact.inputs])._compared(dtype, rng)
        return nearby if nearby.problem is None and nearby.gradients_agree else check


def _attempted(compute: Callable[[], Found]) -> Found | str:
    """What the NumPy engine gives, or what it says where it cannot."""
    try:
        return compute()
    except _FAILURES as error:
        return first_sentence(error)


def _kept_in(passed: LayerPass) -> Callable[[Shape], np.ndarray]:
    """Random numbers with which dropout keeps what Keras has kept: where a gradient has come through."""
    kept = passed.inputs[0] != 0

    def uniform(shape: Shape) -> np.ndarray:
        together = tuple(axis for axis, size in enumerate(shape) if size != kept.shape[axis])
        return np.where(kept.any(axis=together, keepdims=True), np.nextafter(1, 0), 0.0)

    return uniform
