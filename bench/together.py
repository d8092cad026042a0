"""What several seeds in one JAX program gain: seconds per epoch, for all of them and for each.

usage: together.py CONFIG [--together 2,4,8,16,32] [--epochs 3] [--data-dir FOLDER] [--set KEY=VALUE …]

One seed is always measured first, in the usual program. The first epoch, in which a program is compiled, does
not count.
"""

from __future__ import annotations

import argparse
import gc
import statistics
from contextlib import nullcontext

import yaml

from cnnlab.api.experiment import load
from cnnlab.backend import start_backend
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.datasets import DataPaths, load_dataset
from cnnlab.datasets.content import Dataset
from cnnlab.reporting import SILENT


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config")
    parser.add_argument("--together", default="2,4,8,16,32")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--data-dir")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    settings = {"runtime.backend": "jax"}
    settings |= {
        key: yaml.safe_load(value) for key, _, value in (each.partition("=") for each in arguments.set)
    }
    config = load(arguments.config, settings).config
    if config.dataset is None:
        parser.error(f"{arguments.config} has no dataset")
    print(f"{config.name} on {start_backend(config.runtime)}\n")
    data = load_dataset(config.dataset, DataPaths.from_environment(arguments.data_dir))
    print("| seeds | seconds per epoch | per seed | of one seed's time |\n| --: | --: | --: | --: |")
    medians: dict[int, float] = {}
    for count in dict.fromkeys([1, *map(int, arguments.together.split(","))]):
        seconds = statistics.median(seconds_of_epochs(config, data, seeds=count, epochs=arguments.epochs))
        medians[count] = seconds
        print(f"| {count} | {seconds:.4f} | {seconds / count:.4f} | {seconds / medians[1]:.2f} |", flush=True)


def seconds_of_epochs(config: ExperimentConfig, data: Dataset, *, seeds: int, epochs: int) -> list[float]:
    """What each epoch takes after the first one, of so many seeds together."""
    from cnnlab.training.epoch import EpochOfRun, train_epoch_together
    from cnnlab.training.steps import StepsAlone, StepsTogether, compile_steps
    from cnnlab.training.steps_jax_together import JaxStepsTogether
    from cnnlab.training.train import learner_of

    lanes = [config.with_seed(seed) for seed in range(seeds)]
    learners = [learner_of(each, data) for each in lanes]
    alone = seeds == 1
    steps: StepsTogether = (
        StepsAlone(learners[0], compile_steps(learners[0])) if alone else JaxStepsTogether(learners)
    )
    seconds = []
    for epoch in range(1, 2 + epochs):
        parts = [
            EpochOfRun(each, learner, epoch, lane=lane)
            for lane, (each, learner) in enumerate(zip(lanes, learners, strict=True))
        ]
        train_epoch_together(parts, steps, SILENT, failing=dict.fromkeys(range(seeds), nullcontext))
        seconds.append(float(parts[0].row()["seconds"] or 0))
    del learners, steps, parts
    gc.collect()
    return seconds[1:]


if __name__ == "__main__":
    main()
