"""What a sweep varies, as Optuna has it: a value is a category with its text as name, a range is a range."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnnlab.config.axes import Axis, Span, value_text

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import RandomSampler, TPESampler
    from optuna.trial import Trial

Space = Sequence[Axis | Span]

DIGITS = 4
"""Significant digits of a number that is drawn from a range: what a table shows is what was trained."""

MOST_REPEATED = 20
"""So many proposals in a row that have been tried already, and another way is taken."""

MOST_VALUES = 1_000_000
"""Whole numbers of a range that is not taken for endless."""

MOST_CHECKED = 256
"""Combinations that are checked before anything is trained, where there are too many to check all."""


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """By key what Optuna is to draw."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    def one(axis: Axis | Span) -> BaseDistribution:
        if isinstance(axis, Axis):
            return CategoricalDistribution(_names(axis))
        if axis.is_whole:
            return IntDistribution(int(axis.low), int(axis.high))
        return FloatDistribution(axis.low, axis.high, log=axis.is_logarithmic)

    return {axis.key: one(axis) for axis in space}


def settings_of(space: Space, params: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that Optuna's parameters mean."""
    return {axis.key: _value(axis, params[axis.key]) for axis in space}


def params_of(space: Space, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Optuna's parameters of settings."""
    return {
        axis.key: value_text(settings[axis.key]) if isinstance(axis, Axis) else settings[axis.key]
        for axis in space
    }


def settings_text(settings: Mapping[str, Any]) -> str:
    """training.batch_size=32, training.epochs=3"""
    return ", ".join(f"{key}={value_text(value)}" for key, value in settings.items())


def size(space: Space) -> int | None:
    """How many combinations there are; None where a range has more than could ever be tried."""
    sizes = [_values_of(axis) for axis in space]
    known = [len(each) for each in sizes if each is not None]
    return math.prod(known) if len(known) == len(sizes) else None


def representative(space: Space) -> Iterator[dict[str, Any]]:
    """Every combination of values and of ends of ranges; of very many, a sample that is always the same."""
    axes: list[tuple[str, Sequence[Any]]] = [
        (axis.key, axis.values if isinstance(axis, Axis) else (axis.low, axis.high)) for axis in space
    ]
    count = math.prod(len(values) for _, values in axes)
    places = range(count) if count <= MOST_CHECKED else random.Random(0).sample(range(count), MOST_CHECKED)
    return (_combination(axes, place) for place in places)


def suggested(trial: Trial, space: Space, sampler: type[RandomSampler | TPESampler], seed: int) -> None:
    """Let a sampler give a trial its parameters, those that it does not have yet.

    What is drawn at once, and what is drawn for each, has random numbers of its own: a trial that was
    interrupted meanwhile is completed as if nothing had happened.
    """
    trial.study.sampler = sampler(seed=number_of(seed, trial.number))
    _ = trial.relative_params  # drawn when it is first looked at, for all of them
    for axis, distribution in zip(space, distributions(space).values(), strict=True):
        trial.study.sampler = sampler(seed=number_of(seed, trial.number, axis.key))
        trial._suggest(axis.key, distribution)


def drawn(space: Space, seed: int) -> Iterator[dict[str, Any]]:
    """Different combinations, drawn at random, as long as there are any."""
    from optuna import create_study, logging
    from optuna.samplers import RandomSampler

    before = logging.get_verbosity()
    logging.set_verbosity(logging.WARNING)  # it would tell of its study
    study = create_study()
    logging.set_verbosity(before)
    tried: set[str] = set()
    repeated, total = 0, size(space)
    while len(tried) != total:
        if repeated < MOST_REPEATED:
            trial = study.ask()
            suggested(trial, space, RandomSampler, seed)
            settings = settings_of(space, trial.params)
        elif total is None:
            return
        else:
            settings = untried(space, tried, number_of(seed, len(tried), "untried"))
        repeated += 1
        if (text := settings_text(settings)) not in tried:
            tried.add(text)
            repeated = 0
            yield settings


def untried(space: Space, tried: Container[str], seed: int) -> dict[str, Any]:
    """A combination that is not among those tried, drawn at random; there must be one.

    Args:
        space: one that is finite.
        tried: their texts.
    """
    axes = [(axis.key, values) for axis in space if (values := _values_of(axis)) is not None]
    count, generator = math.prod(len(values) for _, values in axes), random.Random(seed)
    while True:
        settings = _combination(axes, generator.randrange(count))
        if settings_text(settings) not in tried:
            return settings


def number_of(*parts: object) -> int:
    """32 bits that follow from the parts: a seed."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:4], "big")


def _combination(axes: Sequence[tuple[str, Sequence[Any]]], place: int) -> dict[str, Any]:
    """One of all combinations, the last axis changing fastest."""
    settings = {}
    for key, values in reversed(axes):
        place, each = divmod(place, len(values))
        settings[key] = values[each]
    return {key: settings[key] for key, _ in axes}


def _names(axis: Axis) -> list[str]:
    """The categories; `space_of` refuses values whose texts are equal."""
    return [value_text(value) for value in axis.values]


def _value(axis: Axis | Span, param: Any) -> Any:
    if isinstance(axis, Axis):
        return axis.values[_names(axis).index(param)]
    if axis.is_whole:
        return int(param)
    return min(max(float(f"{param:.{DIGITS}g}"), float(axis.low)), float(axis.high))


def _values_of(axis: Axis | Span) -> Sequence[Any] | None:
    """All that it can be; None where that is more than could ever be tried."""
    if isinstance(axis, Axis):
        return axis.values
    if axis.high - axis.low > MOST_VALUES:
        return None
    return range(int(axis.low), int(axis.high) + 1) if axis.is_whole else None
