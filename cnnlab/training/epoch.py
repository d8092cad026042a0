"""One pass over the training images: shuffle, step, add up."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np

from cnnlab.config.experiment import ExperimentConfig
from cnnlab.errors import CnnlabError
from cnnlab.reporting import Reporter
from cnnlab.run_folders.records import EpochRow
from cnnlab.training.observing import first_not_finite
from cnnlab.training.steps import Learner, Steps, StepsAlone, StepsTogether, next_chunk

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


class EpochOfRun:
    """What one run has of an epoch so far.

    Args:
        lane: the run's place in the steps that it is trained by.
    """

    def __init__(self, config: ExperimentConfig, learner: Learner, epoch: int, *, lane: int = 0) -> None:
        self.config, self.epoch, self.lane = config, epoch, lane
        self._learner = learner
        self._learning_rate = float(np.asarray(learner.optimizer.learning_rate))
        self._losses: list[float] = []  # summed over each batch
        self._correct, self._seen, self._done, self._seconds = 0, 0, 0, 0.0
        self._steps = config.training.steps_per_epoch(len(learner.train))

    def add(self, losses: np.ndarray, correct: np.ndarray, *, batch_size: int, seconds: float) -> None:
        """Add the next steps.

        Args:
            losses: (steps,) float32, means over batches. correct: (steps,) int32, right answers.

        Raises:
            Diverged: a loss is not a finite number.
        """
        self._check_finite(losses)
        self._done += len(losses)
        self._losses += (losses.astype(np.float64) * batch_size).tolist()
        self._correct += int(correct.sum())
        self._seen += len(losses) * batch_size
        self._seconds += seconds

    def report(self, reporter: Reporter) -> None:
        """Say how far it is."""
        loss, accuracy = math.fsum(self._losses) / self._seen, self._correct / self._seen
        reporter.stepped(self.config, self.epoch, self._done, self._steps, loss=loss, accuracy=accuracy)

    def row(self) -> dict[str, float | int | None]:
        """The epoch's row of the history."""
        return {
            "epoch": self.epoch,
            # Exact: how steps were grouped into calls must not show.
            "loss": math.fsum(self._losses) / self._seen,
            "accuracy": self._correct / self._seen,
            "val_loss": None,
            "val_accuracy": None,
            "learning_rate": self._learning_rate,
            "seconds": self._seconds,
            "images_per_second": self._seen / self._seconds,
        }

    def _check_finite(self, losses: np.ndarray) -> None:
        finite = np.isfinite(losses)
        if not finite.all():
            first = int(np.argmin(finite))
            step = self._done + first + 1
            what = f"the loss is {losses[first]} in epoch {self.epoch} at step {step} of {self._steps}"
            raise _diverged(what, self._learner, self._learning_rate)


def train_epoch(
    config: ExperimentConfig, learner: Learner, steps: Steps, epoch: int, reporter: Reporter
) -> dict[str, float | int | None]:
    """One pass over the training images; returns its row of the history."""
    part = EpochOfRun(config, learner, epoch)
    train_epoch_together([part], StepsAlone(learner, steps), reporter, failing={0: nullcontext})
    return part.row()


def train_epoch_together(
    parts: Sequence[EpochOfRun],
    steps: StepsTogether,
    reporter: Reporter,
    *,
    failing: Mapping[int, Callable[[], AbstractContextManager[None]]],
) -> list[EpochOfRun]:
    """One pass over the training images of runs that are at the same epoch; returns those that came through.

    Args:
        parts: of one run or more. Lanes that none of them has compute as well, but keep nothing of it.
        failing: by lane, gives the context in which the run may diverge; where it keeps the error, the others
            go on.
    """
    going_on = list(parts)
    count = len(steps.learners[0].train)
    by_lane = {each.lane: epoch_batches(each.config, count, each.epoch) for each in parts}
    any_lane = by_lane[parts[0].lane]
    steps.load()
    chunk = 1
    for number in range(len(any_lane)):
        lanes = [by_lane.get(lane, any_lane)[number] for lane in range(len(steps.learners))]
        batches = np.stack(lanes, axis=1)  # (steps, lanes, batch)
        start = 0
        while start < len(batches) and going_on:
            stop = min(start + chunk, len(batches))
            began = time.perf_counter()
            results = steps.run(batches, start, stop)
            took = time.perf_counter() - began
            came_through = []
            for part in going_on:
                losses, correct = results.losses[:, part.lane], results.correct[:, part.lane]
                with failing[part.lane]():
                    if not np.isfinite(losses).all():
                        steps.store([part.lane])  # for whoever looks for the layer
                    part.add(losses, correct, batch_size=batches.shape[2], seconds=took)
                    came_through.append(part)
            going_on = came_through
            for part in going_on:
                part.report(reporter)
            start = stop
            chunk = next_chunk(chunk, took)
    steps.store([part.lane for part in going_on])
    return going_on


def check_loss(loss: float, name: str, row: EpochRow, learner: Learner) -> None:
    """Raise `Diverged` unless the loss of a split, computed after the epoch of `row`, is a finite number."""
    if not math.isfinite(loss):
        raise _diverged(
            f"the {name} is {loss} after epoch {row['epoch']}", learner, float(row["learning_rate"] or 0)
        )


def _diverged(what: str, learner: Learner, learning_rate: float) -> Diverged:
    inputs = learner.pixels.apply(learner.train.images[:IMAGES_LOOKED_AT])
    layer = first_not_finite(learner.model, inputs)
    where = f"; the first layer whose outputs are not finite is {layer}" if layer else ""
    return Diverged(
        f"training diverged: {what}{where}; lower training.optimizer.learning_rate (it is {learning_rate:g})"
    )
