"""Who is ahead of whom, seed by seed, and the words for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from cnnlab.comparison.outcomes import Outcome

LEVEL = 1e-9  # closer than this is rounding, not a difference: one of a billion images


@dataclass(frozen=True)
class Advantage:
    """How far the test accuracy of `ahead` lies above that of `behind`, seed by seed."""

    ahead: Outcome
    behind: Outcome
    differences: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.differences)

    @property
    def level(self) -> bool:
        return abs(self.mean) <= LEVEL

    @property
    def wins(self) -> int:
        return sum(each > LEVEL for each in self.differences)

    @property
    def unanimous(self) -> bool:
        return self.wins == len(self.differences)


def shared_seeds(outcomes: Sequence[Outcome]) -> tuple[int, ...]:
    """The seeds that all have in common, ascending."""
    return tuple(seed for seed in outcomes[0].seeds if all(seed in outcome.seeds for outcome in outcomes))


def ranked(outcomes: Sequence[Outcome], seeds: Sequence[int] | None = None) -> list[Outcome]:
    """From the most accurate down; over `seeds`, or where there are none each over its own."""
    return sorted(outcomes, key=lambda outcome: -fmean(accuracies(outcome, seeds or outcome.seeds)))


def accuracies(outcome: Outcome, seeds: Sequence[int]) -> list[float]:
    """The test accuracy of each of these seeds."""
    by_seed = dict(zip(outcome.seeds, outcome.test_accuracy.values, strict=True))
    return [by_seed[seed] for seed in seeds]


def advantage_of(ahead: Outcome, behind: Outcome, seeds: Sequence[int]) -> Advantage:
    """The lead of one experiment over another in these seeds; negative where it is behind."""
    pairs = zip(accuracies(ahead, seeds), accuracies(behind, seeds), strict=True)
    return Advantage(ahead, behind, tuple(above - below for above, below in pairs))


def ahead(lead: Advantage, which: str) -> str:
    """Such as "ahead of dnn in 3 of 3 seeds, by 1.62 points on average"."""
    name, number = lead.behind.name, len(lead.differences)
    if lead.level:
        return f"level with {name}"
    if number == 1:
        return f"ahead of {name} by {points(lead.mean)}"
    wins = f"in {lead.wins} of {number} {which}seeds"
    if 2 * lead.wins <= number:
        return f"ahead of {name} by {points(lead.mean)} on average, yet only {wins}"
    return f"ahead of {name} {wins}, by {points(lead.mean)} on average"


def average(outcome: Outcome, seeds: Sequence[int]) -> str:
    """Such as "98.10 % on average over 3 seeds"."""
    accuracy = f"{100 * fmean(accuracies(outcome, seeds)):.2f} %"
    return accuracy if len(seeds) == 1 else f"{accuracy} on average over {len(seeds)} seeds"


def listed(names: Sequence[str]) -> str:
    """a, b and c"""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def points(difference: float) -> str:
    """0.0162 → 1.62 points"""
    return "less than 0.01 points" if difference < 0.00005 else f"{100 * difference:.2f} points"


def parameters(ahead: Outcome, behind: Outcome) -> str:
    """Such as ", with 15 % of its parameters"."""
    if ahead.params == behind.params:
        return ", with as many parameters"
    if behind.params == 0:
        return ""
    ratio = ahead.params / behind.params
    if 0.95 <= ratio <= 1.05:
        return ", with about as many parameters"
    if ratio < 1:
        share = f"{100 * ratio:.0f}" if ratio >= 0.095 else f"{100 * ratio:.2g}"
        return f", with {share} % of its parameters"
    return (
        f", with {ratio:.0f} times its parameters"
        if ratio >= 9.5
        else f", with {ratio:.1f} times its parameters"
    )
