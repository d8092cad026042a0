"""Training steps, many per call: the contract that each backend's file keeps."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import keras
import numpy as np

from cnnlab.backend import Device
from cnnlab.datasets.content import PixelScale, Split
from cnnlab.training.objective import Objective

SECONDS_PER_CALL = 0.2
"""How long one call into a compiled program should take: Ctrl-C and the progress bar wait for it."""


def next_chunk(chunk: int, seconds: float) -> int:
    """How many batches the next call takes, after one with `chunk` of them took so many seconds."""
    return max(1, min(4 * chunk, round(chunk * SECONDS_PER_CALL / max(seconds, 1e-6))))


class StepResults(NamedTuple):
    """One number per step, so that totals do not depend on how steps were grouped into calls."""

    losses: np.ndarray  # (steps,) float32, mean over the batch, regularization included
    correct: np.ndarray  # (steps,) int32, right answers in the batch


@dataclass(frozen=True)
class Learner:
    """All that a training step needs."""

    model: keras.Model
    optimizer: keras.optimizers.Optimizer
    objective: Objective
    train: Split
    pixels: PixelScale


class Answering(Protocol):
    """What a network answers."""

    def outputs(self, images: np.ndarray, batch_size: int) -> np.ndarray:
        """What the network answers: (N, *input_shape) uint8 → (N, num_classes) float32.

        `batch_size`: how many images go through the network at once, which limits memory.
        """


class Steps(Answering, Protocol):
    """The steps of one learner, compiled. The training images lie on the device, as uint8, if they fit."""

    def run(self, batches: np.ndarray, start: int, stop: int) -> StepResults:
        """Train on batches[start:stop], one step each.

        Args:
            batches: (steps, batch) int32, positions in the training split.
        """


class StepsTogether(Protocol):
    """The steps of several learners, compiled to one program: they differ in their variables only.

    Between `load` and `store`, the variables of the learners are as they were before.
    """

    @property
    def learners(self) -> Sequence[Learner]:
        """One for each lane of the program, in order."""

    def load(self) -> None:
        """Take the learners' variables over, to train from there."""

    def run(self, batches: np.ndarray, start: int, stop: int) -> StepResults:
        """Train on batches[start:stop], one step each in all lanes.

        Args:
            batches: (steps, lanes, batch) int32, positions in the training split.

        Returns:
            Results (steps, lanes).
        """

    def store(self, lanes: Collection[int]) -> None:
        """Put what has been trained into the variables of these lanes' learners; the others keep theirs."""

    def outputs(self, images: np.ndarray, batch_size: int) -> np.ndarray:
        """What the networks answer: (N, *input_shape) uint8 → (lanes, N, num_classes) float32.

        `batch_size`: as many images go through each network at once.
        """


@dataclass(frozen=True)
class StepsAlone:
    """The steps of one learner, as those of several."""

    learner: Learner
    steps: Steps

    @property
    def learners(self) -> Sequence[Learner]:
        return (self.learner,)

    def load(self) -> None:
        """Its variables are its own."""

    def run(self, batches: np.ndarray, start: int, stop: int) -> StepResults:
        losses, correct = self.steps.run(batches[:, 0], start, stop)
        return StepResults(losses[:, np.newaxis], correct[:, np.newaxis])

    def store(self, lanes: Collection[int]) -> None:
        """As above."""

    def outputs(self, images: np.ndarray, batch_size: int) -> np.ndarray:
        return self.steps.outputs(images, batch_size)[np.newaxis]


@dataclass(frozen=True)
class Answers:
    """What a network answers, where it has been computed: stands for the steps that would compute it."""

    given: np.ndarray
    """(N, num_classes) float32"""

    def outputs(self, images: np.ndarray, batch_size: int) -> np.ndarray:
        return self.given


def gathered(train: Split, batches: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read the images of a few steps, where all of them are too large for the memory.

    Args:
        batches: (steps, batch) int32, positions in the training split.

    Returns:
        Images (steps · batch, *input_shape) uint8, their labels (steps · batch,) int32, and the positions of
        `batches` in these two.
    """
    positions = batches.reshape(-1)
    in_file = np.argsort(positions, kind="stable")  # from front to back, as the disk likes it
    images = np.empty((len(positions), *train.images.shape[1:]), dtype=np.uint8)
    images[in_file] = train.images[positions[in_file]]
    labels = train.labels[positions].astype(np.int32)
    return images, labels, np.arange(len(positions), dtype=np.int32).reshape(batches.shape)


def compile_steps(learner: Learner, devices: Sequence[Device] = ()) -> Steps:
    """The steps for the backend that Keras runs on.

    Args:
        devices: those that share each batch; none where the first of all computes alone.
    """
    backend = keras.backend.backend()
    steps: Steps
    if devices:
        module = importlib.import_module(f"cnnlab.training.distribution_{backend}")
        steps = module.compile_steps(learner, [each.name for each in devices])
    else:
        steps = importlib.import_module(f"cnnlab.training.steps_{backend}").compile_steps(learner)
    return steps
