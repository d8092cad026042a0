"""Runs of one experiment that differ in their seeds, trained as one program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from cnnlab.backend import start_backend
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.datasets.content import Dataset
from cnnlab.memory import PeakMemory
from cnnlab.reporting import Reporter
from cnnlab.run_folders.run_writer import RunWriter
from cnnlab.training.fit import OngoingRun, fit
from cnnlab.training.train import evaluate_splits, learner_of, result, write_trained


@dataclass(frozen=True)
class Member:
    """A run of the group, its folder open.

    lane: its place in the program.
    environment: what the folder records of the machine and the data.
    failing: gives the context in which what this run alone fails with may be raised, and is kept.
    finish: is called when all files of the run are written.
    """

    config: ExperimentConfig
    lane: int
    run: RunWriter
    environment: Mapping[str, Any]
    failing: Callable[[], AbstractContextManager[None]]
    finish: Callable[[], None]


def train_together(
    lanes: Sequence[ExperimentConfig], members: Sequence[Member], data: Dataset, reporter: Reporter
) -> None:
    """Train runs in their folders, or go on where the checkpoints stand; each fails or finishes by itself.

    Args:
        lanes: one config with the seeds of the program. Not each of them need have a member, for the
            program is to stay the same where some of its runs are finished.
    """
    # The next run of this process must not take itself for the first; what one of these takes, nobody knows.
    PeakMemory(start_backend(lanes[0].runtime), data)
    not_stated = f"not stated: {len(lanes)} seeds were trained in one program, which holds all of them"
    from cnnlab.training.steps_jax_together import JaxStepsTogether

    learners = [learner_of(config, data) for config in lanes]
    # One objective for all: on a GPU, its loss is a compiled program.
    learners = [replace(each, objective=learners[0].objective) for each in learners]
    steps = JaxStepsTogether(learners)
    runs: dict[int, OngoingRun] = {}
    for each in members:
        with each.failing():
            each.run.write_setting({**each.environment, "peak_memory": not_stated})
            runs[each.lane] = OngoingRun(
                each.config, learners[each.lane], data, each.run, reporter,
                lane=each.lane, failing=each.failing,
            )  # fmt: skip
    fit(list(runs.values()), steps, reporter)
    trained = [run for run in runs.values() if not run.failed]
    evaluations = evaluate_splits(trained, steps, data) if trained else {}
    for each in members:
        if each.lane not in evaluations:
            continue
        with each.failing():
            fitted = write_trained(runs[each.lane], evaluations[each.lane], data)
            reached = result(
                each.config, fitted, evaluations[each.lane], seconds=each.run.seconds,
                peak_memory_bytes=None, side_by_side=each.environment.get("side_by_side"),
            )  # fmt: skip
            each.run.write_json("result.json", reached.as_dict())
            each.finish()
