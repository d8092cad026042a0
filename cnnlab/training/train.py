"""One run, from its config to its result, as a straight line."""

from __future__ import annotations

from collections.abc import Mapping
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
from cnnlab.training.epoch import check_loss
from cnnlab.training.evaluation import Evaluation, evaluate
from cnnlab.training.fit import Fitted, evaluation_batch, fit
from cnnlab.training.objective import Objective
from cnnlab.training.optimization import build_optimizer
from cnnlab.training.steps import Learner, Steps, compile_steps


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
    learner, steps = prepare(config, data)
    model, objective = learner.model, learner.objective
    memory.begin()
    fitted = fit(config, learner, steps, data, run, reporter)

    batch_size = evaluation_batch(config)
    splits = {"train": data.train, "validation": data.validation, "test": data.test}
    results = {
        name: evaluate(steps, objective, split, batch_size=batch_size, metrics=config.training.metrics)
        if len(split)
        else None
        for name, split in splits.items()
    }
    for name, evaluation in results.items():
        if evaluation:
            check_loss(evaluation.loss, f"{name} loss", fitted.history[-1], learner)
    test = results["test"]
    if test is None:
        raise ValueError("a dataset without test images")
    peak = memory.peak()
    run.write_arrays(
        "predictions.npz",
        labels=data.test.labels,
        predicted=test.probabilities.argmax(axis=1),
        probabilities=test.probabilities.astype(np.float16),
    )
    run.save_with("model.keras", model.save)
    run.write_figure("curves.png", history_curves(fitted.history, title=f"{config.name}, seed {config.seed}"))
    del learner, steps, model, objective  # what is left without them is not this run's
    taken = memory.of_run(peak)
    reached = result(
        config, fitted, results,
        seconds=run.seconds, peak_memory_bytes=taken, side_by_side=environment.get("side_by_side"),
    )  # fmt: skip
    run.write_json("result.json", reached.as_dict())


def prepare(config: ExperimentConfig, data: Dataset) -> tuple[Learner, Steps]:
    """The network with fresh weights, its optimizer and loss, and its compiled steps."""
    model = build_model(config)
    optimizer = build_optimizer(config, train_count=len(data.train))
    objective = Objective.of(config, data.class_names, data.train)
    learner = Learner(model, optimizer, objective, data.train, data.pixels)
    return learner, compile_steps(learner)


def result(
    config: ExperimentConfig,
    fitted: Fitted,
    evaluations: Mapping[str, Evaluation | None],
    *,
    seconds: float,
    peak_memory_bytes: int | None,
    side_by_side: int | None,
) -> RunResult:
    """What the run has reached; `evaluations`: by split, None where there are no such images."""
    architecture = config.architecture
    epochs = len(fitted.history)
    training_seconds = sum(float(row["seconds"] or 0) for row in fitted.history)
    images = sum(float(row["seconds"] or 0) * float(row["images_per_second"] or 0) for row in fitted.history)
    measured = {split: evaluation for split, evaluation in evaluations.items() if evaluation}
    losses = {split: evaluation.loss for split, evaluation in measured.items()}
    accuracies = {split: evaluation.accuracy for split, evaluation in measured.items()}
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
            for split, evaluation in measured.items()
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
