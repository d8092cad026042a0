"""The points of a sweep while they are tried: their runs end one by one, and Optuna's study is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import CnnlabError, Pruned
from cnnlab.reporting import Reporter, Tried
from cnnlab.run_folders.identity import finished_seeds, run_path
from cnnlab.run_folders.records import EpochRow, Record, read_history
from cnnlab.run_outcomes import RunsFailed
from cnnlab.search.plan import Plan
from cnnlab.search.points import Point, State, ranking
from cnnlab.search.space import settings_text
from cnnlab.search.study import Study
from cnnlab.search.study_file import SEED_STEPS, Attempt, StudyFile


@dataclass
class Trying:
    """A point that is tried, or was.

    Attributes:
        config: None where these settings make no experiment, for the reason in `errors`.
        attempt: its trial in the study; None before it has one.
        waiting: seeds that have not begun. under_way: those that have.
        errors: why runs did not finish.
        curve: validation accuracies by step of the study.
        is_poor: a run was to be stopped when the process ended.
    """

    settings: Mapping[str, Any]
    config: ExperimentConfig | None
    seeds: tuple[int, ...]
    attempt: Attempt | None = None
    waiting: list[int] = field(default_factory=list)
    under_way: set[int] = field(default_factory=set)
    records: dict[int, Record] = field(default_factory=dict)
    errors: list[CnnlabError] = field(default_factory=list)
    curve: dict[int, float] = field(default_factory=dict)
    is_poor: bool = False

    @property
    def has_ended(self) -> bool:
        return not self.waiting and not self.under_way

    def as_point(self) -> Point:
        """What has come of it."""
        state: State = "finished"
        error = None
        if self.errors:
            state = "pruned" if any(isinstance(each, Pruned) for each in self.errors) else "failed"
            error = str(self.errors[0]).splitlines()[0]
        records = tuple(self.records[seed] for seed in self.seeds if seed in self.records)
        return Point(self.settings, self.config, self.seeds, records, state, error)

    def steps(self, seed: int) -> dict[int, float]:
        """What is known of the epochs of a seed."""
        offset = self.offset(seed)
        return {each: value for each, value in self.curve.items() if offset < each <= offset + SEED_STEPS}

    def offset(self, seed: int) -> int:
        """The step before the first one of a seed."""
        return self.seeds.index(seed) * SEED_STEPS


class Trials:
    """All points of a sweep, those of earlier processes included.

    Args:
        reporter: the user's, who is told of each point that has ended.
        planned: how many there will be.
    """

    def __init__(self, plan: Plan, file: StudyFile, out: Path, reporter: Reporter, planned: int) -> None:
        self.points: list[Trying] = []
        self.broken: CnnlabError | None = None
        """Why the study could not be written."""

        self._plan = plan
        self._file = file
        self._out = out
        self._reporter = reporter
        self._planned = planned
        self._by_digest: dict[str, Trying] = {}
        self._ended: list[Point] = []

    def add(
        self,
        settings: Mapping[str, Any],
        made: ExperimentConfig | CnnlabError,
        attempt: Attempt | None = None,
    ) -> Trying:
        """Take up a point, with the trial that it has in the study, if it has one.

        What was pruned before stays so, unless its runs have been finished meanwhile; all else is found, or
        trained where it is missing.
        """
        plan = self._plan
        if isinstance(made, CnnlabError):
            point = Trying(settings, None, plan.seeds, attempt, errors=[made])
            self.points.append(point)
            self._end(point)
            return point
        point = Trying(settings, made, plan.seeds, attempt, list(plan.seeds))
        if attempt is not None:
            point.curve = dict(attempt.curve)
            if attempt.state == "pruned" and (missing := self._missing(made)):
                point.errors.append(_pruned_before(attempt))
                point.waiting = [seed for seed in plan.seeds if seed not in missing]
        self.points.append(point)
        self._by_digest[made.digest] = point
        if point.has_ended:
            self._end(point)
        return point

    def of(self, config: ExperimentConfig) -> Trying | None:
        """The point with this experiment."""
        return self._by_digest.get(config.digest)

    def begin(self, point: Trying, config: ExperimentConfig) -> ExperimentConfig:
        """The next run of a point, which is about to be found or trained."""
        seed = point.waiting.pop(0)
        point.under_way.add(seed)
        if point.attempt is None:
            point.attempt = self._file.begun(point.settings)
        return config.with_seed(seed)

    def resumed(self, config: ExperimentConfig) -> None:
        """A run goes on: what the study has missed of it is in its history."""
        point, before = self._point(config), set(self._point(config).curve)
        history = read_history(run_path(config, self._out))
        last = max(point.steps(config.seed), default=0)
        for row in history:
            step = self._note(point, config, row)
            if step is not None and (step not in before or step == last):
                point.is_poor |= self._is_poor(point, config, step)

    def epoch_ended(self, config: ExperimentConfig, row: EpochRow) -> None:
        """Tell the study of an epoch.

        Raises:
            Pruned: the run is to be stopped.
        """
        point, epoch = self._point(config), int(row["epoch"] or 0)
        step = self._note(point, config, row)
        if not self._plan.prune or step is None or epoch == config.training.epochs:
            return
        if point.is_poor or self._is_poor(point, config, step):
            raise Pruned(epoch)

    def run_ended(self, config: ExperimentConfig, outcome: Record | CnnlabError) -> None:
        """What has come of a run.

        Raises:
            CnnlabError: the study cannot be written, or could not be while the run was trained.
        """
        if self.broken is not None:
            raise self.broken
        point = self._point(config)
        point.under_way.discard(config.seed)
        if config.seed in point.waiting:
            point.waiting.remove(config.seed)
        if isinstance(outcome, CnnlabError):
            point.errors.append(outcome)
            if isinstance(outcome, Pruned):
                point.waiting.clear()
        else:
            point.records[config.seed] = outcome
            for row in outcome.history:
                self._note(point, config, row)
        if point.has_ended:
            self._end(point)

    def study(self) -> Study:
        """All that has come of it.

        Raises:
            RunsFailed: no run finished.
        """
        failures = [
            (point.config or self._plan.base, error) for point in self.points for error in point.errors
        ]
        if failures and not any(point.records for point in self.points):
            raise RunsFailed([], failures)
        return Study(self._plan, tuple(each.as_point() for each in self.points))

    def _point(self, config: ExperimentConfig) -> Trying:
        return self._by_digest[config.digest]

    def _missing(self, config: ExperimentConfig) -> list[int]:
        finished = finished_seeds(config, self._out)
        return [seed for seed in self._plan.seeds if seed not in finished]

    def _note(self, point: Trying, config: ExperimentConfig, row: EpochRow) -> int | None:
        """Keep the validation accuracy of an epoch; returns its step."""
        accuracy = row["val_accuracy"]
        if accuracy is None:
            return None
        step = point.offset(config.seed) + int(row["epoch"] or 0)
        if step not in point.curve:
            point.curve[step] = accuracy
            if point.attempt is not None and point.attempt.state is None:
                self._file.report(point.attempt.number, step, accuracy)
        return step

    def _is_poor(self, point: Trying, config: ExperimentConfig, step: int) -> bool:
        known_to_finish = point.attempt is not None and point.attempt.state == "finished"
        if not self._plan.prune or known_to_finish:  # its run was removed since
            return False
        so_far = {each: value for each, value in point.steps(config.seed).items() if each <= step}
        offset = point.offset(config.seed)
        return self._file.is_poor(so_far, offset=offset, epochs=config.training.epochs)

    def _end(self, point: Trying) -> None:
        """A point has ended: tell the study, unless it knows, and the user."""
        ended, known = point.as_point(), point.attempt
        attempt = Attempt(
            known.number if known else -1, dict(point.settings), ended.state, _accuracy(ended),
            ended.error, point.curve,
        )  # fmt: skip
        if known is not None and known.state is None:
            self._file.end(attempt)
        elif known is None or (known.state, known.value) != (attempt.state, attempt.value):
            self._file.add(attempt)
        point.attempt = attempt
        self._tell(ended)

    def _tell(self, point: Point) -> None:
        self._ended.append(point)
        best = None
        if order := ranking(self._ended):
            winner = self._ended[order[0]]
            best = (settings_text(winner.settings), _accuracy(winner) or 0.0)
        self._reporter.tried(
            Tried(
                len(self._ended), self._planned, settings_text(point.settings), point.state,
                _accuracy(point), best,
            )
        )  # fmt: skip


def _accuracy(point: Point) -> float | None:
    """What a point that finished has reached."""
    reached = point.validation_accuracy if point.state == "finished" else None
    return None if reached is None else reached.mean


def _pruned_before(attempt: Attempt) -> Pruned:
    """As it was told then."""
    last = max(attempt.curve, default=0) % SEED_STEPS
    return Pruned(last)
