"""The loop over epochs: step, validate, write down, save."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.sections import TrainingConfig
from cnnlab.datasets.content import Dataset, Split
from cnnlab.errors import Pruned
from cnnlab.reporting import Reporter
from cnnlab.run_folders.contents import RunWarning
from cnnlab.run_folders.epochs import listed
from cnnlab.run_folders.records import EpochRow
from cnnlab.run_folders.run_writer import RunWriter
from cnnlab.training.checkpoint import Best, Checkpoint, named_weights
from cnnlab.training.epoch import EpochOfRun, check_loss, train_epoch_together
from cnnlab.training.evaluation import Evaluation, evaluate
from cnnlab.training.health import Observation, diagnose
from cnnlab.training.observing import Observer, seen_before
from cnnlab.training.steps import Answers, Learner, StepsTogether
from cnnlab.training.stopping import reductions, should_stop

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Fitted:
    """What the loop over epochs leaves: its table, and which epoch's weights the model now has."""

    history: list[EpochRow]
    best_epoch: int | None
    """The epoch of the highest validation accuracy, the first one if there are several."""

    warnings: tuple[RunWarning, ...]
    """Signs that the training did not go well."""


class OngoingRun:
    """One run on its way from epoch to epoch, from its checkpoint on where it has one.

    The order of the images is a function of seed and epoch alone, so an interrupted run that goes on
    ends with the same weights, bit for bit, as one that was never interrupted.

    Args:
        lane: its place in the steps that it is trained by.
        failing: gives the context in which what this run alone fails with may be raised.

    Attributes:
        ended: whether no epoch follows.
        failed: whether it has failed, and its context has kept the error.
        history: its epochs so far.
    """

    def __init__(
        self,
        config: ExperimentConfig,
        learner: Learner,
        data: Dataset,
        run: RunWriter,
        reporter: Reporter,
        *,
        lane: int = 0,
        failing: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.config, self.learner, self.lane, self.run = config, learner, lane, run
        self.history: list[EpochRow] = []
        self.failed = False
        self._reporter, self._failing = reporter, failing
        self._best: Best | None = None
        observations: list[Observation] = []
        training = config.training
        if training.keep_epochs and not run.has_epoch(0):
            self._keep_weights(0)  # of the fresh network, whatever it goes on from
        if saved := run.read_checkpoint(reporter.warn):
            checkpoint = Checkpoint.from_arrays(saved.arrays)
            needs_best = training.keep == "best" and any(
                row["val_accuracy"] is not None for row in saved.history
            )
            checkpoint.restore(learner.model, learner.optimizer, needs_best=needs_best)
            self._best = checkpoint.best
            self.history = list(saved.history)
            observations = seen_before(checkpoint.observations, len(self.history), learner.model)
            self._keep_resumed_epoch()
            run.write_history(self.history)  # whoever is killed between two files leaves an older table
        self._observations = observations
        reporter.started(config, done=len(self.history), resumed=saved is not None)
        at_once = config.evaluation_batch
        self._observer = Observer.of(config, learner.model, data, batch_size=at_once)
        self._validates = len(data.validation) > 0
        self.ended = has_ended(self.history, training)
        self.warnings = diagnose(self.history, observations, self._observer.circumstances, ended=self.ended)

    @property
    def epoch(self) -> int:
        """The next one, from 1 on."""
        return len(self.history) + 1

    @property
    def watched(self) -> Split:
        """The images that it is evaluated on after each epoch."""
        return self._observer.watched

    @contextmanager
    def failing(self) -> Iterator[None]:
        """A block in which the run alone may fail."""
        came_through = False
        with self._failing():
            yield
            came_through = True
        self.failed |= not came_through

    def reduce_learning_rate(self) -> None:
        """Set the rate that the plateaus so far have led to."""
        rule = self.config.training.reduce_on_plateau
        if rule and (count := reductions(self.history, rule)):
            initial = self.config.training.optimizer.learning_rate.initial
            self.learner.optimizer.learning_rate = max(initial * rule.factor**count, rule.min_learning_rate)

    def evaluated_weights(self) -> AbstractContextManager[None]:
        """In this block, the network has the weights that it is evaluated with after an epoch."""
        averages = self._validates and self.config.training.optimizer.use_ema
        return _averaged_weights(self.learner) if averages else nullcontext()

    def evaluate(self, row: dict[str, float | int | None], answers: np.ndarray) -> Evaluation:
        """See how good the network is after the epoch of `row`, while it has the weights of the answers.

        Args:
            answers: (N, num_classes) float32, on the images in `watched`.

        Raises:
            Diverged: the loss is not a finite number.
        """
        training, objective = self.config.training, self.learner.objective
        metrics = training.metrics if self._validates else ()
        result = evaluate(
            Answers(answers), objective, self.watched,
            batch_size=self.config.evaluation_batch, metrics=metrics,
        )  # fmt: skip
        check_loss(result.loss, "validation loss" if self._validates else "train loss", row, self.learner)
        if self._validates:  # otherwise some training images tell whether it is well
            row |= {"val_loss": result.loss, "val_accuracy": result.accuracy}
            row |= {f"val_{name}": value for name, value in result.metrics.items()}
            if training.keep == "best" and (self._best is None or result.accuracy > self._best.accuracy):
                self._best = Best(self.epoch, result.accuracy, self.learner.model.get_weights())
        return result

    def end_epoch(self, row: EpochRow, evaluation: Evaluation) -> None:
        """Write an epoch down, and save it.

        Raises:
            CnnlabError: the folder cannot be written.
        """
        epoch, learner = self.epoch, self.learner
        self.history.append(row)
        self.ended = has_ended(self.history, self.config.training)
        self._observations.append(self._observer.observe(row, evaluation.probabilities, last=self.ended))
        state = Checkpoint.of(
            learner.model, learner.optimizer, epoch=epoch, best=self._best,
            observations=[each.as_array() for each in self._observations],
        )  # fmt: skip
        if self.config.training.keep_epochs:
            self._keep_weights(epoch)
        self.run.write_checkpoint(state.as_arrays(), self.history)
        with suppress(Pruned) if self.ended else nullcontext():  # there is nothing left to save
            self._reporter.epoch_ended(self.config, row)
        circumstances, before = self._observer.circumstances, self.warnings
        self.warnings = diagnose(
            self.history, self._observations, circumstances, ended=self.ended, before=before
        )
        for warning in self.warnings[len(before) :]:
            self._reporter.warn(f"{self.config.run_title}, epoch {warning.epoch}: {warning.message}")

    def _keep_weights(self, epoch: int) -> None:
        """Write the weights that the run would end with if this epoch were its last, and keep the last ones.

        Raises:
            CnnlabError: the folder cannot be written.
        """
        averages = epoch and self.config.training.optimizer.use_ema  # there is nothing to average before
        with _averaged_weights(self.learner) if averages else nullcontext():
            self.run.write_epoch(epoch, named_weights(self.learner.model))

    def _keep_resumed_epoch(self) -> None:
        """Keep the epoch that the run goes on after, and say which earlier ones it has not kept."""
        if not self.config.training.keep_epochs:
            return
        if not self.run.has_epoch(done := len(self.history)):
            self._keep_weights(done)
        lost = [epoch for epoch in range(done) if not self.run.has_epoch(epoch)]
        if lost:
            what = f"epoch {lost[0]}" if len(lost) == 1 else f"epochs {listed(lost)}"
            self._reporter.warn(
                f"{self.config.run_title}: the weights of {what} were not kept, because training.keep_epochs "
                "was not set then; --fresh trains the run again with all of them"
            )

    def take_final_weights(self) -> None:
        """Give the network the weights that the run ends with."""
        learner = self.learner
        if self._best is not None:
            learner.model.set_weights(self._best.weights)
        elif self.config.training.optimizer.use_ema:  # the average takes the weights' place
            learner.optimizer.finalize_variable_values(learner.model.trainable_variables)

    def fitted(self) -> Fitted:
        """What it leaves, without its network."""
        return Fitted(self.history, best_epoch(self.history), self.warnings)


def fit(runs: Sequence[OngoingRun], steps: StepsTogether, reporter: Reporter) -> None:
    """Train runs of one experiment to their last epochs, or to early stopping.

    Those that are an epoch ahead, as one that was interrupted can be, wait for the others.

    Raises:
        Diverged: the loss of a run that fails by raising is no longer a finite number.
    """
    while training := [each for each in runs if not (each.ended or each.failed)]:
        epoch = min(each.epoch for each in training)
        at_work = {each.lane: each for each in training if each.epoch == epoch}
        for run in at_work.values():
            run.reduce_learning_rate()
        parts = [EpochOfRun(each.config, each.learner, epoch, lane=lane) for lane, each in at_work.items()]
        failing = {lane: each.failing for lane, each in at_work.items()}
        trained = train_epoch_together(parts, steps, reporter, failing=failing)
        if trained:
            _end_epoch([(at_work[part.lane], part.row()) for part in trained], steps)


def _end_epoch(
    trained: Sequence[tuple[OngoingRun, dict[str, float | int | None]]], steps: StepsTogether
) -> None:
    """Evaluate runs that have been trained for an epoch, and let each write it down."""
    first, _ = trained[0]
    evaluations: dict[int, Evaluation] = {}
    with ExitStack() as weights:
        for run, _ in trained:
            weights.enter_context(run.evaluated_weights())
        answers = steps.outputs(first.watched.images, first.config.evaluation_batch)
        for run, row in trained:
            with run.failing():
                evaluations[run.lane] = run.evaluate(row, answers[run.lane])
    for run, row in trained:
        if run.lane in evaluations:
            with run.failing():
                run.end_epoch(row, evaluations[run.lane])


def has_ended(history: Sequence[EpochRow], training: TrainingConfig) -> bool:
    """Whether no epoch follows these."""
    return len(history) >= training.epochs or should_stop(history, training.early_stopping)


@contextmanager
def _averaged_weights(learner: Learner) -> Iterator[None]:
    """With use_ema: the moving average stands in the weights' place during the block."""
    variables = learner.model.trainable_variables
    weights = [keras.ops.copy(variable.value) for variable in variables]
    learner.optimizer.finalize_variable_values(variables)
    try:
        yield
    finally:
        for variable, weight in zip(variables, weights, strict=True):
            variable.assign(weight)


def best_epoch(history: list[EpochRow]) -> int | None:
    """The epoch of the highest validation accuracy; None without validation images."""
    validated = [row for row in history if row["val_accuracy"] is not None]
    if not validated:
        return None
    return int(max(validated, key=lambda row: row["val_accuracy"] or 0.0)["epoch"] or 0)
