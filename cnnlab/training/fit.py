"""The loop over epochs: shuffle, step, validate, write down, save."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cnnlab.config import ExperimentConfig
from cnnlab.datasets.content import Dataset
from cnnlab.errors import CnnlabError
from cnnlab.runs import EpochRow, Run
from cnnlab.training.checkpoint import Best, Checkpoint
from cnnlab.training.evaluation import evaluate
from cnnlab.training.steps import Learner, Steps

SECONDS_PER_CALL = 0.2
"""How long one call into the compiled loop should take: Ctrl-C and the progress bar wait for it."""


class Diverged(CnnlabError):
    """The loss became infinite or not a number."""


class Watcher(Protocol):
    """Is told how training goes; draws a bar, prints lines or stays silent."""

    def started(self, config: ExperimentConfig, *, done: int, resumed: bool) -> None:
        """Training begins after `done` epochs that a resumed run has behind it."""

    def stepped(self, epoch: int, step: int, steps: int, *, loss: float, accuracy: float) -> None:
        """So many of the epoch's steps are done; loss and accuracy are means over them."""

    def epoch_ended(self, row: EpochRow, *, epochs: int) -> None: ...


@dataclass(frozen=True)
class Fitted:
    """What the loop over epochs leaves: its table, and which epoch's weights the model now has."""

    history: list[EpochRow]
    best_epoch: int | None
    """The epoch of the highest validation accuracy, the first one if there are several."""


def fit(
    config: ExperimentConfig, learner: Learner, steps: Steps, data: Dataset, run: Run, watcher: Watcher
) -> Fitted:
    """Train to the last epoch, from the run's checkpoint on where it has one.

    The order of the images is a function of seed and epoch alone, so an interrupted run that goes on
    ends with the same weights, bit for bit, as one that was never interrupted.

    Raises:
        Diverged: the loss is no longer a finite number.
    """
    training = config.training
    history: list[EpochRow] = []
    best: Best | None = None
    if saved := run.read_checkpoint():
        checkpoint = Checkpoint.from_arrays(saved)
        checkpoint.restore(learner.model, learner.optimizer)
        best = checkpoint.best
        history = [row for row in run.read_history() if int(row["epoch"] or 0) <= checkpoint.epoch]
    watcher.started(config, done=len(history), resumed=saved is not None)
    for epoch in range(len(history) + 1, training.epochs + 1):
        row = _train_epoch(config, learner, steps, epoch, watcher)
        if len(data.validation):
            result = evaluate(steps, learner.objective, data.validation, batch_size=evaluation_batch(config))
            if not math.isfinite(result.loss):
                raise Diverged(f"training diverged: the validation loss is {result.loss} after epoch {epoch}")
            row |= {"val_loss": result.loss, "val_accuracy": result.accuracy}
            if training.keep == "best" and (best is None or result.accuracy > best.accuracy):
                best = Best(epoch, result.accuracy, learner.model.get_weights())
        history.append(row)
        run.write_checkpoint(
            Checkpoint.of(learner.model, learner.optimizer, epoch=epoch, best=best).as_arrays()
        )
        run.write_history(history)
        watcher.epoch_ended(row, epochs=training.epochs)
    if best is not None:
        learner.model.set_weights(best.weights)
    return Fitted(history, best_epoch(history))


def best_epoch(history: list[EpochRow]) -> int | None:
    """The epoch of the highest validation accuracy; None without validation images."""
    validated = [row for row in history if row["val_accuracy"] is not None]
    if not validated:
        return None
    return int(max(validated, key=lambda row: row["val_accuracy"] or 0.0)["epoch"] or 0)


def epoch_order(count: int, *, seed: int, epoch: int) -> np.ndarray:
    """The order in which an epoch visits the training images: (count,) int32, a permutation."""
    return np.random.default_rng([seed, epoch]).permutation(count).astype(np.int32)


def evaluation_batch(config: ExperimentConfig) -> int:
    """How many images are evaluated at once: few enough that their activations stay below 256 MiB."""
    numbers = sum(math.prod(row.output_shape) for row in config.architecture.rows)
    return max(1, min(500, 2**26 // max(1, numbers)))


def _train_epoch(
    config: ExperimentConfig, learner: Learner, steps: Steps, epoch: int, watcher: Watcher
) -> dict[str, float | int | None]:
    """One pass over the training images; returns its row of the history."""
    count, batch_size = len(learner.train), config.training.batch_size
    order = epoch_order(count, seed=config.seed, epoch=epoch)
    whole = count // batch_size * batch_size
    parts = [order[:whole].reshape(-1, batch_size), order[whole:].reshape(1, -1)]
    total_steps = math.ceil(count / batch_size)
    learning_rate = float(np.asarray(learner.optimizer.learning_rate))
    losses: list[float] = []  # summed over each batch
    correct, seen, done, seconds, chunk = 0, 0, 0, 0.0, 1
    for batches in parts:
        start = 0
        while batches.size and start < len(batches):
            stop = min(start + chunk, len(batches))
            began = time.perf_counter()
            results = steps.run(batches, start, stop)
            took = time.perf_counter() - began
            seconds += took
            done += stop - start
            _check_finite(results.losses, epoch, done - (stop - start), total_steps, learning_rate)
            losses += (results.losses.astype(np.float64) * batches.shape[1]).tolist()
            correct += int(results.correct.sum())
            seen += (stop - start) * batches.shape[1]
            watcher.stepped(epoch, done, total_steps, loss=math.fsum(losses) / seen, accuracy=correct / seen)
            start = stop
            chunk = max(1, min(4 * chunk, round(chunk * SECONDS_PER_CALL / max(took, 1e-6))))
    return {
        "epoch": epoch,
        "loss": math.fsum(losses) / seen,  # exact: how steps were grouped into calls must not show
        "accuracy": correct / seen,
        "val_loss": None,
        "val_accuracy": None,
        "learning_rate": learning_rate,
        "seconds": seconds,
        "images_per_second": seen / seconds,
    }


def _check_finite(
    losses: np.ndarray, epoch: int, steps_before: int, steps: int, learning_rate: float
) -> None:
    finite = np.isfinite(losses)
    if not finite.all():
        first = int(np.argmin(finite))
        step = steps_before + first + 1
        raise Diverged(
            f"training diverged: the loss is {losses[first]} in epoch {epoch} at step {step} of {steps}; "
            f"lower training.optimizer.learning_rate (it is {learning_rate:g})"
        )
