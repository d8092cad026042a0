"""A ladder → its runs, found or trained, and what they show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cnnlab.comparison.experiments import ExperimentRuns
from cnnlab.comparison.outcomes import Outcome, outcome_of
from cnnlab.errors import CnnlabError
from cnnlab.jobs import Jobs
from cnnlab.ladder.rungs import Ladder, Rung
from cnnlab.ladder.steps import Interaction, Step, contrasts_of, interactions_of, steps_of
from cnnlab.run_folders.records import Record
from cnnlab.run_outcomes import RunsFailed

SHIFTS = (0, 1, 2, 3, 4)
"""Pixels to the right, by which test images are shifted."""

SHIFTED_IMAGES = 1000
"""So many test images are shifted."""


class Shifted(NamedTuple):
    """The accuracy of a rung on shifted test images: the mean over its seeds, in [0, 1]."""

    rung: str
    pixels: int
    accuracy: float


@dataclass(frozen=True)
class Study:
    """A ladder with what its rungs have reached."""

    ladder: Ladder
    seeds: tuple[int, ...]
    outcomes: Mapping[str, Outcome]  # by the id of each rung that has finished runs
    failures: Mapping[str, Mapping[int, str]]  # by rung and seed: why the run did not finish
    steps: tuple[Step, ...]
    contrasts: tuple[Step, ...]
    interactions: tuple[Interaction, ...]
    shifted: tuple[Shifted, ...]

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """Those with finished runs; what failed is stepped over."""
        return self.ladder.among(self.outcomes)

    @property
    def records(self) -> tuple[Record, ...]:
        return tuple(record for outcome in self.outcomes.values() for record in outcome.records)

    @property
    def left_out(self) -> dict[str, str]:
        """Rungs without a result: why."""
        failed = {
            rung: f"failed: {next(iter(reasons.values()))}"
            for rung, reasons in self.failures.items()
            if rung not in self.outcomes
        }
        return {**self.ladder.left_out, **failed}


def carry_out(ladder: Ladder, *, seeds: Sequence[int], jobs: Jobs) -> Study:
    """Train what is missing of a ladder, and measure the rest.

    A run that fails is left out; the others are kept.

    Raises:
        UserError: nothing can be trained here.
        RunsFailed: no run of one of the two networks finished.
    """
    configs = [rung.config.with_seed(seed) for rung in ladder.rungs for seed in seeds]
    failed: RunsFailed | None = None
    try:
        records: Sequence[Record] = jobs.finished(configs)
    except RunsFailed as error:
        failed, records = error, error.records
    by_experiment: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        by_experiment.setdefault((record.name, record.config.digest), []).append(record)
    outcomes = {
        rung.id: outcome_of(ExperimentRuns.of(found), rung.id)
        for rung in ladder.rungs
        if (found := by_experiment.get((rung.config.name, rung.config.digest)))
    }
    if failed is not None and not {"dnn", "cnn"} <= outcomes.keys():
        raise failed
    return Study(
        ladder=ladder,
        seeds=tuple(seeds),
        outcomes=outcomes,
        failures=_failures(ladder, failed),
        steps=steps_of(ladder.among(outcomes), outcomes),
        contrasts=contrasts_of(outcomes),
        interactions=interactions_of(outcomes),
        shifted=tuple(_shifted(ladder, outcomes, jobs)),
    )


def _failures(ladder: Ladder, failed: RunsFailed | None) -> dict[str, dict[int, str]]:
    reasons: dict[str, dict[int, str]] = {}
    ids = {(rung.config.name, rung.config.digest): rung.id for rung in ladder.rungs}
    for config, error in failed.failures if failed else ():
        reasons.setdefault(ids[config.name, config.digest], {})[config.seed] = _one_line(error)
    return reasons


def _one_line(error: CnnlabError) -> str:
    return str(error).splitlines()[0]


def _shifted(ladder: Ladder, outcomes: Mapping[str, Outcome], jobs: Jobs) -> list[Shifted]:
    """Every finished rung on shifted test images; nothing is trained.

    What was trained on permuted pixels sees images that are shifted first and permuted then.
    """
    from cnnlab.explanations.finding import open_subject
    from cnnlab.explanations.invariance import accuracies

    amounts = np.array(SHIFTS, np.float64)
    images = ladder.dataset.model_copy(update={"permute_pixels": None})  # as a subject has them
    data = jobs.dataset(ladder.cnn.model_copy(update={"dataset": images}))
    found = []
    started = False
    jobs.reporter.note("evaluating all finished rungs on shifted test images")
    for rung, outcome in outcomes.items():
        curves = []
        for record in outcome.records:
            jobs.reporter.check_interruption()
            try:
                subject = open_subject(
                    record.path, out=jobs.out, data_paths=jobs.data_paths, reporter=jobs.reporter
                )
                if not started:
                    subject.start()
                    started = True
                subject.data = data  # read once for all runs
                curves.append(accuracies(subject, "shift", amounts, images=SHIFTED_IMAGES))
            except CnnlabError as error:  # what the runs have reached is known all the same
                jobs.reporter.warn(f"not evaluated on shifted images: {_one_line(error)}")
        if not curves:
            continue
        found += [
            Shifted(rung, pixels, float(mean))
            for pixels, mean in zip(SHIFTS, np.mean(curves, axis=0), strict=True)
        ]
    return found
