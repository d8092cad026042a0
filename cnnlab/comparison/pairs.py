"""Two outcomes over their common seeds → a Pair: the difference, and every test of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from cnnlab.comparison.advantages import accuracies, shared_seeds
from cnnlab.comparison.conditions import distinctions
from cnnlab.comparison.corrected import corrected_p, corrected_spread
from cnnlab.comparison.equivalence import Equivalence, adjusted, equivalence
from cnnlab.comparison.other_images import Answers, interval_over_images
from cnnlab.comparison.outcomes import Outcome
from cnnlab.comparison.power import ALPHA, POWER, seeds_to_settle, smallest_difference
from cnnlab.comparison.significance import McNemar, SignFlip, holm, majority_p, mcnemar, sign_flip
from cnnlab.comparison.spread import Spread, spread
from cnnlab.comparison.stopping import Stopping, StoppingRule
from cnnlab.errors import UserError


@dataclass(frozen=True)
class ClassDifference:
    """How far two experiments lie apart on the test images of one class."""

    name: str
    images: int
    difference: Spread  # a - b, one value per common seed


@dataclass(frozen=True)
class Pair:
    """Two experiments, compared seed by seed. Differences are a - b, in shares from 0 to 1.

    Where a rule has decided on the number of seeds, the interval of the difference is the rule's, and tests
    that take the number as chosen beforehand do not hold: the document leaves them out.
    """

    a: Outcome
    b: Outcome
    seeds: tuple[int, ...]  # those in common, or those that the rule has used; ascending
    difference: Spread  # of the test accuracies; with folds, one value per seed and fold
    sign_flip: SignFlip | None  # None with folds, whose training images overlap
    p_corrected: float | None  # of the corrected resampled t test; only with folds
    p: float  # of the one or the other test, adjusted for the number of pairs compared (Holm); or of the rule
    pairs_compared: int
    stopping: Stopping | None
    equivalence: Equivalence | None  # where a margin was given
    mcnemar: tuple[McNemar | None, ...]  # one per seed; None where a run's predictions are gone
    mcnemar_majority_p: float | None
    test_images_ci95: tuple[float, float] | None  # of the difference, over other test images
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
            "also_differ": [
                {"what": each.what, "a": each.values[0], "b": each.values[1]}
                for each in distinctions((self.a, self.b))
            ],
            "difference": self.difference.as_dict() | self._corrected(),
            "test_images_ci95": None if self.test_images_ci95 is None else list(self.test_images_ci95),
            "sign_flip": None
            if self.stopping or self.sign_flip is None
            else self.sign_flip.as_dict() | {"p_holm": self.p, "pairs_compared": self.pairs_compared},
            "mcnemar_p": [each and each.p for each in self.mcnemar],
            "mcnemar": [
                each and {"only_a_right": each.only_a, "only_b_right": each.only_b, "p": each.p}
                for each in self.mcnemar
            ],
            "mcnemar_majority_p": self.mcnemar_majority_p,
            "power": None
            if self.stopping
            else {
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
            **({"stopping": self.stopping.as_dict()} if self.stopping else {}),
            **({"equivalence": self.equivalence.as_dict()} if self.equivalence else {}),
        }

    def _corrected(self) -> dict[str, Any]:
        if self.p_corrected is None:
            return {}
        return {
            "p_corrected": self.p_corrected,
            "p_corrected_holm": self.p,
            "pairs_compared": self.pairs_compared,
        }


def paired(
    outcomes: Sequence[Outcome], *, rule: StoppingRule | None = None, margin: float | None = None
) -> tuple[Pair, ...]:
    """Every two outcomes that have a seed in common.

    Args:
        rule: where it has decided on the number of seeds; it knows the margin.
        margin: within which two experiments count as equal.
    """
    related = [(a, b) for a, b in combinations(outcomes, 2) if shared_seeds((a, b))]
    if rule is not None:
        return tuple(_stopped_pair(a, b, len(related), rule) for a, b in related)
    pairs = [_pair(a, b, len(related), shared_seeds((a, b))) for a, b in related]
    p_values = holm([pair.p for pair in pairs])
    pairs = [replace(pair, p=p) for pair, p in zip(pairs, p_values, strict=True)]
    if margin is None:
        return tuple(pairs)
    tests = adjusted([equivalence(pair.difference.values, margin) for pair in pairs])
    return tuple(replace(pair, equivalence=test) for pair, test in zip(pairs, tests, strict=True))


def _stopped_pair(a: Outcome, b: Outcome, compared: int, rule: StoppingRule) -> Pair:
    """Two outcomes over the seeds that a rule has used."""
    stopping, test = rule.applied(_differences(a, b, shared_seeds((a, b))))
    pair = _pair(a, b, compared, stopping.seeds_used)
    return replace(
        pair,
        difference=replace(pair.difference, ci95=stopping.interval),
        p=min(1.0, compared * stopping.p),
        stopping=stopping,
        equivalence=test,
        mcnemar_majority_p=None,
        smallest_visible=None,
        classes=pair.classes
        and tuple(replace(each, difference=replace(each.difference, ci95=None)) for each in pair.classes),
    )


def _differences(a: Outcome, b: Outcome, seeds: Sequence[int]) -> list[float]:
    """By how much the test accuracy of `a` lies above that of `b`."""
    return [above - below for above, below in zip(accuracies(a, seeds), accuracies(b, seeds), strict=True)]


def _pair(a: Outcome, b: Outcome, compared: int, seeds: tuple[int, ...]) -> Pair:
    """Two outcomes, one of so many pairs; `p` is not adjusted yet."""
    difference = spread(_differences(a, b, seeds))
    test: SignFlip | None = None
    p_corrected: float | None = None
    if a.folds is None:
        test = sign_flip(difference.values)
        p = test.p
    else:
        difference = corrected_spread(difference.values, a.folds)
        p = p_corrected = corrected_p(difference.values, a.folds)
    answers = [_right(a, b, seed) for seed in seeds]
    both = [each for each in answers if each is not None]
    tests = tuple(each and mcnemar(*each) for each in answers)
    known = [each.p for each in tests if each is not None]
    std = difference.std if test else None  # of folds, no number of seeds makes up for other images
    return Pair(
        a=a,
        b=b,
        seeds=seeds,
        difference=difference,
        sign_flip=test,
        p_corrected=p_corrected,
        p=p,
        pairs_compared=compared,
        stopping=None,
        equivalence=None,
        mcnemar=tests,
        mcnemar_majority_p=majority_p(known) if len(known) == len(tests) else None,
        test_images_ci95=interval_over_images(both) if len(both) == len(answers) else None,
        smallest_visible=None if std is None else smallest_difference(std, len(seeds), compared),
        seeds_to_settle=None if std is None else seeds_to_settle(difference.mean, std, compared),
        classes=_class_differences(a, b, seeds),
    )


def _right(a: Outcome, b: Outcome, seed: int) -> Answers | None:
    """Which images each of the two classifies correctly; None where a run's predictions are gone."""
    of_a, of_b = a.predictions(seed), b.predictions(seed)
    if of_a is None or of_b is None:
        return None
    if not np.array_equal(of_a.labels, of_b.labels):
        raise UserError(
            f"{a.record(seed).path} and {b.record(seed).path}: the predictions.npz files are of different "
            "test images; "
            "train again with --fresh"
        )
    return of_a.right, of_b.right


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
