"""How many seeds does it take to settle a question, and how often is the answer wrong?

usage: stopping_rules.py [--trials 2000]

Simulates paired differences, applies the rules of `cnnlab compare` to them and prints Markdown tables: those
of docs/compare.md. Nothing is trained. The fixed seed makes the numbers reproducible; 2,000 trials take some
minutes. Sign patterns are enumerated up to 12 pairs and 4,999 are drawn beyond: fewer than `cnnlab compare`
takes, which costs a little power and no validity.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from cnnlab.comparison.equivalence import equivalence
from cnnlab.comparison.sequential import Look, Tail, planned_looks, sequential_sign_flip
from cnnlab.comparison.significance import sign_flip
from cnnlab.comparison.spread import spread

ALPHA, MOST = 0.05, 30
LOOKS = planned_looks(MOST, ALPHA)
EFFECTS = (0, 0.5, 1, 1.5, 2, 3)
MARGIN = 1.0

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


class Stop(NamedTuple):
    """When a rule ended, and whether with a claim."""

    seeds: int
    claims: bool


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=2000)
    trials: int = parser.parse_args().trials
    error = 100 * (0.05 * 0.95 / trials) ** 0.5
    print(f"{trials:,} trials each: a share of 5% has a standard error of {error:.1f}%\n")
    print(f"| true difference ÷ its standard deviation | {' | '.join(f'{each:g}' for each in EFFECTS)} |")
    print("| --- " * (len(EFFECTS) + 1) + "|")
    for name, rule in (
        ("`--until-settled`: mean seeds (claims)", until_settled),
        ("betting: mean seeds (claims)", betting),
        ("looking with the tests for a fixed number: mean seeds (claims)", looking_with_fixed_tests),
    ):
        cells = [seeds_and_claims(results(rule, normal(effect), trials)) for effect in EFFECTS]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    cells = [share(six_seeds, normal(effect), trials, digits=0) for effect in EFFECTS]
    print(f"| six seeds (claims) | {' | '.join(cells)} |")
    for title, cases in (("accuracies of equal networks", EXCHANGEABLE), ("unequal networks", UNEQUAL)):
        print(f"\n| {title} | `--until-settled` | six seeds |\n| --- | --- | --- |")
        for name, draw in cases.items():
            shares = (share(rule, draw, trials) for rule in (until_settled, six_seeds))
            print(f"| {name} | {' | '.join(shares)} |", flush=True)
    print("\n| difference equal to the margin | `--until-settled` | 6 seeds | 20 seeds |")
    print("| --- " * 4 + "|")
    for name, draw in AT_THE_MARGIN.items():
        rules = (equal_until_settled, partial(equal_with, 6), partial(equal_with, 20))
        print(f"| {name} | {' | '.join(share(rule, draw, trials) for rule in rules)} |", flush=True)
    after = share(raised, normal(0, 60), trials)
    print(f"\nfalse claims where 30 seeds are raised to 60, if they do not settle it: {after}\n")
    print("| true difference | the rule's interval holds it | Student's |\n| --- | --- | --- |")
    for effect in (0, 1):
        print(f"| {effect} | {' | '.join(coverage(effect, trials))} |", flush=True)


def seeds_and_claims(stops: Sequence[Stop]) -> str:
    """Such as "11.6 (99%)"."""
    claims = np.mean([stop.claims for stop in stops])
    return f"{np.mean([stop.seeds for stop in stops]):.1f} ({claims:.0%})"


def share(rule: Callable[[np.ndarray], Stop], draw: Draw, trials: int, *, digits: int = 1) -> str:
    """Such as 4.9%: how often a rule claims something."""
    return f"{np.mean([stop.claims for stop in results(rule, draw, trials)]):.{digits}%}"


def results(rule: Callable[[np.ndarray], Stop], draw: Draw, trials: int) -> list[Stop]:
    """What a rule makes of simulated differences, the same ones for each rule."""
    return [rule(row) for row in draw(np.random.default_rng(1), (trials, MOST))]


def crossings(values: np.ndarray, looks: Sequence[Look] = LOOKS, tail: Tail = "both") -> dict[int, bool]:
    """By the number of seeds, whether a look crosses its bound."""
    found = sequential_sign_flip(list(values), looks, alpha=ALPHA, tail=tail, enumerated=12, drawn=4_999)
    return {each.pairs: each.crossed for each in found}


def until_settled(values: np.ndarray, looks: Sequence[Look] = LOOKS) -> Stop:
    """The rule of --until-settled."""
    for reached in (values[:12], values):  # most stop early, where no patterns need to be drawn
        for seeds, crossed in crossings(reached, looks).items():
            if crossed:
                return Stop(seeds, claims=True)
    return Stop(looks[-1].pairs, claims=False)


def equal_until_settled(values: np.ndarray) -> Stop:
    """The same with --margin, where it stops for equality only."""
    lower = crossings(values + MARGIN, tail="above")
    upper = crossings(values - MARGIN, tail="below")
    for seeds in lower:
        if lower[seeds] and upper[seeds]:
            return Stop(seeds, claims=True)
    return Stop(MOST, claims=False)


def equal_with(seeds: int, values: np.ndarray) -> Stop:
    """--margin over a fixed number of seeds."""
    return Stop(seeds, claims=equivalence(list(values[:seeds]), MARGIN).shown)


def is_significant(values: np.ndarray) -> bool:
    """`cnnlab compare` over a fixed number of seeds: t interval and sign-flip test."""
    low, high = spread(list(values)).ci95 or (0.0, 0.0)
    return not low <= 0 <= high and sign_flip(list(values)).p < ALPHA


def six_seeds(values: np.ndarray) -> Stop:
    """`cnnlab compare --seeds 0-5`."""
    return Stop(6, claims=is_significant(values[:6]))


def looking_with_fixed_tests(values: np.ndarray) -> Stop:
    """What users do who look and add seeds, at the same numbers of seeds."""
    for look in LOOKS:
        if is_significant(values[: look.pairs]):
            return Stop(look.pairs, claims=True)
    return Stop(MOST, claims=False)


def betting(values: np.ndarray) -> Stop:
    """An anytime-valid test of symmetric differences, looked at after each seed.

    A bet on the sign of each difference, of a size that grows with it, has the mean gain 1 if both signs are
    equally likely: exp(λd) / cosh(λd). The capital, averaged over bets of both directions, exceeds 20 with a
    probability of at most 5% (Ville; Howard et al. 2021, arXiv 1810.08240; Koning & van Meer 2025, arXiv
    2501.03982). Sizes are in units of the mean size of the differences before.
    """
    sizes = np.cumsum(np.abs(values))[:-1] / np.arange(1, len(values))
    scaled = np.concatenate([[0.0], values[1:] / sizes])
    bets = np.array([0.25, 0.5, 1.0, 2.0])
    bets = np.concatenate([bets, -bets])[:, None] * scaled
    gains = np.cumsum(bets - np.log(np.cosh(np.clip(bets, -300, 300))), axis=1)
    capital = np.mean(np.exp(gains), axis=0)
    reached = np.flatnonzero(capital >= 1 / ALPHA)
    return Stop(int(reached[0]) + 1, claims=True) if len(reached) else Stop(MOST, claims=False)


def raised(values: np.ndarray) -> Stop:
    """A maximum of 60, chosen after 30 have not settled it."""
    first = until_settled(values)
    return first if first.claims else until_settled(values, planned_looks(60, ALPHA))


def coverage(effect: float, trials: int) -> tuple[str, str]:
    """How often the rule's interval, and Student's over the same seeds, hold the true difference.

    The rule's interval holds it where no look so far rules it out.
    """
    held = []
    for row in np.random.default_rng(2).normal(effect, 1, size=(trials, MOST)):
        used = row[: until_settled(row).seeds]
        low, high = spread(list(used)).ci95 or (0.0, 0.0)
        held.append([not any(crossings(used - effect).values()), low <= effect <= high])
    rule, student = np.mean(held, axis=0)
    return f"{rule:.1%}", f"{student:.1%}"


def normal(effect: float, pairs: int = MOST) -> Draw:
    """Normal differences."""
    return lambda rng, size: rng.normal(effect, 1, (size[0], pairs))


def exchangeable(accuracies: Draw) -> Draw:
    """Two networks whose accuracies have one distribution."""
    return lambda rng, size: accuracies(rng, size) - accuracies(rng, size)


def coarse(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Accuracies on 40 test images, most of them right."""
    return rng.binomial(40, 0.95, size) / 40


def sometimes_fails(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """One run in ten does not learn."""
    return np.where(rng.random(size) < 0.1, -20.0, rng.normal(0, 1, size))


EXCHANGEABLE: dict[str, Draw] = {
    "normal": normal(0),
    "skewed (log-normal, σ = 1.5)": exchangeable(lambda rng, size: -rng.lognormal(0, 1.5, size)),
    "heavy tails (Cauchy)": exchangeable(lambda rng, size: rng.standard_cauchy(size)),
    "one run in ten fails to learn": exchangeable(sometimes_fails),
    "40 test images, many ties": exchangeable(coarse),
}


def skewed(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Exponential, mean 0 and standard deviation 1, with a long tail towards low values."""
    return 1 - rng.exponential(1, size)


UNEQUAL: dict[str, Draw] = {
    "equal means; one skewed (exponential), one constant": skewed,
    "equal means; one skewed (exponential), one normal, equal deviations": lambda rng, size: (
        skewed(rng, size) + rng.normal(0, 1, size)
    ),
    "equal means; one fails in one of ten runs, one never": lambda rng, size: (
        sometimes_fails(rng, size) + 2.0 - rng.normal(0, 1, size)
    ),
}

AT_THE_MARGIN: dict[str, Draw] = {
    "normal, deviation = margin ÷ 2": lambda rng, size: MARGIN + rng.normal(0, 0.5, size),
    "long tail towards 0, deviation = margin ÷ 2": lambda rng, size: MARGIN + 0.5 * skewed(rng, size),
    "long tail away from 0, deviation = margin ÷ 2": lambda rng, size: MARGIN - 0.5 * skewed(rng, size),
}


if __name__ == "__main__":
    main()
