"""One run, from its config to its result, as a straight line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cnnlab.backend import start_backend
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.datasets.content import Dataset
from cnnlab.memory import PeakMemory
from cnnlab.model import build_model
from cnnlab.pictures.plots import history_curves
from cnnlab.reporting import Reporter
from cnnlab.run_folders.contents import RunResult
from cnnlab.run_folders.run_writer import RunWriter
from cnnlab.training.distribution import sharing_devices
from cnnlab.training.epoch import check_loss
from cnnlab.training.evaluation import Evaluation, evaluate
from cnnlab.training.fit import Fitted, OngoingRun, fit
from cnnlab.training.objective import Objective
from cnnlab.training.objective_scratch import ScratchObjective
from cnnlab.training.optimization import build_optimizer
from cnnlab.training.optimizer_scratch import ScratchOptimizer
from cnnlab.training.steps import Answers, Learner, Steps, StepsAlone, StepsTogether, compile_steps
from cnnlab.training.steps_scratch import ScratchSteps


def train(
    config: ExperimentConfig,
    data: Dataset,
    run: RunWriter,
    reporter: Reporter,
    *,
    environment: Mapping[str, Any],
) -> None:
    """Train an experiment in its run folder, or go on where the folder's checkpoint stands.

    `environment` is what the folder records of the machine and the data. The test images are used once,
    after the last epoch.

    Raises:
        Diverged: the loss is no longer a finite number.
        CnnlabError: the folder cannot be written.
    """
    memory = PeakMemory(start_backend(config.runtime), data)
    run.write_setting({**environment, "peak_memory": memory.description})
    learner, compiled = prepare(config, data)
    steps = StepsAlone(learner, compiled)
    memory.begin()
    ongoing = OngoingRun(config, learner, data, run, reporter)
    fit([ongoing], steps, reporter)
    [evaluations] = evaluate_splits([ongoing], steps, data).values()
    peak = memory.peak()
    fitted = write_trained(ongoing, evaluations, data)
    del learner, compiled, steps, ongoing  # what is left without them is not this run's
    taken = memory.of_run(peak)
    reached = result(
        config, fitted, evaluations,
        seconds=run.seconds, peak_memory_bytes=taken, side_by_side=environment.get("side_by_side"),
    )  # fmt: skip
    run.write_json("result.json", reached.as_dict())


def prepare(config: ExperimentConfig, data: Dataset) -> tuple[Learner, Steps]:
    """The network with fresh weights, its optimizer and loss, and its compiled steps."""
    learner = learner_of(config, data)
    if config.runtime.backend == "scratch":
        return learner, ScratchSteps(config, learner)
    return learner, compile_steps(learner, sharing_devices(config, start_backend(config.runtime)))


def learner_of(config: ExperimentConfig, data: Dataset) -> Learner:
    """The network with fresh weights, its optimizer and loss."""
    model = build_model(config)
    optimizer: Any
    if config.runtime.backend == "scratch":
        optimizer = ScratchOptimizer(config, train_count=len(data.train))
        objective: Objective = ScratchObjective.of(config, data.class_names, data.train)
    else:
        optimizer = build_optimizer(config, train_count=len(data.train))
        objective = Objective.of(config, data.class_names, data.train)
    return Learner(model, optimizer, objective, data.train, data.pixels)


def evaluate_splits(
    runs: Sequence[OngoingRun], steps: StepsTogether, data: Dataset
) -> dict[int, dict[str, Evaluation]]:
    """How good runs of one experiment have become: by lane, and by split that has images.

    Runs that fail are left out.

    Raises:
        Diverged: the loss of a run that fails by raising is not a finite number.
    """
    for run in runs:
        run.take_final_weights()
    evaluations: dict[int, dict[str, Evaluation]] = {run.lane: {} for run in runs}
    for name, split in {"train": data.train, "validation": data.validation, "test": data.test}.items():
        if not len(split):
            continue
        batch_size = runs[0].config.evaluation_batch
        answers = steps.outputs(split.images, batch_size)
        for run in runs:
            with run.failing():
                evaluation = evaluate(
                    Answers(answers[run.lane]), run.learner.objective, split,
                    batch_size=batch_size, metrics=run.config.training.metrics,
                )  # fmt: skip
                check_loss(evaluation.loss, f"{name} loss", run.history[-1], run.learner)
                evaluations[run.lane][name] = evaluation
        runs = [run for run in runs if not run.failed]
    return {run.lane: evaluations[run.lane] for run in runs}


def write_trained(ongoing: OngoingRun, evaluations: Mapping[str, Evaluation], data: Dataset) -> Fitted:
    """Write the network of a run, what it answers, and its curves; returns what else is to be written.

    Raises:
        CnnlabError: the folder cannot be written.
    """
    config, run, fitted = ongoing.config, ongoing.run, ongoing.fitted()
    test = evaluations.get("test")
    if test is None:
        raise ValueError("a dataset without test images")
    run.write_arrays(
        "predictions.npz",
        labels=data.test.labels,
        predicted=test.probabilities.argmax(axis=1),
        probabilities=test.probabilities.astype(np.float16),
    )
    run.save_with("model.keras", ongoing.learner.model.save)
    run.write_figure("curves.png", history_curves(fitted.history, title=config.run_title))
    return fitted


def result(
    config: ExperimentConfig,
    fitted: Fitted,
    evaluations: Mapping[str, Evaluation],
    *,
    seconds: float,
    peak_memory_bytes: int | None,
    side_by_side: int | None,
) -> RunResult:
    """What the run has reached; `evaluations`: by split that has images."""
    architecture = config.architecture
    epochs = len(fitted.history)
    training_seconds = sum(float(row["seconds"] or 0) for row in fitted.history)
    images = sum(float(row["seconds"] or 0) * float(row["images_per_second"] or 0) for row in fitted.history)
    losses = {split: evaluation.loss for split, evaluation in evaluations.items()}
    accuracies = {split: evaluation.accuracy for split, evaluation in evaluations.items()}
    return RunResult(
        name=config.name,
        digest=config.digest,
        seed=config.seed,
        test_accuracy=accuracies["test"],
        validation_accuracy=accuracies.get("validation"),
        train_accuracy=accuracies.get("train"),
        test_loss=losses["test"],
        validation_loss=losses.get("validation"),
        train_loss=losses.get("train"),
        metrics={
            f"{split}_{name}": value
            for split, evaluation in evaluations.items()
            for name, value in evaluation.metrics.items()
        },
        epochs=epochs,
        best_epoch=fitted.best_epoch,
        tested_epoch=fitted.best_epoch if config.training.keep == "best" else epochs,
        params=architecture.total_params,
        trainable_params=architecture.trainable_params,
        macs=architecture.macs,
        seconds=seconds,
        seconds_per_epoch=training_seconds / epochs,
        images_per_second=images / training_seconds,
        peak_memory_bytes=peak_memory_bytes,
        side_by_side=side_by_side,
        warnings=fitted.warnings,
    )
