"""A plan → its study: points are chosen, their runs found or trained, and what comes of them is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import CnnlabError, UserError
from cnnlab.jobs import Jobs
from cnnlab.run_folders.records import Record
from cnnlab.run_outcomes import RunsFailed
from cnnlab.search.identity import seed_of_search
from cnnlab.search.plan import Derive, Plan, Planned
from cnnlab.search.space import MOST_REPEATED, number_of, settings_text, size, untried
from cnnlab.search.study import Study, check_possible, planned_points
from cnnlab.search.study_file import Attempt, StudyFile, study_file
from cnnlab.search.trials import Trials, Trying
from cnnlab.search.watching import Watching


def carry_out(plan: Plan, derive: Derive, jobs: Jobs, watching: Watching) -> Study:
    """Try the points of a plan: find or train their runs.

    Args:
        watching: the reporter of the jobs.

    Raises:
        UserError: a point cannot be trained; nothing has been trained then.
        CnnlabError: the study cannot be written, or another process has it.
        RunsFailed: no run finished.
    """
    planned = None if plan.search == "tpe" else planned_points(plan, derive)
    check_possible(plan, planned, derive, jobs)
    count = 0 if plan.search == "grid" else _number_of(plan, watching)
    if planned is not None:
        count = len(planned)
    with study_file(plan, jobs.out, fresh=jobs.fresh) as file:
        trials = Trials(plan, file, jobs.out, watching.reporter, count)
        watching.trials = trials
        watching.searching(count)
        if planned is None:
            jobs.feed(Proposing(plan, derive, file, trials, watching, count), most=count * len(plan.seeds))
            return trials.study()
        _take_up(planned, file, trials)
        if plan.prune:
            jobs.feed(Source(plan, trials), most=count * len(plan.seeds))
            return trials.study()
        watching.hears_outcomes = True
        try:
            jobs.finished([config.with_seed(seed) for _, config in planned for seed in plan.seeds])
        except RunsFailed as error:
            if not error.records:
                raise
        return trials.study()


def _number_of(plan: Plan, watching: Watching) -> int:
    """How many points are proposed: as many as are wanted, or all."""
    wanted, total = plan.most_trials, size(plan.space)
    if total is not None and total < wanted:
        watching.note(f"{total:,} combinations are all there are, fewer than {wanted:,} trials")
        return total
    return wanted


def _take_up(planned: Sequence[Planned], file: StudyFile, trials: Trials) -> None:
    """The points that are known beforehand, each with the last that the study knows of it."""
    known = {settings_text(attempt.settings): attempt for attempt in file.attempts()}
    for settings, config in planned:
        trials.add(settings, config, known.get(settings_text(settings)))


@dataclass
class Source:
    """The runs of known points, in their order; with pruning, the seeds of a point one after the other."""

    plan: Plan
    trials: Trials

    def next(self) -> ExperimentConfig | None:
        """See `RunSource`."""
        for point in self.trials.points:
            if point.config is None or not point.waiting or (self.plan.prune and point.under_way):
                continue
            return self.trials.begin(point, point.config)
        return None

    def ended(self, config: ExperimentConfig, outcome: Record | CnnlabError) -> None:
        """See `RunSource`."""
        self.trials.run_ended(config, outcome)


class Proposing(Source):
    """The runs of points that TPE proposes, each from what has come of earlier ones."""

    def __init__(
        self, plan: Plan, derive: Derive, file: StudyFile, trials: Trials, watching: Watching, count: int
    ) -> None:
        super().__init__(plan, trials)
        self._derive = derive
        self._file = file
        self._watching = watching
        self._count = count
        self._total = size(plan.space)
        self._tried: set[str] = set()
        self._impossible: dict[str, Trying] = {}
        """Points that make no experiment, by their text."""

        self._repeated = 0
        attempts = list(file.attempts())
        # What failed and was tried again has a second trial, which has ended.
        ended = [each for each in attempts if each.state and not each.is_repeated]
        last = {settings_text(each.settings): each for each in ended}
        for attempt in attempts:
            if len(trials.points) < count:
                self._consider(attempt, last.get(settings_text(attempt.settings), attempt))
        self._repeated = 0  # what was tried before is no proposal of now

    def next(self) -> ExperimentConfig | None:
        """See `RunSource`."""
        while (config := super().next()) is None:
            if not self._propose():
                return None
        return config

    def _propose(self) -> bool:
        """Take up another point, if there is one."""
        if len(self.trials.points) >= self._count or len(self._tried) == self._total:
            return False
        if self._repeated < MOST_REPEATED:
            self._consider(self._file.proposed())
            return True
        if self._total is None:
            self._watching.note(f"TPE proposes nothing new; {len(self.trials.points):,} points were tried")
            self._count = len(self.trials.points)
            return False
        seed = number_of(seed_of_search(self.plan), len(self._tried), "untried")
        self._consider(self._file.begun(untried(self.plan.space, self._tried, seed)))
        return True

    def _consider(self, attempt: Attempt, last: Attempt | None = None) -> None:
        """Take up the point of a trial, unless an earlier one has tried it.

        Args:
            last: the last trial with these settings.
        """
        text = settings_text(attempt.settings)
        self._tried.add(text)
        made: ExperimentConfig | CnnlabError
        try:
            made = self._derive(attempt.settings)
        except UserError as error:
            made, earlier = error, self._impossible.get(text)
        else:
            earlier = self.trials.of(made)
        if earlier is None:
            point = self.trials.add(attempt.settings, made, last or attempt)
            if isinstance(made, CnnlabError):
                self._impossible[text] = point
            self._repeated = 0
            return
        if attempt.state is None and earlier.attempt is not None:
            self._file.repeats(attempt, earlier.attempt)
        self._repeated += 1
