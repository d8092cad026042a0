"""When to stop adding seeds, and what may be claimed then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from cnnlab.comparison.advantages import TIE_TOLERANCE
from cnnlab.comparison.equivalence import Equivalence
from cnnlab.comparison.power import ALPHA
from cnnlab.comparison.sequential import (
    Look,
    LookResult,
    fewest_pairs,
    planned_looks,
    repeated_interval,
    sequential_sign_flip,
)

RULE = "group-sequential sign-flip test"

StoppedBy = Literal["difference", "equivalence", "max_seeds", "failure"]


@dataclass(frozen=True)
class Stopping:
    """How the seeds of two experiments came to be as many as they are. Differences are a - b, as shares."""

    alpha: float  # the error rate over all looks at this pair
    looks: tuple[int, ...]  # after how many seeds, as planned
    seeds_used: tuple[int, ...]
    max_seeds: int
    p: float  # over all looks; at most alpha where a difference is shown
    interval: tuple[float, float] | None  # of the mean difference, at 1 - alpha; None before the first look
    stopped_by: StoppedBy

    @property
    def looked(self) -> tuple[int, ...]:
        """The looks that were taken."""
        return tuple(look for look in self.looks if look <= len(self.seeds_used))

    def as_dict(self) -> dict[str, Any]:
        """One element's `stopping` in `cnnlab compare --json`."""
        return {
            "rule": RULE,
            "alpha": self.alpha,
            "looks": list(self.looks),
            "seeds_used": list(self.seeds_used),
            "max_seeds": self.max_seeds,
            "p": self.p,
            "interval": None if self.interval is None else list(self.interval),
            "stopped_by": self.stopped_by,
        }


@dataclass(frozen=True)
class StoppingRule:
    """Look at a pair after so many seeds, and stop when its question is settled."""

    max_seeds: int
    pairs: int = 1  # of experiments, which share the error rate
    margin: float | None = None  # within which two experiments count as equal

    @property
    def alpha(self) -> float:
        return ALPHA / self.pairs

    @property
    def first_look(self) -> int:
        """With fewer seeds, nothing can be shown."""
        return fewest_pairs(self.alpha)

    @cached_property
    def looks(self) -> tuple[Look, ...]:
        return planned_looks(self.max_seeds, self.alpha)

    def stopped(self, differences: Sequence[float]) -> tuple[int, StoppedBy] | None:
        """After how many seeds, and why; None where these do not settle it and there may be more.

        Args:
            differences: one per seed, from seed 0 on.
        """
        settled: list[tuple[int, StoppedBy]] = [
            (each.pairs, "difference")
            for each in sequential_sign_flip(differences, self.looks, alpha=self.alpha)
            if each.crossed
        ]
        if self.margin is not None:
            firsts = [_first_crossed(each) for each in self._one_sided(differences, self.margin)]
            if None not in firsts:
                settled.append((max(each.pairs for each in firsts if each), "equivalence"))
        if settled:
            return min(settled)  # at one look, "difference" comes first: the alphabet's order
        return (self.max_seeds, "max_seeds") if len(differences) >= self.max_seeds else None

    def applied(self, differences: Sequence[float]) -> tuple[Stopping, Equivalence | None]:
        """What the rule makes of all seeds that there are; if they do not settle it, more have failed.

        Of a sequence that a failure ends between two looks, what came after the earlier one is not used.
        """
        looked = [look.pairs for look in self.looks if look.pairs <= len(differences)]
        known = looked[-1] if looked else len(differences)
        number, stopped_by = self.stopped(differences) or (known, "failure")
        used = list(differences[:number])
        looks = sequential_sign_flip(used, self.looks, alpha=self.alpha)
        stopping = Stopping(
            alpha=self.alpha,
            looks=tuple(look.pairs for look in self.looks),
            seeds_used=tuple(range(number)),
            max_seeds=self.max_seeds,
            p=looks[-1].p if looks else 1.0,
            interval=repeated_interval(used, self.looks, alpha=self.alpha),
            stopped_by=stopped_by,
        )
        return stopping, None if self.margin is None else self._equivalence(used, self.margin)

    def _one_sided(
        self, differences: Sequence[float], margin: float
    ) -> tuple[list[LookResult], list[LookResult]]:
        lower = sequential_sign_flip(
            _beyond(differences, -margin), self.looks, alpha=self.alpha, tail="above"
        )
        upper = sequential_sign_flip(_beyond(differences, margin), self.looks, alpha=self.alpha, tail="below")
        return lower, upper

    def _equivalence(self, used: Sequence[float], margin: float) -> Equivalence:
        """Two one-sided tests of the same kind, over the same looks."""
        tests = self._one_sided(used, margin)
        firsts = [_first_crossed(each) for each in tests]
        p_lower, p_upper = (
            first.p if first else looks[-1].p if looks else 1.0
            for first, looks in zip(firsts, tests, strict=True)
        )
        return Equivalence(
            margin,
            p_lower,
            p_upper,
            p_holm=min(1.0, self.pairs * max(p_lower, p_upper)),
            ci90=repeated_interval(used, self.looks, alpha=self.alpha, margin=margin),
            shown=None not in firsts,
        )


def _first_crossed(looks: Sequence[LookResult]) -> LookResult | None:
    return next((each for each in looks if each.crossed), None)


def _beyond(differences: Sequence[float], bound: float) -> list[float]:
    """How far differences lie above a bound; one that lies at it but for rounding lies at it."""
    return [0.0 if abs(each - bound) < TIE_TOLERANCE else each - bound for each in differences]
