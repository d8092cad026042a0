"""The widths of a network: which it has, and how they can be changed without breaking it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import ShapeError
from cnnlab.layers import LAYERS


@dataclass(frozen=True)
class WidthGroup:
    """Widths that change together, because branches meet behind them; most often just one.

    Each changes in steps of its own: by what the groups of a convolution ask for, else by one.
    """

    places: tuple[int, ...]
    steps: tuple[int, ...]

    def changed(self, widths: Sequence[int], by: int) -> list[int]:
        """The widths with this group changed by so many steps."""
        changed = list(widths)
        for place, step in zip(self.places, self.steps, strict=True):
            changed[place] += by * step
        return changed

    def scaled(self, widths: Sequence[int], factor: float) -> list[int]:
        """The widths with those of this group times a factor, as nearly as its steps allow; none below 1."""
        pairs = [(widths[place], step) for place, step in zip(self.places, self.steps, strict=True)]
        lowest = max(-((width - 1) // step) for width, step in pairs)
        width, step = pairs[0]
        return self.changed(widths, max(lowest, round((factor - 1) * width / step)))


def widths_of(config: ExperimentConfig) -> list[int]:
    """The width of every layer that has one, in order; the last one is the output and stays."""
    return [fields[key] for fields, key in _sized(config.plain()["model"]["layers"])][:-1]


def resized(config: ExperimentConfig, widths: Sequence[int]) -> ExperimentConfig:
    """The same network with other widths.

    Raises:
        ShapeError, ValidationError: its layers do not fit together then.
    """
    data = config.plain()
    for (fields, key), width in zip(_sized(data["model"]["layers"]), widths, strict=False):
        fields[key] = width
    other = ExperimentConfig.model_validate(data)
    _ = other.architecture  # raises where the layers no longer fit together
    return other


def shape_problem(config: ExperimentConfig, widths: Sequence[int]) -> str | None:
    """Why a network cannot have these widths; None where it can."""
    try:
        resized(config, widths)
    except ShapeError as error:
        return error.problem
    except ValidationError as error:
        return str(error.errors()[0]["ctx"]["message"])
    return None


def width_groups(config: ExperimentConfig) -> list[WidthGroup]:
    """All that can be changed about the widths, found by trying. A width in none of them has to stay.

    What cannot be changed alone is tried together with the others of its width, as in the branches of
    residual blocks, and at last in proportion with all the rest.
    """
    before = widths_of(config)
    steps = _divisors(math.lcm(*_groups(config.plain()["model"]["layers"])))

    def found(places: Sequence[int]) -> list[WidthGroup]:
        if not places:
            return []
        unit = math.gcd(*(before[place] for place in places))
        for step in steps:
            group = WidthGroup(tuple(places), tuple(step * before[place] // unit for place in places))
            if shape_problem(config, group.changed(before, 1)) is None:
                return [group]
        return []

    def stuck() -> list[int]:
        moved = {place for group in movable for place in group.places}
        return [place for place in range(len(before)) if place not in moved]

    movable: list[WidthGroup] = []
    for place in range(len(before)):
        movable += found([place])
    left = stuck()
    for width in sorted({before[place] for place in left}):
        movable += found([place for place in left if before[place] == width])
    return movable + found(stuck())


def _divisors(number: int) -> list[int]:
    """6 → 1, 2, 3, 6"""
    small = [each for each in range(1, math.isqrt(number) + 1) if number % each == 0]
    return sorted({*small, *(number // each for each in small)})


def _groups(layers: Any) -> Iterator[int]:
    """The `groups` of every layer that has some, inside blocks too."""
    children: Iterator[Any] = iter(())
    if isinstance(layers, list):
        children = iter(layers)
    elif isinstance(layers, dict):
        children = iter(layers.values())
        if isinstance(layers.get("groups"), int) and layers["groups"] > 1:
            yield layers["groups"]
    for each in children:
        yield from _groups(each)


def _sized(layers: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """The fields of every layer that has a width, inside blocks too, with the key of its width."""
    if isinstance(layers, list):
        for each in layers:
            yield from _sized(each)
    elif isinstance(layers, dict):
        for kind, fields in layers.items():
            width = LAYERS[kind].width_field if kind in LAYERS else None
            if width is not None:
                yield fields, width
            else:
                yield from _sized(fields)
