"""A pair in one quotable paragraph: which is better, how certain that is, and what remains open."""

from __future__ import annotations

from cnnlab.comparison.advantages import (
    Advantage,
    advantage_of,
    interval_text,
    mean_accuracy,
    p_text,
    parameter_clause,
    percentage_points,
    predicate,
)
from cnnlab.comparison.conditions import condition_sentences
from cnnlab.comparison.experiments import seeds_text
from cnnlab.comparison.image_sentences import fold_evidence, mcnemar_of_folds, other_images
from cnnlab.comparison.pairs import Pair
from cnnlab.comparison.power import ALPHA, MOST_SEEDS, fewest_pairs
from cnnlab.comparison.sentences import adjustment, sameness, settlement


def verdict(pair: Pair) -> str:
    """The verdict on two experiments.

    "Statistically significant" is said only where the sign-flip test over the seeds (adjusted, where several
    pairs are compared) and the t interval of the mean difference agree; with folds, where the corrected t
    test and its interval do. Without folds, one seed never suffices: McNemar's test on the test images then
    says that two trained networks differ, not that two architectures do.
    """
    advantage = advantage_of(pair.a, pair.b, pair.seeds)
    if advantage.mean < 0:
        advantage = advantage_of(pair.b, pair.a, pair.seeds)
    if pair.stopping is not None:
        sentences = [
            _claim(pair, advantage),
            settlement(pair, pair.stopping),
            _mcnemar_of_seeds(pair),
            other_images(pair, advantage),
        ]
    elif pair.a.folds is not None:
        answers = mcnemar_of_folds if len(pair.seeds) == 1 else _mcnemar_of_seeds
        sentences = [
            _claim(pair, advantage),
            fold_evidence(pair, significant=is_significant(pair)),
            answers(pair),
            other_images(pair, advantage),
        ]
    elif len(pair.seeds) == 1:
        sentences = [
            _claim(pair, advantage),
            "" if pair.equivalence is None else sameness(pair, pair.equivalence),
            _mcnemar_of_one_seed(pair),
            other_images(pair, advantage),
            f"One seed cannot tell a difference from chance; train more seeds ({_more_seeds(pair)}).",
        ]
    else:
        sentences = [
            _claim(pair, advantage),
            _evidence(pair),
            "" if pair.equivalence is None else sameness(pair, pair.equivalence),
            _mcnemar_of_seeds(pair),
            other_images(pair, advantage),
            _outlook(pair, advantage),
        ]
    return " ".join(sentence for sentence in sentences if sentence)


def is_significant(pair: Pair) -> bool:
    """Whether the difference is significant across seeds, or folds, by confidence interval and test."""
    if pair.stopping is not None:
        return pair.stopping.stopped_by == "difference"
    return _excludes_zero(pair) and pair.p < ALPHA


def _claim(pair: Pair, advantage: Advantage) -> str:
    """Such as "cnn outperforms dnn in 3 of 3 seeds, by 2.10 percentage points on average (95% …)"."""
    are_all = pair.stopping is not None or len(pair.a.seeds) == len(pair.b.seeds) == len(pair.seeds)
    which = "" if are_all else "common "
    if advantage.tied:
        text = f"{pair.a.name} and {pair.b.name} are tied at {mean_accuracy(pair.a, pair.seeds)}"
    else:
        text = f"{advantage.better.name} {predicate(advantage, which)}"
    if which and len(pair.seeds) == 1:
        text += f" in their only common seed, {pair.seeds[0]}"
    if pair.difference.ci95 is not None:
        of = f" of {pair.named}"
        corrected = ", corrected for overlapping training images" if pair.a.folds is not None else ""
        if pair.stopping is not None and pair.pairs_compared > 1:
            of += f", joint for {pair.pairs_compared} pairs"
        text += f" (95% confidence interval{of}: {interval_text(pair.difference.ci95)}{corrected})"
    claim = f"{text}{'' if advantage.tied else parameter_clause(advantage.better, advantage.worse)}."
    return f"{claim} {condition_sentences(pair.a, pair.b)}"


def _evidence(pair: Pair) -> str:
    number = len(pair.seeds)
    if not any(pair.difference.values):
        return f"Both reach the same accuracy with each of the {number} seeds."
    adjusted = adjustment(pair)
    test = f"sign-flip test over {number} seeds, {p_text(pair.p)}{adjusted}"
    if is_significant(pair):
        return f"The difference is statistically significant across seeds ({test})."
    smallest = min(1.0, pair.pairs_compared * pair.sign_flip.smallest) if pair.sign_flip else 0.0
    if pair.p >= smallest >= ALPHA:
        floor = f"with {number} seeds its p-value cannot fall below {smallest:.2g}{adjusted}"
        if _excludes_zero(pair):
            return (
                "The confidence interval excludes 0, but it assumes normally distributed differences; the "
                f"sign-flip test, which does not, has too few seeds ({floor}). The difference is likely, but "
                "not statistically significant."
            )
        return (
            "The difference is not statistically significant: the confidence interval includes 0, and the "
            f"sign-flip test has too few seeds ({floor})."
        )
    if not _excludes_zero(pair) and pair.p >= ALPHA:
        return (
            f"The difference is not statistically significant: the confidence interval includes 0 ({test})."
        )
    interval, flip = ("excludes 0", "does not") if _excludes_zero(pair) else ("includes 0", "does")
    return (
        f"The evidence is mixed: the confidence interval {interval}, but the sign-flip test {flip} reach "
        f"significance ({test}). Treat the question as open."
    )


def _mcnemar_of_one_seed(pair: Pair) -> str:
    (test,) = pair.mcnemar
    if test is None:
        return ""
    differ = "differ significantly" if test.p < ALPHA else "do not differ significantly"
    return (
        f"On these test images the two trained networks {differ} (exact McNemar test, {p_text(test.p)}: "
        f"{test.only_a:,} images that only {pair.a.name} classifies correctly, {test.only_b:,} that "
        f"only {pair.b.name} does)."
    )


def _mcnemar_of_seeds(pair: Pair) -> str:
    """How the networks of each seed differ on the test images."""
    known = [each for each in pair.mcnemar if each is not None]
    if len(known) < len(pair.mcnemar):
        return ""
    better = [sum(each.p < ALPHA and _sign(each.only_a - each.only_b) == sign for each in known)
              for sign in (1, -1)]  # fmt: skip
    of = f"of {len(known)} seeds"
    if all(better):
        return (
            f"On the test images, the seeds contradict each other: {pair.a.name} is significantly better in "
            f"{better[0]} and {pair.b.name} in {better[1]} {of} (exact McNemar tests)."
        )
    combined = "" if pair.mcnemar_majority_p is None else f"; combined {p_text(pair.mcnemar_majority_p)}"
    text = (
        f"On the test images, the trained networks differ significantly in {max(better)} {of} "
        f"(exact McNemar tests{combined})."
    )
    if max(better) and not is_significant(pair):
        text += " This compares the networks as they were trained, not their architectures."
    return text


def _outlook(pair: Pair, advantage: Advantage) -> str:
    """Which differences this many seeds can detect, and how many seeds the observed one needs."""
    number = len(pair.seeds)
    if is_significant(pair):
        return ""
    if pair.difference.std == 0:
        too_few = number < fewest_pairs(pair.pairs_compared)
        return f"Train more seeds ({_more_seeds(pair)}) to see whether this holds." if too_few else ""
    smallest = 1.0 if pair.smallest_visible is None else pair.smallest_visible
    below = f" below {percentage_points(smallest)}" if smallest < 1 else ""  # of 100 percentage points
    visible = f"With {number} seeds, no difference{below} can be detected reliably (80% power)"
    if pair.seeds_to_settle is None:
        needs = f"detecting this one would take more than {MOST_SEEDS:,} seeds"
        return f"{visible}; {'none was observed' if advantage.tied else needs}."
    more = pair.seeds_to_settle - number
    if more > 0:
        seeds = "seed" if more == 1 else "seeds"
        return f"{visible}; detecting this one takes about {more:,} more {seeds} ({_more_seeds(pair)})."
    return f"{visible}."


def _more_seeds(pair: Pair) -> str:
    """The option that adds the seeds still needed, such as "--seeds 0-5"."""
    wanted = max(pair.seeds_to_settle or 0, fewest_pairs(pair.pairs_compared))
    seeds = set(pair.seeds)
    for seed in range(wanted):  # the lowest that are not there yet
        if len(seeds) < wanted:
            seeds.add(seed)
    return f"--seeds {seeds_text(sorted(seeds))}"


def _excludes_zero(pair: Pair) -> bool:
    interval = pair.difference.ci95
    return interval is not None and not interval[0] <= 0 <= interval[1]


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)
