"""One pass over the training images: shuffle, step, add up."""

from __future__ import annotations

import math
import time

import numpy as np

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import CnnlabError
from cnnlab.reporting import Reporter
from cnnlab.run_folders.records import EpochRow
from cnnlab.training.observing import first_not_finite
from cnnlab.training.steps import Learner, Steps, next_chunk

IMAGES_LOOKED_AT = 16
"""So many go through a network that has diverged, to see in which layer."""


class Diverged(CnnlabError):
    """The loss became infinite or not a number."""


def epoch_order(count: int, *, seed: int, epoch: int) -> np.ndarray:
    """The order in which an epoch visits the training images: (count,) int32, a permutation."""
    return np.random.default_rng([seed, epoch]).permutation(count).astype(np.int32)


def epoch_batches(config: ExperimentConfig, count: int, epoch: int) -> list[np.ndarray]:
    """The batches of an epoch, those of one size in one array: (steps, batch) int32, positions of images.

    Without `drop_last`, what is left over is a smaller batch at the end.
    """
    size = config.training.batch_size
    order = epoch_order(count, seed=config.seed, epoch=epoch)
    whole = count // size * size
    batches = [order[:whole].reshape(-1, size)]
    if not config.training.drop_last:
        batches.append(order[whole:].reshape(1, -1))
    return [each for each in batches if each.size]


def train_epoch(
    config: ExperimentConfig, learner: Learner, steps: Steps, epoch: int, reporter: Reporter
) -> dict[str, float | int | None]:
    """One pass over the training images; returns its row of the history."""
    count = len(learner.train)
    total_steps = config.training.steps_per_epoch(count)
    learning_rate = float(np.asarray(learner.optimizer.learning_rate))
    losses: list[float] = []  # summed over each batch
    correct, seen, done, seconds, chunk = 0, 0, 0, 0.0, 1
    for batches in epoch_batches(config, count, epoch):
        start = 0
        while start < len(batches):
            stop = min(start + chunk, len(batches))
            began = time.perf_counter()
            results = steps.run(batches, start, stop)
            took = time.perf_counter() - began
            seconds += took
            done += stop - start
            _check_finite(results.losses, epoch, done - (stop - start), total_steps, learning_rate, learner)
            losses += (results.losses.astype(np.float64) * batches.shape[1]).tolist()
            correct += int(results.correct.sum())
            seen += (stop - start) * batches.shape[1]
            loss = math.fsum(losses) / seen
            reporter.stepped(config, epoch, done, total_steps, loss=loss, accuracy=correct / seen)
            start = stop
            chunk = next_chunk(chunk, took)
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


def check_loss(loss: float, name: str, row: EpochRow, learner: Learner) -> None:
    """Raise `Diverged` unless the loss of a split, computed after the epoch of `row`, is a finite number."""
    if not math.isfinite(loss):
        raise _diverged(
            f"the {name} is {loss} after epoch {row['epoch']}", learner, float(row["learning_rate"] or 0)
        )


def _check_finite(
    losses: np.ndarray, epoch: int, steps_before: int, steps: int, learning_rate: float, learner: Learner
) -> None:
    finite = np.isfinite(losses)
    if not finite.all():
        first = int(np.argmin(finite))
        step = steps_before + first + 1
        what = f"the loss is {losses[first]} in epoch {epoch} at step {step} of {steps}"
        raise _diverged(what, learner, learning_rate)


def _diverged(what: str, learner: Learner, learning_rate: float) -> Diverged:
    inputs = learner.pixels.apply(learner.train.images[:IMAGES_LOOKED_AT])
    layer = first_not_finite(learner.model, inputs)
    where = f"; the first layer whose outputs are not finite is {layer}" if layer else ""
    return Diverged(
        f"training diverged: {what}{where}; lower training.optimizer.learning_rate (it is {learning_rate:g})"
    )
