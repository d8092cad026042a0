"""A pair in one paragraph that one may quote: who is ahead, how sure that is, and what is still open."""

from __future__ import annotations

from cnnlab.comparison.advantages import Advantage, advantage_of, ahead, average, parameters, points
from cnnlab.comparison.experiments import seeds_text
from cnnlab.comparison.pairs import Pair
from cnnlab.comparison.power import ALPHA, MOST_SEEDS, fewest_pairs


def verdict(pair: Pair) -> str:
    """The verdict on two experiments.

    "More than chance" is said only where the sign-flip test over the seeds (adjusted, where several pairs
    are compared) and the t interval of the mean difference agree. One seed never suffices: McNemar's test
    on the test images then says that two trained networks differ, not that two architectures do.
    """
    lead = advantage_of(pair.a, pair.b, pair.seeds)
    if lead.mean < 0:
        lead = advantage_of(pair.b, pair.a, pair.seeds)
    if len(pair.seeds) == 1:
        sentences = [_claim(pair, lead), _answers_of_one(pair), "One seed says nothing about how much "
                     f"luck is in it: run more ({_more_seeds(pair)}) before you believe it."]  # fmt: skip
    else:
        sentences = [_claim(pair, lead), _evidence(pair), _answers(pair), _outlook(pair, lead)]
    return " ".join(sentence for sentence in sentences if sentence)


def is_shown(pair: Pair) -> bool:
    """Whether the difference is more than chance between seeds, by interval and sign-flip test."""
    return _excludes_zero(pair) and pair.p < ALPHA


def p_text(p: float) -> str:
    """p = 0.031, or p < 0.001."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def _claim(pair: Pair, lead: Advantage) -> str:
    """Such as "cnn is ahead of dnn in 3 of 3 seeds, by 2.10 points on average (95 % interval …)"."""
    which = "" if len(pair.a.seeds) == len(pair.b.seeds) == len(pair.seeds) else "common "
    if lead.level:
        text = f"{pair.a.name} and {pair.b.name} are level at {average(pair.a, pair.seeds)}"
    else:
        text = f"{lead.ahead.name} is {ahead(lead, which)}"
    if which and len(pair.seeds) == 1:
        text += f" in the one common seed, {pair.seeds[0]}"
    if pair.difference.ci95 is not None:
        low, high = (100 * each for each in pair.difference.ci95)
        if lead.ahead is pair.b:
            low, high = -high, -low
        of = " of the difference" if lead.level else ""
        text += f" (95 % interval{of} {_signed(low)} to {_signed(high)})"
    return f"{text}{'' if lead.level else parameters(lead.ahead, lead.behind)}."


def _evidence(pair: Pair) -> str:
    number = len(pair.seeds)
    if not any(pair.difference.values):
        return f"The {number} seeds reach the same accuracy, each with both."
    adjusted = f", adjusted for {pair.pairs_compared} pairs" if pair.pairs_compared > 1 else ""
    test = f"sign-flip test over {number} seeds, {p_text(pair.p)}{adjusted}"
    if is_shown(pair):
        return f"That is more than chance between seeds ({test})."
    smallest = min(1.0, pair.pairs_compared * pair.sign_flip.smallest)
    if pair.p >= smallest >= ALPHA:
        floor = f"with {number} seeds a sign-flip test cannot get below p = {smallest:.2g}{adjusted}"
        if _excludes_zero(pair):
            return (
                "The interval excludes 0, but takes the differences to be normally distributed; a test that "
                f"does not has too little to go by ({floor}). Likely, then, but not shown."
            )
        return f"That is not shown to be more than chance: the interval includes 0, and {floor}."
    if not _excludes_zero(pair) and pair.p >= ALPHA:
        return f"That is not shown to be more than chance: the interval includes 0 ({test})."
    says = "excludes" if _excludes_zero(pair) else "includes"
    return f"The evidence is divided: the interval {says} 0, but {test}. Take it as open."


def _answers_of_one(pair: Pair) -> str:
    (answers,) = pair.mcnemar
    if answers is None:
        return ""
    differ = (
        "the two trained networks differ by more than chance"
        if answers.p < ALPHA
        else "that is no more than chance"
    )
    return (
        f"On these test images {differ} (exact McNemar test, {p_text(answers.p)}: {answers.only_a:,} that "
        f"only {pair.a.name} gets right, {answers.only_b:,} that only {pair.b.name} does)."
    )


def _answers(pair: Pair) -> str:
    """What the test images say, each seed's networks taken as they are."""
    known = [each for each in pair.mcnemar if each is not None]
    if not known or pair.mcnemar_majority_p is None:
        return ""
    better = [sum(each.p < ALPHA and _sign(each.only_a - each.only_b) == sign for each in known)
              for sign in (1, -1)]  # fmt: skip
    total, of = f"{p_text(pair.mcnemar_majority_p)} for the majority of them", f"of {len(known)} seeds"
    if all(better):
        return (
            f"On the test images the seeds contradict each other: {pair.a.name} is significantly better in "
            f"{better[0]} and {pair.b.name} in {better[1]} {of} (exact McNemar tests)."
        )
    return (
        f"Test image by test image, the trained networks differ significantly in {max(better)} {of} "
        f"(exact McNemar tests; {total})."
    )


def _outlook(pair: Pair, lead: Advantage) -> str:
    """What so many seeds could have shown, and how many would settle what they saw."""
    number = len(pair.seeds)
    if is_shown(pair):
        return ""
    if pair.difference.std == 0:
        too_few = number < fewest_pairs(pair.pairs_compared)
        return f"Run {_more_seeds(pair)} to see whether it stays so." if too_few else ""
    smallest = 1.0 if pair.smallest_visible is None else pair.smallest_visible
    below = f" below {points(smallest)}" if smallest < 1 else ""  # of 100 points
    visible = f"With {number} seeds no difference{below} could have been seen reliably (power 80 %)"
    if pair.seeds_to_settle is None:
        seen = "none was seen" if lead.level else f"it would take more than {MOST_SEEDS:,} to settle this one"
        return f"{visible}; {seen}."
    more = pair.seeds_to_settle - number
    if more > 0:
        return f"{visible}; to settle this one, run about {more} more ({_more_seeds(pair)})."
    return f"{visible}."


def _more_seeds(pair: Pair) -> str:
    """The option that brings the seeds to the number it takes, such as "--seeds 0-5"."""
    wanted = max(pair.seeds_to_settle or 0, fewest_pairs(pair.pairs_compared))
    seeds = set(pair.seeds)
    for seed in range(wanted):  # the lowest that are not there yet
        if len(seeds) < wanted:
            seeds.add(seed)
    return f"--seeds {seeds_text(sorted(seeds))}"


def _excludes_zero(pair: Pair) -> bool:
    interval = pair.difference.ci95
    return interval is not None and not interval[0] <= 0 <= interval[1]


def _signed(value: float) -> str:
    text = f"{abs(value):.2f}"
    return text if value >= 0 or float(text) == 0 else f"−{text}"


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)
