"""What a sweep is to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cnnlab.config.axes import Axis, Span
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.sweep_section import DEFAULT_TRIALS, Search

Derive = Callable[[Mapping[str, Any]], ExperimentConfig]
"""Settings → the experiment with these."""

Planned = tuple[dict[str, Any], ExperimentConfig]
"""The settings of a point, and the experiment with them."""


@dataclass(frozen=True)
class Plan:
    """What a sweep is to do.

    base: the experiment where nothing varies. seeds: of each point.
    experiment: its name or path, as cnnlab train takes it; None where it has none. fixed: what --set changed.
    """

    base: ExperimentConfig
    space: tuple[Axis | Span, ...]
    search: Search
    seeds: tuple[int, ...]
    trials: int | None = None
    prune: bool = False
    experiment: str | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def most_trials(self) -> int:
        """How many points random and tpe are to try; a grid tries all."""
        return self.trials or DEFAULT_TRIALS
