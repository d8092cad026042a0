"""A fair duel: widen or narrow one network until it costs what the other does."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import ShapeError, UserError, unknown
from cnnlab.jobs import Jobs

Budget = Literal["parameters", "macs", "seconds"]
BUDGETS: tuple[Budget, ...] = ("parameters", "macs", "seconds")

CLOSE_ENOUGH = 0.05
"""Measured seconds vary by about as much from one moment to the next."""

_MEASUREMENTS = 8
_WIDEST = 2.0**16  # times its width: nobody means that
_NUDGES = (-3, -2, -1, 1, 2, 3)


@dataclass(frozen=True)
class Match:
    """A network resized to a budget."""

    config: ExperimentConfig  # the resized one, under a name of its own
    original: ExperimentConfig
    reference: ExperimentConfig
    budget: Budget
    wanted: float  # what the reference costs
    reached: float
    widths: tuple[tuple[int, int], ...]  # of each resized layer: before and after

    def __str__(self) -> str:
        """Such as "dnn_parameters_of_cnn is dnn with widths 500, 500, 500 → 138, 138, 137: 137,660 …"."""
        before, after = (", ".join(str(pair[place]) for pair in self.widths) for place in (0, 1))
        unit = {"parameters": "parameters", "macs": "MACs", "seconds": "s of training"}[self.budget]
        decimals = 1 if self.budget == "seconds" else 0
        off = f"{self.reached / self.wanted - 1:+.2%}".replace("-", "−")
        return (
            f"{self.config.name} is {self.original.name} with widths {before} → {after}: "
            f"{self.reached:,.{decimals}f} {unit} against {self.wanted:,.{decimals}f} of "
            f"{self.reference.name} ({off})"
        )

    def as_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "name": self.config.name,
            "resized": self.original.name,
            "reference": self.reference.name,
            "budget": self.budget,
            "wanted": self.wanted,
            "reached": self.reached,
            "widths": [list(pair) for pair in self.widths],
        }


def match(
    configs: Sequence[ExperimentConfig], budget: Budget, *, jobs: Jobs, resize: str | None = None
) -> Match:
    """Resize one of two networks so that it costs what the other does.

    All widths (units of Dense, filters of convolutions, the output layer's aside) are multiplied by one
    factor; then single layers are nudged by up to three, where that comes closer. Parameters and MACs are
    those of `cnnlab summary`; seconds are measured over a few steps of both networks.

    Args:
        resize: the name of the network to resize; by default the one without convolutions.

    Raises:
        UserError: not two networks, unclear which is to be resized, or the budget cannot be met.
    """
    if len(configs) != 2:
        raise UserError(f"--match: expected two experiments given as configs, found {len(configs)}")
    original, reference = _roles(configs, resize)
    before = _widths(original)
    if not before:
        raise UserError(f"--match: {original.name} has no layer to widen or narrow but its output")
    name = f"{original.name}_{budget}_of_{reference.name}"[:100]
    if budget == "seconds":
        wanted = jobs.rehearse(reference).seconds
        after, reached = _by_seconds(original, before, wanted, lambda config: jobs.rehearse(config).seconds)
    else:
        cost = _parameters if budget == "parameters" else _macs
        wanted = cost(reference)
        after = _by_arithmetic(original, before, wanted, cost)
        reached = cost(_resized(original, after))
    config = _resized(original, after).model_copy(update={"name": name})
    return Match(config, original, reference, budget, wanted, reached, tuple(zip(before, after, strict=True)))


def _roles(
    configs: Sequence[ExperimentConfig], resize: str | None
) -> tuple[ExperimentConfig, ExperimentConfig]:
    """Which is to be resized, and which stays."""
    a, b = configs
    if resize is not None:
        if resize not in (a.name, b.name):
            raise unknown("experiment to resize:", resize, (a.name, b.name))
        return (a, b) if a.name == resize else (b, a)
    convolving = [any("Conv" in row.type for row in config.architecture.rows) for config in configs]
    if convolving[0] == convolving[1]:
        raise UserError(
            f"--match: which of {a.name} and {b.name} is to be resized? Say so with --resize NAME"
        )
    return (b, a) if convolving[0] else (a, b)


def _parameters(config: ExperimentConfig) -> float:
    return config.architecture.total_params


def _macs(config: ExperimentConfig) -> float:
    return config.architecture.macs


def _by_arithmetic(
    config: ExperimentConfig,
    before: Sequence[int],
    wanted: float,
    cost: Callable[[ExperimentConfig], float],
) -> list[int]:
    """The widths whose cost is closest to what is wanted."""

    def off(widths: Sequence[int]) -> float:
        try:
            return cost(_resized(config, widths)) - wanted
        except (ShapeError, ValidationError):  # branches that no longer fit, groups that do not divide
            return math.inf

    if off(_scaled(before, 0)) > 0:
        raise UserError(
            f"--match: {config.name} cannot be narrowed so far: {wanted:,.0f} is too little for it"
        )
    low, high = 0.0, 1.0
    while off(_scaled(before, high)) < 0:
        low, high = high, 2 * high
        if high > _WIDEST:
            raise UserError(f"--match: {config.name} does not reach {wanted:,.0f}, however wide it is")
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if off(_scaled(before, middle)) <= 0 else (low, middle)
    best = min((_scaled(before, low), _scaled(before, high)), key=lambda widths: abs(off(widths)))
    for _ in range(3):  # once around rarely is enough, three times always was
        for place in range(len(best)):
            nudged = [[*best[:place], best[place] + by, *best[place + 1 :]] for by in _NUDGES]
            best = min([best, *(each for each in nudged if each[place] > 0)], key=lambda each: abs(off(each)))
    return best


def _by_seconds(
    config: ExperimentConfig,
    before: Sequence[int],
    wanted: float,
    measure: Callable[[ExperimentConfig], float],
) -> tuple[list[int], float]:
    """The widths, of a few that are measured, whose seconds come closest, and these seconds."""
    low, high, factor = 0.0, math.inf, 1.0
    tried: list[tuple[float, list[int], float]] = []  # how far off, widths, seconds
    for _ in range(_MEASUREMENTS):
        widths = _scaled(before, factor)
        seconds = measure(_resized(config, widths))
        tried.append((abs(math.log(seconds / wanted)), widths, seconds))
        if tried[-1][0] <= CLOSE_ENOUGH:
            break
        if seconds < wanted:
            low = factor
        else:
            high = factor
        factor = 2 * factor if high == math.inf else math.sqrt(low * high) if low else factor / 4
    _, widths, seconds = min(tried)
    return widths, seconds


def _scaled(widths: Sequence[int], factor: float) -> list[int]:
    return [max(1, round(factor * width)) for width in widths]


def _widths(config: ExperimentConfig) -> list[int]:
    """The width of every layer that has one, in order; the last one is the output and stays."""
    return [fields[key] for fields, key in _sized(config.plain()["model"]["layers"])][:-1]


def _resized(config: ExperimentConfig, widths: Sequence[int]) -> ExperimentConfig:
    data = config.plain()
    for (fields, key), width in zip(_sized(data["model"]["layers"]), widths, strict=False):
        fields[key] = width
    resized = ExperimentConfig.model_validate(data)
    _ = resized.architecture  # raises where the layers no longer fit together
    return resized


def _sized(layers: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """The fields of every layer that has units or filters, inside blocks too, with the key of its width."""
    if isinstance(layers, list):
        for each in layers:
            yield from _sized(each)
    elif isinstance(layers, dict):
        for key, value in layers.items():
            if key in ("units", "filters") and isinstance(value, int):
                yield layers, key
            else:
                yield from _sized(value)
