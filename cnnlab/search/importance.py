"""Which setting of a sweep matters how much: its share of the variance between the points.

The share is that of the main effect: how far the validation accuracy moves with this setting alone, averaged
over the others. What is left is what settings do together, and chance.

A grid whose points have all finished is decomposed exactly, as an analysis of variance does. Of other sweeps,
fANOVA decomposes what a random forest has learned from the points (Hutter et al. 2014, An Efficient Approach
for Assessing Hyperparameter Importance), as Optuna computes it.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from cnnlab.config.axes import Axis, Span, value_text

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

LEAST = 10
"""A random forest of fewer points says more about chance than about the settings."""

_TREES = 64
_EQUAL = 1e-12
"""Accuracies that differ by less are equal but for rounding."""

Method = Literal["exact", "fanova"]
Space = Sequence[Axis | Span]
Reached = tuple[Mapping[str, Any], float]
"""The settings of a point that finished, and its validation accuracy."""


class Importance(NamedTuple):
    """By setting its share of the variance, from 0 to 1; None, and why, where that cannot be said."""

    method: Method | None
    shares: dict[str, float] | None
    problem: str | None


def importance_of(space: Space, points: Sequence[Reached]) -> Importance:
    """The shares, in the order of the settings.

    Args:
        points: those that finished with all their seeds; the mean over the seeds is what they reached.
    """
    if len(space) < 2:
        return Importance(None, None, "only one setting varies")
    accuracies = [accuracy for _, accuracy in points]
    if accuracies and max(accuracies) - min(accuracies) <= _EQUAL:
        return Importance(None, None, "all points are equally accurate")
    table = _complete(space, points)
    if table is not None:
        shares = main_effects(table)
        return Importance("exact", {axis.key: share for axis, share in zip(space, shares, strict=True)}, None)
    if len(points) < LEAST:
        found = "none has" if not points else f"{len(points)} {'has' if len(points) == 1 else 'have'}"
        return Importance(None, None, f"at least {LEAST} points must have finished, and {found}")
    return Importance("fanova", _fanova(space, points), None)


def main_effects(table: np.ndarray) -> list[float]:
    """By axis of a table the share of its variance that the means along this axis have.

    The shares add up to at most 1; they do where the effects of the settings add up.

    Args:
        table: (values of the first setting, values of the second, …), not all equal.
    """
    total = float(table.var())
    axes = range(table.ndim)
    return [
        float(table.mean(axis=tuple(other for other in axes if other != axis)).var() / total) for axis in axes
    ]


def _complete(space: Space, points: Sequence[Reached]) -> np.ndarray | None:
    """The accuracies of a grid as a table; None where it has gaps, or settings are ranges."""
    axes = [axis for axis in space if isinstance(axis, Axis)]
    if len(axes) < len(space):
        return None
    table = np.full([len(axis.values) for axis in axes], np.nan)
    for settings, accuracy in points:
        table[tuple(_place(axis, settings[axis.key]) for axis in axes)] = accuracy
    return table if np.isfinite(table).all() else None


def _fanova(space: Space, points: Sequence[Reached]) -> dict[str, float]:
    from optuna import create_study, logging
    from optuna.importance import FanovaImportanceEvaluator
    from optuna.trial import create_trial

    distributions = {axis.key: _distribution(axis) for axis in space}
    trials = [
        create_trial(
            params={axis.key: _param(axis, settings[axis.key]) for axis in space},
            distributions=distributions,
            value=accuracy,
        )
        for settings, accuracy in points
    ]
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.WARNING)  # lest it say on stderr that it has made a study
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that parts of Optuna are experimental
            study = create_study(direction="maximize")
            study.add_trials(trials)
            found = FanovaImportanceEvaluator(n_trees=_TREES, seed=0).evaluate(study)
    finally:
        logging.set_verbosity(verbosity)
    return {axis.key: float(found[axis.key]) for axis in space}


def _distribution(axis: Axis | Span) -> BaseDistribution:
    """A setting as fANOVA takes it: a logarithm as such, for it looks at every unit alike."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(axis, Span):
        if axis.is_whole:
            return IntDistribution(int(axis.low), int(axis.high))
        ends = (axis.low, axis.high)
        low, high = map(math.log, ends) if axis.is_logarithmic else ends
        return FloatDistribution(low, high)
    if numbers_of(axis.values) is not None:
        return IntDistribution(0, len(axis.values) - 1)
    return CategoricalDistribution([str(place) for place in range(len(axis.values))])


def _param(axis: Axis | Span, value: Any) -> Any:
    if isinstance(axis, Span):
        return math.log(value) if axis.is_logarithmic else value
    numbers = numbers_of(axis.values)
    if numbers is None:
        return str(_place(axis, value))
    return sorted(numbers).index(numbers[_place(axis, value)])


def numbers_of(values: Sequence[Any]) -> list[float] | None:
    """Values that are all numbers; None where one is something else, such as true."""
    numbers = [each for each in values if isinstance(each, int | float) and not isinstance(each, bool)]
    return [float(each) for each in numbers] if len(numbers) == len(values) else None


def _place(axis: Axis, value: Any) -> int:
    return [value_text(each) for each in axis.values].index(value_text(value))  # 1 is not true
