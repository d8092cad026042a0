"""A comparison in one plain sentence, which claims no more than was seen."""

from __future__ import annotations

from cnnlab.comparison.advantages import (
    advantage_of,
    ahead,
    average,
    listed,
    parameters,
    ranked,
    shared_seeds,
)
from cnnlab.comparison.comparing import Comparison
from cnnlab.comparison.experiments import seeds_named, seeds_text
from cnnlab.comparison.outcomes import Outcome
from cnnlab.comparison.power import fewest_pairs
from cnnlab.comparison.verdicts import verdict


def headline(comparison: Comparison) -> str:
    """Who is ahead of whom in test accuracy, in how many seeds, and by how much.

    Only seeds that all experiments have in common are set against each other. No test of significance
    stands behind the sentence; where one seed, or seeds that disagree, are all there is, it says so.
    """
    outcomes = comparison.experiments
    seeds = shared_seeds(outcomes)
    if not seeds:
        means = ", ".join(
            f"{each.name} (seeds {seeds_text(each.seeds)}) {100 * each.test_accuracy.mean:.2f} %"
            for each in ranked(outcomes)
        )
        return f"No seed is common to all, so nothing is paired; mean test accuracies: {means}."
    best, *others = ranked(outcomes, seeds)
    leads = [advantage_of(best, other, seeds) for other in others]
    which = "" if all(len(each.seeds) == len(seeds) for each in outcomes) else "common "
    if all(lead.level for lead in leads):
        claim = f"{listed([each.name for each in outcomes])} are level at {average(best, seeds)}"
    elif len(leads) == 1:
        claim = f"{best.name} is {ahead(leads[0], which)}{parameters(best, others[0])}"
    else:
        rank = "among the best" if any(lead.level for lead in leads) else "best"
        claim = f"{best.name} is {rank} of {len(outcomes)}: {'; '.join(ahead(lead, which) for lead in leads)}"
    if len(seeds) == 1:
        enough = f"--seeds 0-{fewest_pairs(len(comparison.pairs)) - 1}"
        return f"{claim}; one {which}seed: run more ({enough}) before you believe it."
    doubtful = [lead.behind.name for lead in leads if not lead.level and not lead.unanimous]
    if not doubtful:
        return f"{claim}."
    about = "" if len(leads) == 1 else f" about {listed(doubtful)}"
    return f"{claim}; the seeds disagree{about}: run more before you believe it."


def conclusion(comparison: Comparison) -> tuple[str, ...]:
    """What may be said, in paragraphs.

    Two experiments: their verdict. More: the headline, then the verdict on the best and each of the others.
    At last the seeds with which nothing was learned.
    """
    warnings = [_unlearned(each) for each in comparison.experiments if each.unlearned_seeds]
    if len(comparison.experiments) == 2 and comparison.pairs:
        return verdict(comparison.pairs[0]), *warnings
    best = ranked(comparison.experiments, shared_seeds(comparison.experiments))[0]
    verdicts = [verdict(pair) for pair in comparison.pairs if best in (pair.a, pair.b)]
    return headline(comparison), *verdicts, *warnings


def _unlearned(outcome: Outcome) -> str:
    seeds = outcome.unlearned_seeds
    which = seeds_named(seeds)
    guess = "cannot be told from always answering the most frequent class, on training and on test images"
    if len(seeds) == len(outcome.seeds):
        return f"{outcome.name} has learned nothing with {which}: it {guess}."
    return (
        f"{outcome.name} has learned nothing with {which}, {len(seeds)} of {len(outcome.seeds)}: there it "
        f"{guess}. Its mean and its intervals mix runs that learned with runs that did not. That this happens"
        " is a result of its own; a lower learning rate or another initialisation is worth a try."
    )
