"""An experiment and the settings that vary → the points of a sweep, their runs found or trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cnnlab.config.axes import Axis, Span, points, value_text
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.sweep_section import Search
from cnnlab.errors import CnnlabError, OptionError, UserError
from cnnlab.jobs import Jobs
from cnnlab.run_folders.records import Record
from cnnlab.run_outcomes import RunsFailed
from cnnlab.search.points import Point, ranking, tied

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


@dataclass(frozen=True)
class Study:
    """A sweep that has been carried out, to its end or as far as it came."""

    plan: Plan
    points: tuple[Point, ...]

    @cached_property
    def ranked(self) -> list[int]:
        """The places of the points that finished, the best first."""
        return ranking(self.points)

    @property
    def winner(self) -> Point | None:
        return self.points[self.ranked[0]] if self.ranked else None

    @cached_property
    def tied(self) -> list[int]:
        """The places of points that cannot be told from the winner."""
        return tied(self.points, self.ranked)


def planned_points(plan: Plan, derive: Derive) -> list[Planned]:
    """Every point of a grid: its settings, and the experiment with them.

    Raises:
        UserError: points are impossible, or two are the same experiment; all such points are in the message.
    """
    axes = []
    for axis in plan.space:
        if isinstance(axis, Span):
            raise OptionError(
                "vary",
                f"{axis.key}: the range {axis} has no end of values; list them, such as "
                f"{axis.low},{axis.high}, or use --search random or tpe",
            )
        axes.append(axis)
    found, problems = [], []
    known: dict[str, Mapping[str, Any]] = {}
    for _, settings in points(axes):
        try:
            config = derive(settings)
        except UserError as error:
            problems.append(f"{settings_text(settings)}: {error}")
            continue
        if (other := known.setdefault(config.digest, settings)) is not settings:
            problems.append(
                f"{settings_text(settings)}: the same experiment as {settings_text(other)}; leave one out"
            )
        found.append((settings, config))
    if problems:
        raise UserError("\n".join(dict.fromkeys(problems)))
    return found


def carry_out_grid(plan: Plan, planned: Sequence[Planned], jobs: Jobs) -> Study:
    """Train what is missing of all points.

    Raises:
        UserError: a point cannot be trained; nothing has been trained then.
        RunsFailed: no run finished.
    """
    check_validated([config for _, config in planned], jobs)
    runs = [config.with_seed(seed) for _, config in planned for seed in plan.seeds]
    failed: RunsFailed | None = None
    try:
        records: Sequence[Record] = jobs.finished(runs)
    except RunsFailed as error:
        failed, records = error, error.records
        if not records:
            raise
    failures = dict[str, CnnlabError]()
    for config, reason in failed.failures if failed else ():
        failures.setdefault(config.digest, reason)
    by_digest: dict[str, list[Record]] = {}
    for record in records:
        by_digest.setdefault(record.config.digest, []).append(record)
    return Study(
        plan,
        tuple(
            Point(
                settings,
                config,
                plan.seeds,
                tuple(by_digest.get(config.digest, ())),
                "failed" if config.digest in failures else "finished",
                str(failures[config.digest]).splitlines()[0] if config.digest in failures else None,
            )
            for settings, config in planned
        ),
    )


def check_validated(configs: Sequence[ExperimentConfig], jobs: Jobs) -> None:
    """Refuse experiments without validation images, by which the best is chosen.

    Raises:
        UserError: there is one.
    """
    for config in configs:
        if not len(jobs.dataset(config).validation):
            raise UserError(
                f"{config.name}: a sweep chooses by validation accuracy, and there are no validation images; "
                "set dataset.validation_size to more than 0"
            )


def settings_text(settings: Mapping[str, Any]) -> str:
    """training.batch_size=32, training.epochs=3"""
    return ", ".join(f"{key}={value_text(value)}" for key, value in settings.items())
