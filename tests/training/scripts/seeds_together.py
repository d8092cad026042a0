"""Train seeds of one experiment alone and as one program, on JAX: seeds_together.py FOLDER

Leaves the runs in folders: alone, together, interrupted, diverged, resumed_alone; prints, as JSON, what each
training warned of, and what the failed ones raised.
"""

from __future__ import annotations

import json
import runpy
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

import cnnlab
from cnnlab.reporting import Reporter
from cnnlab.run_folders.run_writer import RunWriter

EXPERIMENT = cnnlab.Experiment(
    name="several",
    dataset={"name": "xo", "train_count": 96, "test_count": 48, "validation_size": 48},
    layers=[
        {"RandomFlip": {"mode": "horizontal"}},
        {"Conv2D": {"filters": 3, "kernel_size": 5, "strides": 3, "activation": "relu"}},
        "BatchNormalization",
        "Flatten",
        {"Dropout": {"rate": 0.3}},
        {"Dense": {"units": 2, "activation": "softmax"}},
    ],
    training={
        "epochs": 8, "batch_size": 12, "keep": "best",
        "optimizer": {"name": "adam", "learning_rate": 0.03, "gradient_accumulation_steps": 2},
        "reduce_on_plateau": {"monitor": "loss", "patience": 1, "min_delta": 0.05},
        "early_stopping": {"monitor": "loss", "patience": 2, "min_delta": 0.028},
    },
    runtime={"backend": "jax", "device": "cpu"},
)  # fmt: skip
SEEDS = 0, 1, 2


class Listening(Reporter):
    """Keeps the warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def trained(out: Path, *, seeds: tuple[int, ...] = SEEDS, **options: Any) -> dict[str, Any]:
    """Train; what was warned of, and the errors of runs that failed."""
    reporter, errors = Listening(), []
    try:
        cnnlab.train(EXPERIMENT, out=out, seeds=seeds, progress=reporter, **options)
    except cnnlab.TrainingFailed as error:
        errors = str(error).splitlines()
    return {"warnings": reporter.warnings, "errors": errors}


@contextmanager
def interrupted_after(epoch: int, seed: int) -> Iterator[None]:
    """The process ends right behind a checkpoint of this seed: the seeds after it have one epoch less."""
    write = RunWriter.write_checkpoint

    def write_and_end(run: RunWriter, arrays: dict[str, np.ndarray], history: Any) -> None:
        write(run, arrays, history)
        if (len(history), run.config.seed) == (epoch, seed):
            raise KeyboardInterrupt

    RunWriter.write_checkpoint = write_and_end  # type: ignore[method-assign, assignment]
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        RunWriter.write_checkpoint = write  # type: ignore[method-assign]


@contextmanager
def objectives_counted(told: dict[str, Any]) -> Iterator[None]:
    """Leaves in `told` how many objectives the lanes of one program have."""
    from cnnlab.training import together

    fit: Callable[..., Any] = together.fit

    def count(runs: Any, steps: Any, reporter: Any) -> None:
        told["objectives"] = len({id(each.objective) for each in steps.learners})
        fit(runs, steps, reporter)

    together.fit = count
    try:
        yield
    finally:
        together.fit = fit


@contextmanager
def diverging(seed: int) -> Iterator[None]:
    """The network of this seed begins with weights that are no numbers."""
    from cnnlab.training import together

    build: Callable[..., Any] = together.learner_of

    def spoilt(config: Any, data: Any) -> Any:
        learner = build(config, data)
        if config.seed == seed:
            variable = learner.model.trainable_variables[0]
            variable.assign(np.full(variable.shape, np.nan, np.float32))
        return learner

    together.learner_of = spoilt
    try:
        yield
    finally:
        together.learner_of = build


def layers_traced() -> list[str]:
    """The layers of a network of which a step has been traced for two seeds: not all of JAX could hold them.

    It is not compiled: that takes minutes.
    """
    import jax

    from cnnlab.datasets.content import Dataset, PixelScale, Provenance, Split
    from cnnlab.language.fields import settings_within
    from cnnlab.layers.base import Layer
    from cnnlab.training.steps_jax import functions_of, values_of
    from cnnlab.training.train import learner_of

    every_layer = runpy.run_path(str(Path(__file__).parents[2] / "layers" / "scripts" / "every_layer.py"))
    config = every_layer["network"]("float32", "channels_last", "jax")
    split = Split(every_layer["images_of"]("channels_last"), np.arange(2))
    pixels, provenance = PixelScale(np.float32(1), np.float32(0)), Provenance("", "generated", "", "")
    learner = learner_of(config, Dataset(split, split, split, ("left", "right"), pixels, provenance))
    step = jax.vmap(functions_of(learner).step, in_axes=(0, None, None, 0))
    state = jax.tree.map(
        lambda value: jax.ShapeDtypeStruct((2, *value.shape), value.dtype), values_of(learner)
    )
    jax.eval_shape(step, state, split.images, split.labels, np.zeros((2, 2), np.int32))
    return sorted({each.type() for each in settings_within(config.model) if isinstance(each, Layer)})


def main(folder: Path) -> dict[str, Any]:
    told = {"together": trained(folder / "together", together=3)}
    with interrupted_after(epoch=2, seed=1):
        trained(folder / "interrupted", together=3)
    shutil.copytree(folder / "interrupted", folder / "resumed_alone")
    told["interrupted"] = trained(folder / "interrupted")
    with objectives_counted(told), diverging(seed=1):
        told["diverged"] = trained(folder / "diverged", together=3)
    told["resumed_alone"] = trained(folder / "resumed_alone", seeds=(1,))
    told["alone"] = trained(folder / "alone")
    return {**told, "layers": layers_traced()}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]))))
