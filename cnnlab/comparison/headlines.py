"""A comparison in one plain sentence, which claims no more than was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from cnnlab.comparison.comparing import Comparison, Outcome
from cnnlab.comparison.experiments import seeds_text

_LEVEL = 1e-9  # closer than this is rounding, not a difference: one of a billion images


@dataclass(frozen=True)
class _Lead:
    """How far the test accuracy of `ahead` lies above that of `behind`, seed by seed."""

    ahead: Outcome
    behind: Outcome
    differences: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.differences)

    @property
    def level(self) -> bool:
        return abs(self.mean) <= _LEVEL

    @property
    def wins(self) -> int:
        return sum(each > _LEVEL for each in self.differences)

    @property
    def unanimous(self) -> bool:
        return self.wins == len(self.differences)


def headline(comparison: Comparison) -> str:
    """Who is ahead of whom in test accuracy, in how many seeds, and by how much.

    Only seeds that all experiments have in common are set against each other. No test of significance
    stands behind the sentence; where one seed, or seeds that disagree, are all there is, it says so.
    """
    outcomes = comparison.experiments
    seeds = [seed for seed in outcomes[0].seeds if all(seed in outcome.seeds for outcome in outcomes)]
    if not seeds:
        means = ", ".join(
            f"{each.name} (seeds {seeds_text(each.seeds)}) {100 * each.test_accuracy.mean:.2f} %"
            for each in _ranked(outcomes)
        )
        return f"No seed is common to all, so nothing is paired; mean test accuracies: {means}."
    best, *others = _ranked(outcomes, seeds)
    leads = [_lead(best, other, seeds) for other in others]
    which = "" if all(len(each.seeds) == len(seeds) for each in outcomes) else "common "
    if all(lead.level for lead in leads):
        claim = f"{_listed([each.name for each in outcomes])} are level at {_average(best, seeds)}"
    elif len(leads) == 1:
        claim = f"{best.name} is {_ahead(leads[0], which)}{_parameters(best, others[0])}"
    else:
        rank = "among the best" if any(lead.level for lead in leads) else "best"
        claim = (
            f"{best.name} is {rank} of {len(outcomes)}: {'; '.join(_ahead(lead, which) for lead in leads)}"
        )
    if len(seeds) == 1:
        return f"{claim}; one {which}seed: run more (--seeds 0-4) before you believe it."
    doubtful = [lead.behind.name for lead in leads if not lead.level and not lead.unanimous]
    if not doubtful:
        return f"{claim}."
    about = "" if len(leads) == 1 else f" about {_listed(doubtful)}"
    return f"{claim}; the seeds disagree{about}: run more before you believe it."


def _ranked(outcomes: Sequence[Outcome], seeds: Sequence[int] | None = None) -> list[Outcome]:
    """From the most accurate down; over `seeds`, or each over its own."""
    return sorted(outcomes, key=lambda outcome: -fmean(_accuracies(outcome, seeds or outcome.seeds)))


def _accuracies(outcome: Outcome, seeds: Sequence[int]) -> list[float]:
    by_seed = dict(zip(outcome.seeds, outcome.test_accuracy.values, strict=True))
    return [by_seed[seed] for seed in seeds]


def _lead(ahead: Outcome, behind: Outcome, seeds: Sequence[int]) -> _Lead:
    pairs = zip(_accuracies(ahead, seeds), _accuracies(behind, seeds), strict=True)
    return _Lead(ahead, behind, tuple(above - below for above, below in pairs))


def _ahead(lead: _Lead, which: str) -> str:
    """Such as "ahead of dnn in 3 of 3 seeds, by 1.62 points on average"."""
    name, number = lead.behind.name, len(lead.differences)
    if lead.level:
        return f"level with {name}"
    if number == 1:
        return f"ahead of {name} by {_points(lead.mean)}"
    wins = f"in {lead.wins} of {number} {which}seeds"
    if 2 * lead.wins <= number:
        return f"ahead of {name} by {_points(lead.mean)} on average, yet only {wins}"
    return f"ahead of {name} {wins}, by {_points(lead.mean)} on average"


def _average(outcome: Outcome, seeds: Sequence[int]) -> str:
    accuracy = f"{100 * fmean(_accuracies(outcome, seeds)):.2f} %"
    return accuracy if len(seeds) == 1 else f"{accuracy} on average over {len(seeds)} seeds"


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _points(difference: float) -> str:
    points = 100 * difference
    return "less than 0.01 points" if points < 0.005 else f"{points:.2f} points"


def _parameters(ahead: Outcome, behind: Outcome) -> str:
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
