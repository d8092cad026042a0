"""How long a comparison of finished runs takes: python bench/compare_seeds.py [--seeds 10 30 100]

Trains two tiny networks on the generated colors with that many seeds (a second each), then runs
`cnnlab compare` in a process of its own, start-up, tables, verdict and pictures included; prints the table of
docs/scaling.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from runs_list import measured

import cnnlab

DATASET = {"name": "colors", "train_size": 200, "validation_size": 100}
TRAINING = {"epochs": 1, "batch_size": 100}


def experiment(name: str, units: int) -> cnnlab.Experiment:
    """A network with one hidden layer."""
    layers: list[str | dict[str, Any]] = [
        "Flatten",
        {"Dense": {"units": units, "activation": "relu"}},
        {"Dense": {"units": 6, "activation": "softmax"}},
    ]
    return cnnlab.Experiment(name=name, dataset=DATASET, layers=layers, training=TRAINING)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[10, 30, 100], metavar="N")
    arguments = parser.parse_args()
    print("| seeds of two experiments | `cnnlab compare`: seconds (of the CPU) |")
    print("| ---: | ---: |")
    with tempfile.TemporaryDirectory(prefix="cnnlab-bench-") as folder:
        out = Path(folder)
        pair = [experiment("narrow", 4), experiment("wide", 8)]
        for each in pair:
            (out / f"{each.name}.yaml").write_text(each.config.to_yaml(), encoding="utf-8")
        for number in sorted(arguments.seeds):
            cnnlab.train(pair, seeds=range(number), out=out)
            names = [str(out / f"{each.name}.yaml") for each in pair]
            seeds = f"0-{number - 1}"
            taken = min(
                measured("compare", *names, "--seeds", seeds, "--out", str(out), "--quiet") for _ in range(3)
            )
            print(f"| {number:,} | {taken[0]:.1f} ({taken[1]:.1f}) |")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
