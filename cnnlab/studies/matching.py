"""A fair duel: widen or narrow one network until it costs what the other does."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import ValidationError

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import ShapeError, UserError, unknown
from cnnlab.studies.widths import WidthGroup, resized, shape_problem, width_groups, widths_of

if TYPE_CHECKING:
    from cnnlab.training.costs import CostEstimate

CostEstimator: TypeAlias = "Callable[[ExperimentConfig], CostEstimate]"

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
        before, after = (_listed([pair[place] for pair in self.widths]) for place in (0, 1))
        unit = {"parameters": "parameters", "macs": "MACs", "seconds": "s of training steps"}[self.budget]
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


def match_budget(
    configs: Sequence[ExperimentConfig],
    budget: Budget,
    *,
    estimate_cost: CostEstimator,
    resize: str | None = None,
) -> Match:
    """Resize one of two networks so that it costs what the other does.

    All widths (units of Dense, filters of convolutions, the output layer's aside) are multiplied by one
    factor; then single layers are nudged by up to three, where that comes closer. Widths of branches that
    meet stay alike, and groups keep dividing theirs. Parameters and MACs are those of `cnnlab summary`;
    seconds are those of all training steps, measured on a few of both networks.

    Args:
        estimate_cost: measures what a run will cost; see `Jobs.cost_estimates`. Called for seconds only.
        resize: the name of the network to resize; by default the one without convolutions.

    Raises:
        UserError: not two networks, unclear which is to be resized, or the budget cannot be met.
    """
    if len(configs) != 2:
        raise UserError(f"--match: expected two experiments given as configs, found {len(configs)}")
    original, reference = _roles(configs, resize)
    if budget != "seconds":
        return match_arithmetic(original, reference, budget)
    before, groups = _changeable(original, reference)
    after, reached, wanted = _by_seconds(original, reference, before, groups, estimate_cost)
    return _matched(original, reference, budget, before, after, reached=reached, wanted=wanted)


def match_arithmetic(
    original: ExperimentConfig, reference: ExperimentConfig, budget: Literal["parameters", "macs"]
) -> Match:
    """Resize a network until it has as many parameters, or MACs, as the reference; see `match_budget`.

    Raises:
        UserError: the budget cannot be met.
    """
    before, groups = _changeable(original, reference)
    cost = _parameters if budget == "parameters" else _macs
    wanted = cost(reference)
    after = _by_arithmetic(original, before, groups, wanted, cost)
    reached = cost(resized(original, after))
    return _matched(original, reference, budget, before, after, reached=reached, wanted=wanted)


def _changeable(
    original: ExperimentConfig, reference: ExperimentConfig
) -> tuple[list[int], list[WidthGroup]]:
    """The widths of the network to resize, and how they can be changed.

    Raises:
        UserError: they cannot.
    """
    if original.model.keras is not None:
        raise UserError(
            f"--match: {original.name} is a Keras model, whose widths stay as they are; "
            f"resize the other one with --resize {reference.name}"
        )
    before = widths_of(original)
    if not before:
        raise UserError(f"--match: {original.name} has no layer to widen or narrow but its output")
    groups = width_groups(original)
    if not groups:
        problem = shape_problem(original, [before[0] + 1, *before[1:]])
        raise UserError(f"--match: no width of {original.name} can be changed: {problem}")
    return before, groups


def _matched(
    original: ExperimentConfig,
    reference: ExperimentConfig,
    budget: Budget,
    before: Sequence[int],
    after: Sequence[int],
    *,
    reached: float,
    wanted: float,
) -> Match:
    name = f"{original.name}_{budget}_of_{reference.name}"[:100]
    config = resized(original, after).model_copy(update={"name": name})
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
    convolving = [any(node.layer.is_convolution for node in config.nodes) for config in configs]
    if convolving[0] == convolving[1]:
        raise UserError(
            f"--match: which of {a.name} and {b.name} is to be resized? choose one with --resize NAME"
        )
    return (b, a) if convolving[0] else (a, b)


def _parameters(config: ExperimentConfig) -> float:
    return config.architecture.total_params


def _macs(config: ExperimentConfig) -> float:
    macs = config.architecture.macs
    if macs is None:
        row = next(row for row in config.architecture.rows if row.macs is None)
        raise UserError(
            f"--match: the MACs of {config.name} are not known: cnnlab does not count those of {row.name} "
            f"({row.type}); match parameters or seconds instead"
        )
    return macs


def _by_arithmetic(
    config: ExperimentConfig,
    before: Sequence[int],
    groups: Sequence[WidthGroup],
    wanted: float,
    cost: Callable[[ExperimentConfig], float],
) -> list[int]:
    """The widths whose cost is closest to what is wanted."""

    def off(widths: Sequence[int]) -> float:
        return cost(_fitting(config, widths)) - wanted

    def scaled(factor: float) -> list[int]:
        return _scaled(before, groups, factor)

    narrowest = scaled(0)
    if off(narrowest) > 0:
        raise UserError(
            f"--match: {config.name} cannot be narrowed so far: {wanted:,.0f} is too little for it; "
            f"with widths {_listed(narrowest)} it has {off(narrowest) + wanted:,.0f}"
        )
    low, high = 0.0, 1.0
    while off(scaled(high)) < 0:
        low, high = high, 2 * high
        if high > _WIDEST:
            raise UserError(f"--match: {config.name} does not reach {wanted:,.0f}, however wide it is")
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if off(scaled(middle)) <= 0 else (low, middle)
    best = min((scaled(low), scaled(high)), key=lambda widths: abs(off(widths)))
    for _ in range(3):  # once around rarely is enough, three times always was
        for group in groups:
            nudged = [each for by in _NUDGES if min(each := group.changed(best, by)) > 0]
            best = min([best, *nudged], key=lambda each: abs(off(each)))
    return best


def _by_seconds(
    config: ExperimentConfig,
    reference: ExperimentConfig,
    before: Sequence[int],
    groups: Sequence[WidthGroup],
    estimate_cost: CostEstimator,
) -> tuple[list[int], float, float]:
    """The widths, of a few that are measured, whose seconds come closest, and what both networks took.

    Both are measured in turn, each time: the machine may be busier now than a minute ago.
    """
    below: tuple[float, float] | None = None  # logarithms of a factor and of the seconds it takes, which are
    above: tuple[float, float] | None = None  # too few, or too many; the reference's count as 1
    place = 0.0
    tried: list[tuple[float, list[int], float, float]] = []  # how far off, widths, seconds, the reference's
    for _ in range(_MEASUREMENTS):
        widths = _scaled(before, groups, math.exp(place))
        if any(widths == each for _, each, _, _ in tried):  # there is nothing between
            break
        wanted = _seconds(estimate_cost(reference), reference)
        fitting = _fitting(config, widths)
        seconds = _seconds(estimate_cost(fitting), fitting)
        off = math.log(seconds / wanted)
        tried.append((abs(off), widths, seconds, wanted))
        if abs(off) <= CLOSE_ENOUGH:
            break
        if off < 0:
            below = (place, off)
        else:
            above = (place, off)
        if below and above:  # a line between them, but never so near to one that noise keeps it there
            share = min(max(below[1] / (below[1] - above[1]), 0.1), 0.9)
            place = below[0] + share * (above[0] - below[0])
        else:
            place += math.log(2) if below else -math.log(4)
    _, widths, seconds, wanted = min(tried)
    return widths, seconds, wanted


def _seconds(estimate: CostEstimate, config: ExperimentConfig) -> float:
    """What the training steps of a whole run take. What every start costs depends on no width."""
    return estimate.seconds_per_step * estimate.steps_per_epoch * config.training.epochs


def _scaled(widths: Sequence[int], groups: Sequence[WidthGroup], factor: float) -> list[int]:
    """All widths that can be changed times a factor."""
    scaled = list(widths)
    for group in groups:
        scaled = group.scaled(scaled, factor)
    return scaled


def _fitting(config: ExperimentConfig, widths: Sequence[int]) -> ExperimentConfig:
    """The network with these widths.

    Raises:
        UserError: it cannot have them, and why.
    """
    try:
        return resized(config, widths)
    except (ShapeError, ValidationError):
        problem = shape_problem(config, widths)
        raise UserError(
            f"--match: {config.name} cannot have the widths {_listed(widths)}: {problem}"
        ) from None


def _listed(widths: Sequence[int]) -> str:
    return ", ".join(map(str, widths))
