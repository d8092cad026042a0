"""One layer in both engines: the same inputs, the same weights, the same gradient that comes back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cnnlab.errors import first_sentence
from cnnlab.gradients import LayerPass, layer_output, layer_pass
from cnnlab.language.fields import Shape
from cnnlab.layers.base import times
from cnnlab.layers.graph import GraphNode
from cnnlab.model import layer_with
from cnnlab.scratch.convolution import ConvolutionName
from cnnlab.scratch.layer import Mode, ScratchLayer, Weights
from cnnlab.scratch.network import Step
from cnnlab.verification.gradients.finite_differences import finite_differences
from cnnlab.verification.gradients.relative import largest, relative_difference, smallest_scale
from cnnlab.verification.gradients.results import TOLERANCES, LayerCheck

if TYPE_CHECKING:
    from typing import Any

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

    def check(self, dtype: str) -> tuple[LayerCheck, np.ndarray]:
        """Compute the layer in Keras and in NumPy; returns what came of it, and Keras's output in training."""
        layer = layer_with(self.node, self.step.layer.input_shapes, [*self.weights.values()], dtype)
        dtype = layer.compute_dtype  # one that is made for float32 stays so
        exact = replace(
            self,
            inputs=[each.astype(dtype, copy=False) for each in self.inputs],
            weights={name: each.astype(dtype, copy=False) for name, each in self.weights.items()},
        )
        rng = np.random.default_rng(self.seed)
        shape = (len(self.inputs[0]), *self._settings.output_shape_of(self.step.layer.input_shapes))
        gradient = rng.standard_normal(shape).astype(dtype)
        idle = layer_output(layer, exact.inputs)
        passed = layer_pass(layer, exact.inputs, gradient)
        output = passed.output
        del layer  # large ones have weights of a gigabyte, and gradients of another
        check = LayerCheck(
            self.step.name, self._settings.type(), math.inf, math.inf,
            dict.fromkeys(self.weights, math.inf), None, TOLERANCES[dtype], 0, 0,
        )  # fmt: skip
        try:
            check = exact._compared(check, gradient, passed, idle)
            del passed
            if check.problem is None:
                check = exact._differentiated(check, rng)
        except _FAILURES as error:
            check = replace(check, problem=first_sentence(error))
        return check, output

    @property
    def _settings(self) -> Any:
        return self.step.layer.settings

    def _compared(
        self, check: LayerCheck, gradient: np.ndarray, passed: LayerPass, idle: np.ndarray
    ) -> LayerCheck:
        """Both engines side by side."""
        layer, dtype = self.step.layer, gradient.dtype
        factors = largest([*self.inputs, *self.weights.values()])
        mode = Mode(training=True, convolution=self.convolution, uniform=_kept_in(passed))
        own = layer.forward(self.inputs, self.weights, mode)
        if own.output.shape != passed.output.shape:
            shapes = [times(each.shape[1:]) for each in (own.output, passed.output)]
            return replace(check, problem=f"its output is {shapes[0]}, and {shapes[1]} in Keras")
        least = smallest_scale(1, factors, dtype)
        outputs = [relative_difference(own.output, passed.output, least)]
        own_idle = layer.forward(self.inputs, self.weights, replace(mode, training=False)).output
        outputs.append(relative_difference(own_idle, idle, least))
        check = replace(check, output=float(np.max(outputs)))
        back = own.backward(gradient, True)
        least_gradient = smallest_scale(largest([gradient]), factors, dtype)
        to_inputs = [
            relative_difference(mine, theirs, least_gradient)
            for mine, theirs in zip(back.inputs, passed.inputs, strict=True)
        ]
        trainable = {each.name: each.trainable for each in self._settings.weights_of(layer.input_shapes)}
        gradients, state = iter(passed.weights), iter(passed.state)
        to_weights = {
            name: relative_difference(back.weights[name], next(gradients), least_gradient)
            if trainable[name]
            else relative_difference(own.state[name], next(state), least)
            for name in self.weights
        }
        return replace(check, input_gradient=float(np.max(to_inputs)), weights=to_weights)

    def _differentiated(self, check: LayerCheck, rng: np.random.Generator) -> LayerCheck:
        """The NumPy engine beside finite differences."""
        seed = int(rng.integers(2**32))
        mode = Mode(True, self.convolution, lambda shape: np.random.default_rng(seed).random(shape))
        slopes = finite_differences(
            self.step.layer, self.inputs, self.weights, mode, rng, TOLERANCES["float64"]
        )
        return replace(
            check,
            finite_difference=slopes.difference, entries=slopes.entries, left_out=slopes.left_out,
        )  # fmt: skip


def _kept_in(passed: LayerPass) -> Callable[[Shape], np.ndarray]:
    """Random numbers with which dropout keeps what Keras has kept: where a gradient has come through."""
    kept = passed.inputs[0] != 0

    def uniform(shape: Shape) -> np.ndarray:
        together = tuple(axis for axis, size in enumerate(shape) if size != kept.shape[axis])
        return np.where(kept.any(axis=together, keepdims=True), np.nextafter(1, 0), 0.0)

    return uniform
