"""What a stopping rule and tests of equivalence have shown, in sentences."""

from __future__ import annotations

from cnnlab.comparison.advantages import interval_text, listed, p_text, percentage_points
from cnnlab.comparison.equivalence import Equivalence, seeds_for_equivalence
from cnnlab.comparison.experiments import seeds_text
from cnnlab.comparison.pairs import Pair
from cnnlab.comparison.power import MOST_SEEDS
from cnnlab.comparison.stopping import RULE, Stopping
from cnnlab.wording import counted


def settlement(pair: Pair, stopping: Stopping) -> str:
    """Whether adding seeds has settled the question, and how."""
    number = counted(len(pair.seeds), "seed")
    equal = pair.equivalence
    if stopping.stopped_by == "equivalence" and equal is not None:
        within = margin_text(equal.margin)
        return (
            f"Settled after {number}: they are equal within {within} (two one-sided {RULE}s "
            f"{_looks(stopping)}, {_equal_test(pair, equal)})."
        )
    ended = (
        f"Not settled after {number}, the maximum"
        if stopping.stopped_by == "max_seeds"
        else f"Not settled: a run failed, and the sequence ended after {number}"
    )
    if not stopping.looked:
        return f"{ended}. The first look comes after {stopping.looks[0]} seeds."
    test = f"({RULE} {_looks(stopping)}, {p_text(pair.p)}{adjustment(pair)})"
    if stopping.stopped_by == "difference":
        claim = f"Settled after {number}: the difference is statistically significant {test}."
        if equal is None or not equal.shown:
            return claim
        smaller = f"It is shown to be smaller than {margin_text(equal.margin)}"
        return f"{claim} {smaller} ({_equal_test(pair, equal)})."
    claim = f"{ended}. The difference is not statistically significant {test}."
    if equal is not None:
        within = margin_text(equal.margin)
        claim += f" It is not shown that they are equal within {within} ({_equal_test(pair, equal)})."
    return f"{claim}{_needed(pair)}"


def sameness(pair: Pair, equal: Equivalence) -> str:
    """Whether two experiments, over seeds that were chosen beforehand, are equal within a margin."""
    within, test = (
        f"equal within {margin_text(equal.margin)}",
        f"two one-sided t tests, {_equal_test(pair, equal)}",
    )
    if equal.shown:
        return f"They are {within} ({test})."
    claim = f"It is not shown that they are {within} ({test})"
    if abs(pair.difference.mean) >= equal.margin:
        return f"{claim}: the observed difference is not smaller than that."
    if pair.difference.std is None:
        return f"{claim}."
    seeds = seeds_for_equivalence(
        pair.difference.mean, pair.difference.std, equal.margin, pair.pairs_compared
    )
    if seeds is None:
        return f"{claim}; it would take more than {MOST_SEEDS:,} seeds (80% power)."
    if seeds <= len(pair.seeds):
        return f"{claim}."
    return f"{claim}; it takes about {seeds:,} seeds (80% power, --seeds {seeds_text(range(seeds))})."


def adjustment(pair: Pair) -> str:
    """, adjusted for 3 pairs"""
    return f", adjusted for {pair.pairs_compared} pairs" if pair.pairs_compared > 1 else ""


def _equal_test(pair: Pair, equal: Equivalence) -> str:
    """p = 0.016; 90% confidence interval of the difference −0.11 to 0.21"""
    p = f"{p_text(equal.p_holm)}{adjustment(pair)}"
    if equal.ci90 is None:
        return p
    name = f"90% confidence interval of {pair.named}"
    if pair.pairs_compared > 1:
        # Of a stopped sequence it belongs to all pairs together; else it is this pair's own, unlike p.
        name += f", joint for {pair.pairs_compared} pairs" if pair.stopping else ", not adjusted"
    return f"{p}; {name}: {interval_text(equal.ci90)}"


def _needed(pair: Pair) -> str:
    """How many seeds would settle what so many have not, by the tests for a fixed number of them."""
    difference, equal = pair.difference, pair.equivalence
    needs = []
    if pair.seeds_to_settle is not None and pair.seeds_to_settle > len(pair.seeds):
        of_size = percentage_points(abs(difference.mean))
        needs.append(f"detecting a difference of {of_size} takes about {pair.seeds_to_settle:,} seeds")
    if equal is not None and difference.std is not None:
        seeds = seeds_for_equivalence(difference.mean, difference.std, equal.margin, pair.pairs_compared)
        if seeds is not None and seeds > len(pair.seeds):
            needs.append(
                f"showing that they are equal within {margin_text(equal.margin)}, about {seeds:,} seeds"
            )
    if not needs:
        return ""
    text = "; ".join(needs)
    return f" {text[0].upper()}{text[1:]} (80% power)."


def _looks(stopping: Stopping) -> str:
    """with looks after 6 and 8 of at most 30 seeds"""
    taken = listed([str(each) for each in stopping.looked])
    looks = "one look," if len(stopping.looked) == 1 else "looks"
    return f"with {looks} after {taken} of at most {stopping.max_seeds} seeds"


def margin_text(margin: float) -> str:
    """0.005 → 0.5 points"""
    number = f"{100 * margin:.10g}"
    return f"{number} point" if number == "1" else f"{number} points"
