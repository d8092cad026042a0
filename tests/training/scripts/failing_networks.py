"""Networks that are made to fail, each in its own way: prints what each training is warned of, as JSON.

usage: failing_networks.py BACKEND FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

import cnnlab

XO = {"name": "xo", "train_count": 160, "test_count": 20, "validation_size": 40}
HIDDEN = ["Flatten", {"Dense": {"units": 16, "activation": "relu"}}]
OUTPUT = {"Dense": {"units": 2, "activation": "softmax"}}
NEGATIVE = {"kernel_size": 3, "activation": "relu", "use_bias": False, "kernel_constraint": "non_neg"}


def sgd(learning_rate: float, epochs: int = 4) -> dict[str, Any]:
    return {"epochs": epochs, "optimizer": {"name": "sgd", "learning_rate": learning_rate}}


def warnings(
    folder: Path, backend: str, *, training: Any, layers: Any = None, dataset: Any = None
) -> list[list[Any]]:
    experiment = cnnlab.Experiment(
        name="failing", dataset=dataset or XO, layers=layers or [*HIDDEN, OUTPUT], training=training,
        runtime={"backend": backend, "device": "cpu"},
    )  # fmt: skip
    [run] = cnnlab.train(experiment, out=folder)
    return [[each.kind, each.epoch, each.layer] for each in run.warnings]


def on_dark(folder: Path, backend: str, *layers: Any) -> list[list[Any]]:
    """On images without a positive number, times weights that are not negative: what a ReLU makes 0 of."""
    dark = {**XO, "scale": [-1.0, 0.0]}
    return warnings(folder, backend, training=sgd(0.01), dataset=dark, layers=[*layers, "Flatten", OUTPUT])


def all_of_them(folder: Path, backend: str) -> dict[str, list[list[Any]]]:
    """By what was done to the network: its warnings."""
    dead: list[Any] = [{"Conv2D": {"filters": 4, **NEGATIVE}}]
    branch = {"Parallel": {"branches": [[], [*dead, {"ZeroPadding2D": {"padding": 1}}]]}}
    noise = {"npz": str(shuffled(folder)), "validation_size": 60}
    return {
        "nothing": warnings(folder, backend, training=sgd(0.05, epochs=6)),
        "far too high": warnings(folder, backend, training=sgd(10.0)),
        "far too low": warnings(folder, backend, training=sgd(1e-9)),
        "far too low for one epoch": warnings(folder, backend, training=sgd(1e-9, epochs=1)),
        "dead layer": on_dark(folder, backend, *dead),
        "dead branch": on_dark(folder, backend, branch),
        "shuffled labels": warnings(
            folder, backend, dataset=noise,
            training={"epochs": 8, "batch_size": 8, "optimizer": {"learning_rate": 0.003}},
            layers=["Flatten", {"Dense": {"units": 64, "activation": "relu"}}, OUTPUT],
        ),
    }  # fmt: skip


def shuffled(folder: Path) -> Path:
    """Images of noise, whose labels therefore have nothing to do with them."""
    rng = np.random.default_rng(0)
    path = folder / "noise.npz"
    arrays = {}
    for split, count in (("train", 160), ("test", 20)):
        arrays[f"x_{split}"] = rng.integers(256, size=(count, 8, 8, 1), dtype=np.uint8)
        arrays[f"y_{split}"] = np.arange(count) % 2
    np.savez(path, **arrays)
    return path


if __name__ == "__main__":
    sys.stdout.write(json.dumps(all_of_them(Path(sys.argv[2]), sys.argv[1])))
