"""How often does a training that is well get a warning?

usage: false_alarms.py --out DIR [--seeds 0-9] [--backend jax] [--only CONFIG …] [--data-dir DIR]

Trains every shipped config that has a dataset: those that train within a minute with each seed, the others
once and shortened. Prints all warnings as Markdown. A warning is false where the run tests at least 90% as
well as the median of its config's runs; others, such as those about the seeds of colors_cnn_minimal whose
ReLUs die, are right.
Finished runs in DIR are not trained again.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Iterator
from pathlib import Path

import cnnlab
from cnnlab.config.experiment import load_config, shipped_configs
from cnnlab.config.seeds import parse_seeds

SLOW = ("cifar10_cnn", "cifar10_googlenet", "cifar10_resnet", "cifar10_vgg", "cnn_60000", "cnn_mixed_format")
"""Configs that take more than a minute on a small CPU."""

SHORTENED = {
    "training.epochs": 3,
    "dataset.train_size": 2000,
    "dataset.validation_size": 500,
}
GOOD = 0.9


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", default="0-9")
    parser.add_argument("--backend", default="tensorflow", choices=["tensorflow", "jax", "torch"])
    parser.add_argument("--only", nargs="+", choices=trainable(), default=trainable(), metavar="CONFIG")
    parser.add_argument("--data-dir")
    arguments = parser.parse_args()
    if arguments.data_dir:
        os.environ["CNNLAB_DATA_DIR"] = arguments.data_dir
    runs: dict[str, list[cnnlab.Run]] = {}
    for name in arguments.only:
        runs[name] = list(trained(name, arguments))
        print(
            f"{name}: {len(runs[name])} runs, {sum(bool(run.warnings) for run in runs[name])} with warnings"
        )
    print(table(runs))


def trainable() -> list[str]:
    """The shipped configs that have a dataset."""
    names = sorted(path.stem for path in shipped_configs().glob("*.yaml"))
    return [name for name in names if load_config(name).dataset is not None]


def trained(name: str, arguments: argparse.Namespace) -> Iterator[cnnlab.Run]:
    """The runs of one config that end; one that fails says why."""
    slow = name in SLOW
    for seed in parse_seeds(arguments.seeds)[: 1 if slow else None]:
        try:
            yield from cnnlab.train(
                name,
                seeds=[seed],
                set=SHORTENED if slow else None,
                out=arguments.out,
                backend=arguments.backend,
            )
        except cnnlab.TrainingFailed as error:
            print(f"{name}, seed {seed}: {error}")


def table(runs: dict[str, list[cnnlab.Run]]) -> str:
    """One row per warning, then how many there are of each kind."""
    lines = ["", "| config | seed | test accuracy | median | epoch | kind | layer | |", "| --- " * 8 + "|"]
    false, total = 0, 0
    for name, those in runs.items():
        if not those:
            continue
        median = statistics.median(run.result.test_accuracy for run in those)
        for run in those:
            total += 1
            accuracy = run.result.test_accuracy
            well = accuracy >= GOOD * median
            false += well and bool(run.warnings)
            lines += [
                f"| {name} | {run.seed} | {accuracy:.2%} | {median:.2%} | {each.epoch} | {each.kind} "
                f"| {each.layer or ''} | {'false' if well else 'right'} |"
                for each in run.warnings
            ]
    return "\n".join([*lines, "", f"{false} of {total} runs have a false alarm."])


if __name__ == "__main__":
    main()
