"""A few steps of training, to say what the whole run will cost before it is begun."""

from __future__ import annotations

import time

import numpy as np

from cnnlab.backend import start_backend
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.datasets.content import Dataset
from cnnlab.memory import PeakMemory
from cnnlab.run_folders.epochs import kept_bytes
from cnnlab.training.costs import CostEstimate
from cnnlab.training.epoch import epoch_batches
from cnnlab.training.slow_convolutions import seconds_in_loops
from cnnlab.training.train import prepare

MEASURED_SECONDS = 1.0
"""How long steps are repeated to time one; the first, which compiles, does not count."""

PICTURE_BYTES = 150_000
"""About what curves and tables of a run take."""


def estimate_cost(config: ExperimentConfig, data: Dataset) -> CostEstimate:
    """Compile the training step and time it; nothing is written, and nothing trained is kept.

    Convolutions in loops, with which a step may take minutes, are told from a sample of multiplications; the
    step is timed with matrix products in their place.
    """
    loops = seconds_in_loops(config) if config.runtime.convolution == "loops" else None
    if loops:
        runtime = config.runtime.model_copy(update={"convolution": "im2col"})
        config = config.model_copy(update={"runtime": runtime})
    memory = PeakMemory(start_backend(config.runtime), data)
    began = time.perf_counter()
    learner, steps = prepare(config, data)
    memory.begin()
    count = len(data.train)
    batches = epoch_batches(config, count, epoch=1)[0]
    steps.run(batches, 0, 1)
    evaluated = data.train.images[: config.evaluation_batch]  # the test images wait for the end
    steps.outputs(evaluated, len(evaluated))
    started = time.perf_counter() - began

    tried, spent = 0, 0.0
    while spent < MEASURED_SECONDS:  # twice as many with each call, as long as the epoch has them
        chunk = min(max(1, tried), len(batches))
        before = time.perf_counter()
        steps.run(batches, 0, chunk)
        spent += time.perf_counter() - before
        tried += chunk
    before = time.perf_counter()
    steps.outputs(evaluated, len(evaluated))
    per_image = (time.perf_counter() - before) / len(evaluated)

    in_loops = loops.training * config.training.batch_size if loops else None
    per_step = spent / tried + (in_loops or 0.0)
    per_image += loops.forward if loops else 0.0
    steps_per_epoch = config.training.steps_per_epoch(count)
    epoch = per_step * steps_per_epoch + per_image * len(data.validation)
    final = per_image * (count + len(data.validation) + len(data.test))
    numbers = sum(int(np.prod(each.shape)) for each in learner.model.variables)
    slots = sum(int(np.prod(each.shape)) for each in learner.optimizer.variables)
    best = numbers if config.training.keep == "best" else 0
    peak = memory.peak()
    del learner, steps  # what is left without them is not this run's
    predictions = len(data.test) * (2 * 8 + 2 * len(data.class_names))
    return CostEstimate(
        name=config.name,
        steps=1 + tried,
        steps_per_epoch=steps_per_epoch,
        seconds_per_step=per_step,
        seconds_per_epoch=epoch,
        seconds=started + epoch * config.training.epochs + final,
        peak_memory_bytes=None if loops else memory.of_run(peak),
        disk_bytes=4 * numbers + predictions + PICTURE_BYTES + kept_bytes(config),
        checkpoint_bytes=4 * (numbers + slots + best),
        seconds_in_loops=in_loops,
    )
