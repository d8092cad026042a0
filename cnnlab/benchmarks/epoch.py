"""Seconds per epoch, by the path that `cnnlab train` takes, and the share of the machine's peak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from cnnlab.backend import own_randomness, start_backend
from cnnlab.benchmarks.matrix_multiply import MatrixMultiplyPeak, faster, matrix_multiply_peak
from cnnlab.benchmarks.timing import Timing
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.datasets.content import Dataset
from cnnlab.jobs import Jobs
from cnnlab.reporting import Reporter
from cnnlab.run_folders.environment import environment
from cnnlab.trainer import dataset_facts
from cnnlab.workers.capacity import check_memory

OPERATIONS_PER_MAC = 6
"""A multiplication and an addition in the forward pass, and twice as many for the gradients (Kaplan et al.
2020, arXiv 2001.08361). The gradient of the input images, which nobody computes, is counted too."""


@dataclass(frozen=True)
class EpochSpeed:
    """How fast one experiment trains here. Seconds are those of the training steps, as in history.csv."""

    name: str
    batch_size: int
    images: int  # that an epoch trains on
    macs: int | None  # of the forward pass for one image; None where a layer's are unknown
    first_epoch_seconds: float  # from the building of the network on: tracing and compilation included
    seconds: Timing  # of each epoch that followed
    peak: MatrixMultiplyPeak
    environment: Mapping[str, Any]  # as in a run's environment.json

    @property
    def images_per_second(self) -> float:
        return self.images / self.seconds.median

    @property
    def operations(self) -> int | None:
        """Floating-point operations of one epoch: 6 × MACs × images."""
        return None if self.macs is None else OPERATIONS_PER_MAC * self.macs * self.images

    @property
    def share(self) -> float | None:
        """Of the matrix-multiply peak, which in mixed precision may be exceeded."""
        if self.operations is None:
            return None
        return self.operations / self.seconds.median / self.peak.operations_per_second

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "batch_size": self.batch_size,
            "images": self.images,
            "macs": self.macs,
            "operations": self.operations,
            "first_epoch_seconds": self.first_epoch_seconds,
            "seconds": self.seconds.as_dict(),
            "images_per_second": self.images_per_second,
            "peak": self.peak.as_dict(),
            "share": self.share,
            "environment": dict(self.environment),
        }


def measure_epochs(configs: Sequence[ExperimentConfig], jobs: Jobs, *, epochs: int) -> list[EpochSpeed]:
    """Train each experiment for one epoch and then for `epochs` that count; nothing is kept or written.

    The peak is that before and after all of them, whichever is higher: a machine may be slower for a while.

    Raises:
        UserError: an experiment cannot be trained here.
        Diverged: the loss is no longer a finite number.
    """
    data = []
    for config in configs:
        check_memory(config)
        data.append(jobs.dataset(config))
        jobs.check_settings(config, data[-1])
    backends = [start_backend(config.runtime) for config in configs]
    jobs.reporter.note(str(backends[0]))  # a process has one
    from cnnlab.training.epoch import epoch_batches

    by_numpy = configs[0].runtime.backend == "scratch"
    before = matrix_multiply_peak(by_numpy=by_numpy)
    seconds = [
        _seconds_of_epochs(config, content, jobs.reporter, count=1 + epochs)
        for config, content in zip(configs, data, strict=True)
    ]
    peak = faster(before, matrix_multiply_peak(by_numpy=by_numpy))
    return [
        EpochSpeed(
            name=config.name,
            batch_size=config.training.batch_size,
            images=sum(each.size for each in epoch_batches(config, len(content.train), epoch=1)),
            macs=config.architecture.macs,
            first_epoch_seconds=first,
            seconds=Timing(tuple(others)),
            peak=peak,
            environment=environment(config, backend, dataset_facts(config, content)),
        )
        for config, content, backend, (first, *others) in zip(configs, data, backends, seconds, strict=True)
    ]


def _seconds_of_epochs(
    config: ExperimentConfig, data: Dataset, reporter: Reporter, *, count: int
) -> list[float]:
    """What each of the first epochs of a run takes; the first, with all that has to happen before its steps.

    TensorFlow traces and optimizes its programs when they are made, JAX compiles them in the first steps.
    """
    from cnnlab.training.epoch import train_epoch
    from cnnlab.training.train import prepare

    training = config.training.model_copy(update={"epochs": count})
    shortened = config.model_copy(update={"training": training})
    reporter.started(shortened, done=0, resumed=False)
    seconds = []
    with own_randomness():
        began = perf_counter()
        learner, steps = prepare(config, data)
        before_steps = perf_counter() - began
        for epoch in range(1, 1 + count):
            row = train_epoch(config, learner, steps, epoch, reporter)
            reporter.epoch_ended(shortened, row)
            seconds.append(float(row["seconds"] or 0))
    seconds[0] += before_steps
    return seconds
