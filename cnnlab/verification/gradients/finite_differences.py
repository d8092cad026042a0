"""Is the gradient of a layer the slope of what it computes? Finite differences, away from kinks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from cnnlab.scratch.layer import Mode, ScratchLayer, Weights
from cnnlab.verification.gradients.relative import largest, smallest_scales
from cnnlab.verification.gradients.small_layers import small_twin

ENTRIES = 50
"""So many numbers of each tensor are changed, or all where there are fewer; kinks aside."""

_MOST_DRAWS = 8 * ENTRIES
"""So many are tried in a tensor whose entries stand at kinks."""

_STEPS = (1e-5, 1e-6, 1e-7)
"""Relative to the largest number of the tensor. The first is precise where the layer is linear around; the
others are small enough where it bends, or has a kink nearby."""

_SMALLEST = 1e-3
"""Of the largest output: smaller steps in a bias of almost nothing would be lost to rounding."""

_JITTER = 1e-2
"""Relative to the largest input: equal pixels in a window, and zeros before a ReLU, stand at a kink."""


_SLACK = 1e-3
"""Of a slope between that to the left and that to the right, relative to the larger one."""


class Slopes(NamedTuple):
    """What finite differences say of a layer; see `LayerCheck`."""

    difference: float | None
    entries: int
    left_out: int
    sparse: Mapping[str, int]


def finite_differences(
    layer: ScratchLayer[Any],
    inputs: Sequence[np.ndarray],
    weights: Weights,
    mode: Mode,
    rng: np.random.Generator,
    tolerance: float,
) -> Slopes:
    """Compare a layer's gradients of f = Σ gradient · output with difference quotients.

    (f(x + h) − f(x − h)) / 2h, where the slopes to both sides agree within the tolerance: then it is not
    off by more. Of large layers a part is tried.

    Args:
        inputs: (N, …), of any float dtype, as the weights; a seeded jitter moves them away from kinks.
        mode: its random numbers must be the same ones for each pass.
    """
    layer, parts, weights = small_twin(layer, inputs, weights, mode.convolution)
    parts = [jittered(each, rng) for each in parts]
    before = layer.forward(parts, weights, mode)
    gradient = rng.standard_normal(before.output.shape)
    back = before.backward(gradient, True)
    output = before.output.copy()  # that of Flatten is its input, which is about to change
    objective = _Objective(layer, parts, weights, mode, output, gradient)
    # One for all: a step is as large as its tensor, and a saturated function bends on the way.
    scales = smallest_scales(parts, [weights[name] for name in back.weights], gradient)
    least = scales.output * largest([gradient])
    tensors = [("input", *each) for each in zip(parts, back.inputs, strict=True)]
    tensors += [(name, weights[name], each) for name, each in back.weights.items()]
    worst, entries, left_out = 0.0, 0, 0
    sparse: dict[str, int] = {}
    for name, tensor, claimed in tensors:
        found, refused = _quotients(objective, tensor, claimed, rng, least=least, tolerance=tolerance)
        scale = max([largest([claimed]), least, *(abs(each) for each in found.values())])
        for index, slope in found.items():
            worst = float(np.maximum(worst, abs(slope - claimed.flat[index]) / scale))  # NaN stays NaN
        entries, left_out = entries + len(found), left_out + refused
        if len(found) < min(ENTRIES, tensor.size):
            sparse[name] = min(len(found), sparse.get(name, ENTRIES))
    return Slopes(None if 0 in sparse.values() else worst, entries, left_out, sparse)


def jittered(inputs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Inputs nearby, of which no two are equal."""
    moved: np.ndarray = inputs + _JITTER * (largest([inputs]) or 1.0) * rng.uniform(-1, 1, inputs.shape)
    return moved


def slopes_together(
    layer: ScratchLayer[Any],
    inputs: Sequence[np.ndarray],
    weights: Weights,
    mode: Mode,
    rng: np.random.Generator,
) -> bool:
    """Whether the gradient of f lies between the slopes to both sides where all inputs grow by the same.

    Args:
        inputs: (N, …) float64, which may stand at kinks. weights: float64.
    """
    before = layer.forward(inputs, weights, mode)
    gradient = rng.standard_normal(before.output.shape)
    claimed = sum(float(each.sum()) for each in before.backward(gradient, True).inputs)
    step = _STEPS[1] * (largest(inputs) or 1.0)
    slopes = []
    for moved in (-step, step):
        output = layer.forward([each + moved for each in inputs], weights, mode).output
        slopes.append(float(((output - before.output) * gradient).sum()) / moved)
    slack = _SLACK * max(1.0, *(abs(each) for each in slopes))
    return min(slopes) - slack <= claimed <= max(slopes) + slack


@dataclass(frozen=True)
class _Objective:
    """f as a function of inputs and weights, which are arrays that somebody changes."""

    layer: ScratchLayer[Any]
    inputs: Sequence[np.ndarray]
    weights: Weights
    mode: Mode
    output: np.ndarray
    gradient: np.ndarray

    def change(self) -> float:
        """How much larger f is than it was. Outputs are subtracted first: most have not changed at all."""
        output = self.layer.forward(self.inputs, self.weights, self.mode).output
        return float(((output - self.output) * self.gradient).sum())

    def slopes(self, tensor: np.ndarray, index: int, step: float) -> tuple[float, float]:
        """The slopes to the left and to the right along one entry of an input or a weight."""
        value = tensor.flat[index]
        slopes = []
        for sign in (-1, 1):
            tensor.flat[index] = value + sign * step
            moved = float(tensor.flat[index] - value)  # what rounding has left of the step
            slopes.append(self.change() / moved)
        tensor.flat[index] = value
        return slopes[0], slopes[1]


def _quotients(
    objective: _Objective,
    tensor: np.ndarray,
    claimed: np.ndarray,
    rng: np.random.Generator,
    *,
    least: float,
    tolerance: float,
) -> tuple[dict[int, float], int]:
    """Difference quotients by entry, and how many entries were left out."""
    size = max(largest([tensor]), _SMALLEST * largest([objective.output])) or 1.0
    found: dict[int, float] = {}
    refused = 0
    for index in rng.choice(tensor.size, min(tensor.size, _MOST_DRAWS), replace=False):
        for step in _STEPS:
            left, right = objective.slopes(tensor, int(index), step * size)
            scale = max(largest([claimed]), abs(left), abs(right), least)
            if abs(left - right) <= tolerance * scale:
                found[int(index)] = (left + right) / 2
                break
        else:
            refused += 1
        if len(found) == ENTRIES:
            break
    return found, refused
