"""What does a last batch of a few images do to a network with batch normalization?

usage: last_batch.py [--seeds 0-3] [--backend jax] [--only VARIANT …] [--config colors_cnn] [--out FILE]

Trains the config once for each variant and seed, and validates after each epoch, whatever `keep` says:

  as_it_is        the last batch is trained on like any other
  drop_last       the last batch is left out
  no_statistics   its step is taken, but the moving mean and variance stay as they were
  no_step         the moving mean and variance follow it, but its step is not taken
  smaller_step    its learning rate is lowered to its share of a whole batch
  first           it comes first in the epoch, so that whole batches follow before the validation
  lower_rate      the whole training has a quarter of the learning rate
  fast_average    the moving mean and variance forget ten times as fast (momentum 0.9)

Prints a table as Markdown; --out keeps all numbers as JSON, and what it holds is not trained again.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cnnlab.backend import own_randomness, start_backend
from cnnlab.config.experiment import ExperimentConfig, load_config
from cnnlab.config.seeds import parse_seeds
from cnnlab.datasets import DataPaths, load_dataset

if TYPE_CHECKING:
    import numpy as np

    from cnnlab.datasets.content import Dataset
    from cnnlab.training.steps import Learner, Steps

LOW = 0.9
"""An epoch below this validation accuracy counts as a collapse."""

SETTINGS: dict[str, list[str]] = {
    "as_it_is": [],
    "drop_last": [],
    "no_statistics": [],
    "no_step": [],
    "smaller_step": [],
    "first": [],
    "lower_rate": ["training.optimizer.learning_rate=0.025"],
    "fast_average": ["model.layers.batch_normalization_1.momentum=0.9"],
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", default="0-3")
    parser.add_argument("--backend", default="tensorflow", choices=["tensorflow", "jax", "torch"])
    parser.add_argument("--only", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--config", default="colors_cnn")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    found: dict[str, list[float]] = {}
    if arguments.out and arguments.out.exists():
        found = json.loads(arguments.out.read_text(encoding="utf-8"))
    for seed in parse_seeds(arguments.seeds):
        for variant in arguments.only:
            key = f"{variant} {seed}"
            if key not in found:
                overrides = [f"runtime.backend={arguments.backend}", f"seed={seed}"]
                overrides += [f"training.drop_last={str(variant == 'drop_last').lower()}", *SETTINGS[variant]]
                found[key] = list(accuracies(load_config(arguments.config, overrides), variant))
                if arguments.out:
                    arguments.out.write_text(json.dumps(found), encoding="utf-8")
    print(table(found, arguments.only))


def accuracies(config: ExperimentConfig, variant: str) -> Iterator[float]:
    """The validation accuracy after each epoch."""
    start_backend(config.runtime)
    from cnnlab.training.evaluation import evaluate
    from cnnlab.training.train import prepare

    if config.dataset is None:
        raise ValueError("expected a config with a dataset")
    data = load_dataset(config.dataset, DataPaths.from_environment())
    with own_randomness():
        learner, steps = prepare(config, data)
        for epoch in range(1, config.training.epochs + 1):
            train_once(config, data, learner, steps, epoch, variant)
            yield evaluate(steps, learner.objective, data.validation, batch_size=500).accuracy


def train_once(
    config: ExperimentConfig, data: Dataset, learner: Learner, steps: Steps, epoch: int, variant: str
) -> None:
    """One epoch in which the last batch is treated as the variant says."""
    from cnnlab.training.epoch import epoch_batches

    whole, *rest = epoch_batches(config, len(data.train), epoch)
    if variant == "first" and rest:
        steps.run(rest[0], 0, 1)
    steps.run(whole, 0, len(whole))
    if variant == "first" or not rest:
        return
    model, optimizer = learner.model, learner.optimizer
    before = values(model.non_trainable_variables)
    weights = values([*model.trainable_variables, *optimizer.variables])
    rate = float(optimizer.learning_rate)
    if variant == "smaller_step":
        optimizer.learning_rate = rate * rest[0].shape[1] / whole.shape[1]
    steps.run(rest[0], 0, 1)
    optimizer.learning_rate = rate
    if variant == "no_statistics":
        put(model.non_trainable_variables, before)
    if variant == "no_step":
        put([*model.trainable_variables, *optimizer.variables], weights)


def values(variables: Sequence) -> list[np.ndarray]:  # type: ignore[type-arg]
    """Copies of what variables hold."""
    import keras
    import numpy as np

    return [np.array(keras.ops.convert_to_numpy(each)) for each in variables]


def put(variables: Sequence, saved: Sequence[np.ndarray]) -> None:  # type: ignore[type-arg]
    for variable, value in zip(variables, saved, strict=True):
        variable.assign(value)


def table(found: dict[str, list[float]], variants: Sequence[str]) -> str:
    """One row per variant, over all seeds that there are."""
    lines = [
        f"| variant | seeds | epochs below {LOW:.0%} | lowest | lowest from epoch 5 on | last epoch | best |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for variant in variants:
        runs = [run for key, run in found.items() if key.split()[0] == variant]
        if not runs:
            continue
        epochs = [accuracy for run in runs for accuracy in run]
        last, best = [run[-1] for run in runs], [max(run) for run in runs]
        lines.append(
            f"| {variant} | {len(runs)} | {sum(each < LOW for each in epochs)} of {len(epochs)} "
            f"| {min(epochs):.1%} | {min(min(run[4:]) for run in runs):.1%} | {statistics.mean(last):.2%} "
            f"| {statistics.mean(best):.2%} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
