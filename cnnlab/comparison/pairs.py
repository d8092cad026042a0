"""Two outcomes over their common seeds → a Pair: the difference, and every test of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from cnnlab.comparison.advantages import accuracies, shared_seeds
from cnnlab.comparison.outcomes import Outcome
from cnnlab.comparison.power import ALPHA, POWER, seeds_to_settle, smallest_difference
from cnnlab.comparison.significance import McNemar, SignFlip, holm, majority_p, mcnemar, sign_flip
from cnnlab.comparison.spread import Spread, spread
from cnnlab.errors import UserError


@dataclass(frozen=True)
class ClassDifference:
    """How far two experiments lie apart on the test images of one class."""

    name: str
    images: int
    difference: Spread  # a - b, one value per common seed


@dataclass(frozen=True)
class Pair:
    """Two experiments, compared seed by seed. Differences are a - b, in shares from 0 to 1."""

    a: Outcome
    b: Outcome
    seeds: tuple[int, ...]  # those in common, ascending
    difference: Spread  # of the test accuracies
    sign_flip: SignFlip
    p: float  # of the sign-flip test, adjusted for the number of pairs compared (Holm)
    pairs_compared: int
    mcnemar: tuple[McNemar | None, ...]  # one per seed; None where a run's predictions are gone
    mcnemar_majority_p: float | None
    smallest_visible: float | None  # the true difference that so many seeds would have shown; None: too few
    seeds_to_settle: int | None  # how many seeds would show the observed difference; None: unknown, or no end
    classes: tuple[ClassDifference, ...] | None

    def as_dict(self) -> dict[str, Any]:
        """One element of `pairs` in `cnnlab compare --json`, its verdict aside."""
        return {
            "a": self.a.name,
            "b": self.b.name,
            "direction": "a - b",
            "seeds": list(self.seeds),
            "difference": self.difference.as_dict(),
            "sign_flip": self.sign_flip.as_dict() | {"p_holm": self.p, "pairs_compared": self.pairs_compared},
            "mcnemar_p": [each and each.p for each in self.mcnemar],
            "mcnemar": [
                each and {"only_a_right": each.only_a, "only_b_right": each.only_b, "p": each.p}
                for each in self.mcnemar
            ],
            "mcnemar_majority_p": self.mcnemar_majority_p,
            "power": {
                "alpha": ALPHA,
                "power": POWER,
                "smallest_visible_difference": self.smallest_visible,
                "seeds_to_settle": self.seeds_to_settle,
                "more_seeds": None
                if self.seeds_to_settle is None
                else max(0, self.seeds_to_settle - len(self.seeds)),
            },
            "classes": self.classes
            and [
                {"class": each.name, "images": each.images, "difference": each.difference.as_dict()}
                for each in self.classes
            ],
        }


def paired(outcomes: Sequence[Outcome]) -> tuple[Pair, ...]:
    """Every two outcomes that have a seed in common."""
    related = [(a, b) for a, b in combinations(outcomes, 2) if shared_seeds((a, b))]
    pairs = [_pair(a, b, len(related)) for a, b in related]
    adjusted = holm([pair.sign_flip.p for pair in pairs])
    return tuple(replace(pair, p=p) for pair, p in zip(pairs, adjusted, strict=True))


def _pair(a: Outcome, b: Outcome, compared: int) -> Pair:
    """Two outcomes, one of so many pairs; `p` is not adjusted yet."""
    seeds = shared_seeds((a, b))
    difference = spread(
        [above - below for above, below in zip(accuracies(a, seeds), accuracies(b, seeds), strict=True)]
    )
    test = sign_flip(difference.values)
    tests = tuple(_mcnemar(a, b, seed) for seed in seeds)
    known = [each.p for each in tests if each is not None]
    std = difference.std
    return Pair(
        a=a,
        b=b,
        seeds=seeds,
        difference=difference,
        sign_flip=test,
        p=test.p,
        pairs_compared=compared,
        mcnemar=tests,
        mcnemar_majority_p=majority_p(known) if len(known) == len(tests) else None,
        smallest_visible=None if std is None else smallest_difference(std, len(seeds), compared),
        seeds_to_settle=None if std is None else seeds_to_settle(difference.mean, std, compared),
        classes=_class_differences(a, b, seeds),
    )


def _mcnemar(a: Outcome, b: Outcome, seed: int) -> McNemar | None:
    of_a, of_b = a.record(seed).predictions, b.record(seed).predictions
    if of_a is None or of_b is None:
        return None
    if not np.array_equal(of_a.labels, of_b.labels):
        raise UserError(
            f"{a.record(seed).path} and {b.record(seed).path}: the predictions.npz files are of different "
            "test images; "
            "train again with --fresh"
        )
    return mcnemar(of_a.right, of_b.right)


def _class_differences(a: Outcome, b: Outcome, seeds: tuple[int, ...]) -> tuple[ClassDifference, ...] | None:
    if a.classes is None or b.classes is None:
        return None
    differences = []
    for of_a, of_b in zip(a.classes, b.classes, strict=True):
        values = [
            of_a.accuracy.values[a.seeds.index(seed)] - of_b.accuracy.values[b.seeds.index(seed)]
            for seed in seeds
        ]
        differences.append(ClassDifference(of_a.name, of_a.images, spread(values)))
    return tuple(differences)
