"""An experiment and the settings that vary → the points of a sweep, their runs found or trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cnnlab.config.axes import Axis, Span, points
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import OptionError, UserError
from cnnlab.jobs import Jobs
from cnnlab.search.identity import seed_of_search
from cnnlab.search.plan import Derive, Plan, Planned
from cnnlab.search.points import Point, ranking, tied
from cnnlab.search.space import drawn, representative, settings_text
from cnnlab.wording import counted


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
    """Every point of a grid, or those that are drawn at random: the settings, and the experiment with them.

    Raises:
        UserError: points are impossible, or two of a grid are the same experiment; all are in the message.
    """
    is_grid = plan.search == "grid"
    candidates = _grid(plan.space) if is_grid else drawn(plan.space, seed_of_search(plan))
    found: list[Planned] = []
    problems: list[tuple[Mapping[str, Any], str]] = []
    known: dict[str, Mapping[str, Any]] = {}
    for settings in candidates:
        try:
            config = derive(settings)
        except UserError as error:
            problems.append((settings, str(error)))
            config = None
        if config is not None:
            other = known.setdefault(config.digest, settings)
            if other is settings:
                found.append((settings, config))
            elif is_grid:
                problems.append((settings, f"the same experiment as {settings_text(other)}; leave one out"))
        if not is_grid and len(found) + len(problems) == plan.most_trials:
            break
    if problems:
        raise _impossible(problems)
    return found


def _impossible(problems: Sequence[tuple[Mapping[str, Any], str]]) -> UserError:
    """What to say of points that are impossible, each with the reason; one that several have is said once."""
    points_by_reason: dict[str, list[str]] = {}
    for settings, reason in problems:
        points_by_reason.setdefault(reason, []).append(settings_text(settings))
    lines = []
    for reason, (first, *others) in points_by_reason.items():
        also = f" and {counted(len(others), 'other point')}" if others else ""
        lines.append(f"{first}{also}: {reason}")
    return UserError("\n".join(lines))


def _grid(space: Sequence[Axis | Span]) -> Iterator[dict[str, Any]]:
    axes = []
    for axis in space:
        if isinstance(axis, Span):
            raise OptionError(
                "vary",
                f"{axis.key}: the range {axis} has no end of values; list them, such as "
                f"{axis.low},{axis.high}, or use --search random or tpe",
            )
        axes.append(axis)
    return (settings for _, settings in points(axes))


def check_possible(plan: Plan, planned: Sequence[Planned] | None, derive: Derive, jobs: Jobs) -> None:
    """Refuse points that cannot be trained here, before anything is.

    Args:
        planned: all points; None where they are proposed one by one. Then combinations of values and of the
            ends of ranges are checked.

    Raises:
        UserError: there are such points; all are in the message, or the first that is too much for memory,
            data or backend.
    """
    if planned is None:
        planned, problems = [], []
        for settings in representative(plan.space):
            try:
                planned.append((settings, derive(settings)))
            except UserError as error:
                problems.append((settings, str(error)))
        if problems:
            raise _impossible(problems)
    for settings, config in planned:
        try:
            jobs.check(config)
        except UserError as error:
            raise UserError(f"{settings_text(settings)}: {error}") from None
    configs = [config for _, config in planned]
    if plan.search == "tpe" or plan.prune:  # else the runs that are missing are looked at together
        jobs.check_one_runtime(configs)
    check_validated(configs, jobs)


def check_validated(configs: Sequence[ExperimentConfig], jobs: Jobs) -> None:
    """Refuse experiments without validation images, by which the best is chosen.

    Raises:
        UserError: there is one.
    """
    for config in configs:
        if not len(jobs.dataset(config).validation):
            raise without_validation(config)


def without_validation(config: ExperimentConfig) -> UserError:
    """What to say of an experiment without validation images."""
    return UserError(
        f"{config.name}: a sweep chooses by validation accuracy, and there are no validation images; "
        "set dataset.validation_size to more than 0"
    )
