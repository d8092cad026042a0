"""The points of a sweep: what was tried, what came of it, which is best, and which are as good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from cnnlab.comparison.spread import Spread, spread
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.run_folders.records import Record

State = Literal["finished", "pruned", "failed"]


@dataclass(frozen=True)
class Point:
    """An experiment with the settings of one point.

    config: None where the settings make no experiment, which a search may find out late.
    seeds: it was to be trained with. records: of those that finished.
    error: why others did not, the first of them.
    """

    settings: Mapping[str, Any]
    config: ExperimentConfig | None
    seeds: tuple[int, ...]
    records: tuple[Record, ...]
    state: State
    error: str | None = None

    @cached_property
    def validation_accuracy(self) -> Spread | None:
        """Over the seeds that finished; None where none did."""
        values = [each.result.validation_accuracy for each in self.records]
        known = [each for each in values if each is not None]
        return spread(known) if known else None

    @cached_property
    def test_accuracy(self) -> Spread | None:
        """Over the seeds that finished. Nobody is to look at it but of the winner."""
        values = [each.result.test_accuracy for each in self.records]
        return spread(values) if values else None

    @property
    def digest(self) -> str | None:
        """Of the experiment."""
        return None if self.config is None else self.config.digest

    @property
    def params(self) -> int | None:
        """Of the network."""
        return None if self.config is None else self.config.architecture.total_params


def ranking(points: Sequence[Point]) -> list[int]:
    """The places of points in the list, the best first; only those that finished with all their seeds.

    The mean validation accuracy decides, then fewer parameters, then which came first.
    """
    whole = [
        (-each.validation_accuracy.mean, each.params or 0, place)
        for place, each in enumerate(points)
        if each.state == "finished" and each.validation_accuracy is not None
    ]
    return [place for _, _, place in sorted(whole)]


def tied(points: Sequence[Point], ranked: Sequence[int]) -> list[int]:
    """The places of points that cannot be told from the winner, the better ones first.

    Their 95% confidence intervals overlap its own; with one seed there are none, and nothing is tied.
    """
    if not ranked:
        return []
    best = _interval(points[ranked[0]])
    if best is None:
        return []
    others = ((place, _interval(points[place])) for place in ranked[1:])
    return [
        place
        for place, interval in others
        if interval is not None and interval[1] >= best[0] and interval[0] <= best[1]
    ]


def _interval(point: Point) -> tuple[float, float] | None:
    return None if point.validation_accuracy is None else point.validation_accuracy.ci95
