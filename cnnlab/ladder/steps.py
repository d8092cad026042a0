"""Rungs and what they reached → the differences between them, and which of these the seeds support."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from cnnlab.comparison.advantages import accuracies, shared_seeds
from cnnlab.comparison.outcomes import Outcome
from cnnlab.comparison.power import ALPHA
from cnnlab.comparison.significance import holm, paired_t
from cnnlab.comparison.spread import Spread, spread
from cnnlab.ladder.rungs import Kind, Rung

Outcomes = Mapping[str, Outcome]
"""By the id of a rung; of one whose runs all failed there is none."""


@dataclass(frozen=True)
class Step:
    """The difference in test accuracy between two rungs, in shares from 0 to 1."""

    start: str
    end: str
    kind: Kind | Literal["contrast"]
    ingredient: str
    seeds: tuple[int, ...]  # those that both have, ascending
    difference: Spread  # end − start, one value per seed
    p: float | None  # of a paired t test; None with one seed
    p_holm: float | None = None

    @property
    def shown(self) -> bool:
        """Whether the seeds support that there is a difference, all other steps considered."""
        return self.p_holm is not None and self.p_holm < ALPHA


@dataclass(frozen=True)
class Interaction:
    """How far what a change brings depends on another one: one difference minus the other, seed by seed."""

    of: str  # the ingredient whose effect is looked at
    where: str  # in which of two circumstances …
    otherwise: str  # … and the other one
    difference: Spread
    p: float | None
    p_holm: float | None = None

    @property
    def shown(self) -> bool:
        return self.p_holm is not None and self.p_holm < ALPHA


def steps_of(rungs: Sequence[Rung], outcomes: Outcomes) -> tuple[Step, ...]:
    """The waterfall's steps, each ablation from its parent, each control from its plain rung.

    The p-values are adjusted for all of them together (Holm). What hangs off a rung without finished runs
    has no step.

    Args:
        rungs: those that have finished runs.
    """
    found = [
        step
        for rung in rungs
        if rung.parent is not None and rung.parent in outcomes
        and (step := _between(rung.parent, rung.id, rung.kind, rung.ingredient, outcomes))
    ]  # fmt: skip
    return _adjusted(found)


def contrasts_of(outcomes: Outcomes) -> tuple[Step, ...]:
    """What the steps leave unsaid: CNN and DNN without pooling, and on permuted pixels, side by side."""
    base = "dnn_recipe" if "dnn_recipe" in outcomes else "dnn"
    pairs = [
        (base, "cnn_strided", "convolution without pooling"),
        (base, "cnn_average", "convolution with average pooling"),
        (f"{base}_permuted", "cnn_permuted", "convolution on permuted pixels"),
        (f"{base}_permuted", "locally_connected_permuted", "locality on permuted pixels"),
    ]
    return _adjusted(
        [
            each
            for start, end, what in pairs
            if start in outcomes and end in outcomes
            and (each := _between(start, end, "contrast", what, outcomes))
        ]
    )  # fmt: skip


_INTERACTIONS = (
    ("weight sharing", ("locally_connected", "cnn"), "with pooling",
     ("locally_connected_strided", "cnn_strided"), "without pooling"),
    ("weight sharing", ("locally_connected", "cnn"), "on the pixels in their places",
     ("locally_connected_permuted", "cnn_permuted"), "on permuted pixels"),
    ("pooling", ("cnn_strided", "cnn"), "on the pixels in their places",
     ("cnn_strided_permuted", "cnn_permuted"), "on permuted pixels"),
)  # fmt: skip
"""An ingredient, its step in one circumstance, and the same step in another one."""


def interactions_of(outcomes: Outcomes) -> tuple[Interaction, ...]:
    """Whether contributions add up: the same change in two circumstances, by seed."""
    found = []
    for of, one, where, other, otherwise in _INTERACTIONS:
        if not {*one, *other} <= outcomes.keys():
            continue
        seeds = shared_seeds([outcomes[each] for each in (*one, *other)])
        if not seeds:
            continue
        values = [
            (end - start) - (other_end - other_start)
            for start, end, other_start, other_end in zip(
                *(accuracies(outcomes[each], seeds) for each in (*one, *other)), strict=True
            )
        ]
        found.append(Interaction(of, where, otherwise, spread(values), paired_t(values)))
    adjusted = iter(holm([each.p for each in found if each.p is not None]))
    return tuple(each if each.p is None else replace(each, p_holm=next(adjusted)) for each in found)


def _between(
    start: str, end: str, kind: Kind | Literal["contrast"], ingredient: str, outcomes: Outcomes
) -> Step | None:
    """None where the two have no seed in common."""
    seeds = shared_seeds((outcomes[start], outcomes[end]))
    if not seeds:
        return None
    values = [
        after - before
        for before, after in zip(
            accuracies(outcomes[start], seeds), accuracies(outcomes[end], seeds), strict=True
        )
    ]
    return Step(start, end, kind, ingredient, seeds, spread(values), paired_t(values))


def _adjusted(steps: Sequence[Step]) -> tuple[Step, ...]:
    adjusted: Iterator[float] = iter(holm([each.p for each in steps if each.p is not None]))
    return tuple(each if each.p is None else replace(each, p_holm=next(adjusted)) for each in steps)
