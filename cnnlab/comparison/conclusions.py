"""A comparison in a few plain sentences, which claim no more than was observed."""

from __future__ import annotations

from cnnlab.comparison.advantages import (
    advantage_of,
    listed,
    mean_accuracy,
    parameter_clause,
    predicate,
    ranked,
    shared_seeds,
)
from cnnlab.comparison.comparing import ComparedOutcomes
from cnnlab.comparison.experiments import seeds_named
from cnnlab.comparison.outcomes import Outcome
from cnnlab.comparison.power import fewest_pairs
from cnnlab.comparison.verdicts import is_significant, verdict


def ranking(comparison: ComparedOutcomes) -> str:
    """Which experiment has the highest test accuracy, in how many seeds, and by how much.

    Only seeds that all experiments have in common are compared. Where there is only one seed, or the seeds
    disagree and their test does not find the difference significant, the sentences say so.
    """
    outcomes = comparison.experiments
    seeds = shared_seeds(outcomes)
    if not seeds:
        means = ", ".join(
            f"{each.name} ({seeds_named(each.seeds)}) {each.test_accuracy.mean:.2%}"
            for each in ranked(outcomes)
        )
        return (
            "The experiments have no seed in common, so their runs cannot be paired; "
            f"mean test accuracies: {means}."
        )
    best, *others = ranked(outcomes, seeds)
    advantages = [advantage_of(best, other, seeds) for other in others]
    which = "" if all(len(each.seeds) == len(seeds) for each in outcomes) else "common "
    if all(each.tied for each in advantages):
        claim = f"{listed([each.name for each in outcomes])} are tied at {mean_accuracy(best, seeds)}"
    elif len(advantages) == 1:
        claim = f"{best.name} {predicate(advantages[0], which)}{parameter_clause(best, others[0])}"
    else:
        rank = "among the best" if any(each.tied for each in advantages) else "the best"
        clauses = "; it ".join(predicate(each, which) for each in advantages)
        claim = f"{best.name} is {rank} of {len(outcomes)}: it {clauses}"
    if len(seeds) == 1 and best.folds is None:
        enough = f"--seeds 0-{fewest_pairs(len(comparison.pairs)) - 1}"
        return f"{claim}. A single {which}seed proves little; train more seeds ({enough})."
    clear = {frozenset((pair.a.name, pair.b.name)) for pair in comparison.pairs if is_significant(pair)}
    doubtful = [
        each.worse.name
        for each in advantages
        if not (each.tied or each.unanimous or frozenset((best.name, each.worse.name)) in clear)
    ]
    # The verdicts on folds, and those that a rule has stopped, say what would help.
    if not doubtful or best.folds is not None or any(pair.stopping for pair in comparison.pairs):
        return f"{claim}."
    about = "" if len(advantages) == 1 else f" about {listed(doubtful)}"
    return f"{claim}. The seeds disagree{about}; train more seeds before drawing a conclusion."


def conclusion(comparison: ComparedOutcomes) -> tuple[str, ...]:
    """What the comparison shows, in paragraphs.

    Two experiments: their verdict. More: the ranking, then the verdict on the best and each of the others.
    Finally, the seeds with which a network failed to learn.
    """
    warnings = [_unlearned(each) for each in comparison.experiments if each.unlearned_seeds]
    if len(comparison.experiments) == 2 and comparison.pairs:
        return verdict(comparison.pairs[0]), *warnings
    best = ranked(comparison.experiments, shared_seeds(comparison.experiments))[0]
    verdicts = [verdict(pair) for pair in comparison.pairs if best in (pair.a, pair.b)]
    return ranking(comparison), *verdicts, *warnings


def _unlearned(outcome: Outcome) -> str:
    seeds = outcome.unlearned_seeds
    failure = f"{outcome.name} failed to learn with {seeds_named(seeds)}"
    guessing = (
        "its accuracy on training and test images is no better than that of always predicting the most "
        "frequent class."
    )
    if len(seeds) == len(outcome.seeds):
        return f"{failure}: {guessing}"
    return (
        f"{failure} ({len(seeds)} of {len(outcome.seeds)}): {guessing} The mean and the intervals mix runs "
        "that learned with runs that did not. Such failures are a finding in themselves; try a lower "
        "learning rate or another initialization."
    )
