"""How much better one experiment is than another, seed by seed, and the phrases that say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from cnnlab.comparison.outcomes import Outcome

TIE_TOLERANCE = 1e-9
"""Accuracies closer than this are equal but for rounding: one image in a billion."""


@dataclass(frozen=True)
class Advantage:
    """How far the test accuracy of `better` lies above that of `worse`, seed by seed."""

    better: Outcome
    worse: Outcome
    differences: tuple[float, ...]  # one per seed; with folds, per seed and fold

    @property
    def mean(self) -> float:
        return fmean(self.differences)

    @property
    def tied(self) -> bool:
        return abs(self.mean) <= TIE_TOLERANCE

    @property
    def wins(self) -> int:
        return sum(each > TIE_TOLERANCE for each in self.differences)

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
    """The test accuracy of each of these seeds; with folds, seed by seed, fold by fold."""
    runs = zip(outcome.records, outcome.test_accuracy.values, strict=True)
    by_seed: dict[int, list[float]] = {}
    for record, accuracy in runs:
        by_seed.setdefault(record.seed, []).append(accuracy)
    return [accuracy for seed in seeds for accuracy in by_seed[seed]]


def advantage_of(better: Outcome, worse: Outcome, seeds: Sequence[int]) -> Advantage:
    """The advantage of one experiment over another in these seeds; its mean is negative for the worse one."""
    pairs = zip(accuracies(better, seeds), accuracies(worse, seeds), strict=True)
    return Advantage(better, worse, tuple(above - below for above, below in pairs))


def runs_counted(outcome: Outcome, seeds: Sequence[int], which: str = "") -> str:
    """3 seeds, 5 folds, or 30 runs (6 seeds × 5 folds); `which` goes before the noun: "common ", or none."""
    if outcome.folds is None:
        return f"{len(seeds)} {which}seeds"
    if len(seeds) == 1:
        return f"{outcome.folds} folds"
    runs = len(seeds) * outcome.folds
    return f"{runs} {which}runs ({len(seeds)} seeds × {outcome.folds} folds)"


def predicate(advantage: Advantage, which: str) -> str:
    """Such as "outperforms dnn in 3 of 3 seeds, by 1.62 percentage points on average".

    `which` goes before "seeds": "common ", or nothing.
    """
    name, number = advantage.worse.name, len(advantage.differences)
    if advantage.tied:
        return f"is tied with {name}"
    margin = percentage_points(advantage.mean)
    if number == 1:
        return f"outperforms {name} by {margin}"
    seeds = range(number // (advantage.worse.folds or 1))
    wins = f"in {advantage.wins} of {runs_counted(advantage.worse, seeds, which)}"
    if 2 * advantage.wins <= number:
        return f"outperforms {name} by {margin} on average, but only {wins}"
    return f"outperforms {name} {wins}, by {margin} on average"


def mean_accuracy(outcome: Outcome, seeds: Sequence[int]) -> str:
    """Such as "98.10% on average over 3 seeds"."""
    reached = accuracies(outcome, seeds)
    accuracy = f"{fmean(reached):.2%}"
    return accuracy if len(reached) == 1 else f"{accuracy} on average over {runs_counted(outcome, seeds)}"


def listed(names: Sequence[str]) -> str:
    """a, b and c"""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def p_text(p: float) -> str:
    """p = 0.031, or p < 0.001."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def signed(value: float) -> str:
    """1.49, or −0.31: two decimals, with a minus sign where there is one."""
    text = f"{abs(value):.2f}"
    return text if value >= 0 or float(text) == 0 else f"−{text}"


def percentage_points(difference: float) -> str:
    """0.0162 → 1.62 percentage points"""
    number = "less than 0.01" if difference < 0.00005 else f"{100 * difference:.2f}"
    return f"{number} percentage points"


def interval_text(interval: tuple[float, float]) -> str:
    """(-0.0061, 0.0081) → −0.61 to 0.81, in percentage points"""
    return " to ".join(signed(100 * end) for end in interval)


def parameter_clause(better: Outcome, worse: Outcome) -> str:
    """Such as ", with 15% of its parameters"."""
    if better.params == worse.params:
        return ", with the same number of parameters"
    if worse.params == 0:
        return ""
    ratio = better.params / worse.params
    if 0.95 <= ratio <= 1.05:
        return ", with about the same number of parameters"
    if ratio < 1:
        share = f"{100 * ratio:.0f}" if ratio >= 0.095 else f"{100 * ratio:.2g}"
        return f", with {share}% of its parameters"
    return (
        f", with {ratio:.0f} times its parameters"
        if ratio >= 9.5
        else f", with {ratio:.1f} times its parameters"
    )
