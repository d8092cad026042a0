"""The loop over epochs: step, validate, write down, save."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import keras

from cnnlab.accounting.architecture import NUMBER_BYTES
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.sections import TrainingConfig
from cnnlab.datasets.content import Dataset
from cnnlab.reporting import Reporter
from cnnlab.run_folders.contents import RunWarning
from cnnlab.run_folders.records import EpochRow
from cnnlab.run_folders.run_writer import RunWriter
from cnnlab.training.checkpoint import Best, Checkpoint
from cnnlab.training.epoch import check_loss, train_epoch
from cnnlab.training.evaluation import evaluate
from cnnlab.training.health import Observation, diagnose
from cnnlab.training.observing import Observer, seen_before
from cnnlab.training.steps import Learner, Steps
from cnnlab.training.stopping import reductions, should_stop


@dataclass(frozen=True)
class Fitted:
    """What the loop over epochs leaves: its table, and which epoch's weights the model now has."""

    history: list[EpochRow]
    best_epoch: int | None
    """The epoch of the highest validation accuracy, the first one if there are several."""

    warnings: tuple[RunWarning, ...]
    """Signs that the training did not go well."""


def fit(
    config: ExperimentConfig,
    learner: Learner,
    steps: Steps,
    data: Dataset,
    run: RunWriter,
    reporter: Reporter,
) -> Fitted:
    """Train to the last epoch, or to early stopping, from the run's checkpoint on where it has one.

    The order of the images is a function of seed and epoch alone, so an interrupted run that goes on
    ends with the same weights, bit for bit, as one that was never interrupted.

    Raises:
        Diverged: the loss is no longer a finite number.
    """
    training = config.training
    history: list[EpochRow] = []
    best: Best | None = None
    batch_size = evaluation_batch(config)
    observations: list[Observation] = []
    if saved := run.read_checkpoint(reporter.warn):
        checkpoint = Checkpoint.from_arrays(saved.arrays)
        needs_best = training.keep == "best" and any(row["val_accuracy"] is not None for row in saved.history)
        checkpoint.restore(learner.model, learner.optimizer, needs_best=needs_best)
        best = checkpoint.best
        history = list(saved.history)
        observations = seen_before(checkpoint.observations, len(history), learner.model)
        run.write_history(history)  # whoever is killed between two files leaves an older table
    reporter.started(config, done=len(history), resumed=saved is not None)
    observer = Observer.of(config, learner.model, data, batch_size=batch_size)
    ended = has_ended(history, training)
    warnings = diagnose(history, observations, observer.circumstances, ended=ended)
    while not ended:
        epoch = len(history) + 1
        _reduce_learning_rate(config, learner, history)
        row = train_epoch(config, learner, steps, epoch, reporter)
        if len(data.validation):
            with averaged_weights(config, learner):
                result = evaluate(
                    steps, learner.objective, data.validation, batch_size=batch_size, metrics=training.metrics
                )
                check_loss(result.loss, "validation loss", row, learner)
                row |= {"val_loss": result.loss, "val_accuracy": result.accuracy}
                row |= {f"val_{name}": value for name, value in result.metrics.items()}
                if training.keep == "best" and (best is None or result.accuracy > best.accuracy):
                    best = Best(epoch, result.accuracy, learner.model.get_weights())
        else:  # some training images tell whether it is well
            result = evaluate(steps, learner.objective, observer.watched, batch_size=batch_size)
            check_loss(result.loss, "train loss", row, learner)
        history.append(row)
        ended = has_ended(history, training)
        observations.append(observer.observe(row, result.probabilities, last=ended))
        state = Checkpoint.of(
            learner.model, learner.optimizer, epoch=epoch, best=best,
            observations=[each.as_array() for each in observations],
        )  # fmt: skip
        run.write_checkpoint(state.as_arrays(), history)
        reporter.epoch_ended(config, row)
        found = diagnose(history, observations, observer.circumstances, ended=ended, before=warnings)
        for warning in found[len(warnings) :]:
            reporter.warn(f"{config.name}, seed {config.seed}, epoch {warning.epoch}: {warning.message}")
        warnings = found
    if best is not None:
        learner.model.set_weights(best.weights)
    else:  # with use_ema the average takes the weights' place, else nothing happens
        learner.optimizer.finalize_variable_values(learner.model.trainable_variables)
    return Fitted(history, best_epoch(history), warnings)


def has_ended(history: Sequence[EpochRow], training: TrainingConfig) -> bool:
    """Whether no epoch follows these."""
    return len(history) >= training.epochs or should_stop(history, training.early_stopping)


@contextmanager
def averaged_weights(config: ExperimentConfig, learner: Learner) -> Iterator[None]:
    """With use_ema: the moving average stands in the weights' place during the block."""
    if not config.training.optimizer.use_ema:
        yield
        return
    variables = learner.model.trainable_variables
    weights = [keras.ops.copy(variable.value) for variable in variables]
    learner.optimizer.finalize_variable_values(variables)
    try:
        yield
    finally:
        for variable, weight in zip(variables, weights, strict=True):
            variable.assign(weight)


def _reduce_learning_rate(config: ExperimentConfig, learner: Learner, history: Sequence[EpochRow]) -> None:
    """Set the rate that the plateaus so far have led to."""
    rule = config.training.reduce_on_plateau
    if rule and (count := reductions(history, rule)):
        initial = config.training.optimizer.learning_rate.initial
        learner.optimizer.learning_rate = max(initial * rule.factor**count, rule.min_learning_rate)


def best_epoch(history: list[EpochRow]) -> int | None:
    """The epoch of the highest validation accuracy; None without validation images."""
    validated = [row for row in history if row["val_accuracy"] is not None]
    if not validated:
        return None
    return int(max(validated, key=lambda row: row["val_accuracy"] or 0.0)["epoch"] or 0)


def evaluation_batch(config: ExperimentConfig) -> int:
    """How many images are evaluated at once: few enough that what they take stays below 256 MiB."""
    outputs = sum(math.prod(row.output_shape) for row in config.architecture.rows)
    taken = NUMBER_BYTES * outputs + config.architecture.working_bytes
    return max(1, min(500, 2**28 // max(1, taken)))
