"""Train on several devices, which a CPU is divided into: several_devices.py BACKEND DEVICES FOLDER

With several devices, each network is trained on the first alone and on all of them, in folders one and all;
then one network in the way that the folder's name says: again, disk (its images stay there), resumed. With
one device, it is trained as in all, and a run in the folder elsewhere goes on. Prints, as JSON, what has been
said.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

import cnnlab
from cnnlab.reporting import Reporter
from cnnlab.run_folders.run_writer import RunWriter

CONVOLUTION = {"filters": 3, "kernel_size": 5, "strides": 3, "activation": "relu"}
END = ["Flatten", {"Dense": {"units": 2, "activation": "softmax"}}]

# 86 training images: the last of eight batches of 12 has 2 images, fewer than there are devices; 8 are not a
# multiple of 3, and neither are the 20 images that validate.
NETWORKS: dict[str, dict[str, Any]] = {
    "rules": {
        "layers": [
            {
                "Conv2D": {
                    **CONVOLUTION, "kernel_regularizer": {"l2": 0.03}, "activity_regularizer": {"l1": 0.02},
                }
            },
            "BatchNormalization",
            *END,
        ],
        "training": {
            "batch_size": 12, "class_weights": {"X": 0.3}, "label_smoothing": 0.1,
            "optimizer": {
                "name": "adam", "learning_rate": 0.01, "gradient_accumulation_steps": 2,
                "global_clipnorm": 0.3, "use_ema": True, "ema_momentum": 0.7,
            },
        },
    },
    "uneven": {
        "layers": [
            "BatchNormalization",
            {"Conv2D": {**CONVOLUTION, "kernel_constraint": {"max_norm": 0.6}}},
            {"MaxPooling2D": {"pool_size": 2}},
            *END,
        ],
        "training": {
            "batch_size": 8, "drop_last": True, "keep": "best", "loss": "sparse_categorical_crossentropy",
            "optimizer": {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9, "clipnorm": 0.2},
        },
    },
    "random": {
        "layers": [
            {"RandomFlip": {"mode": "horizontal"}},
            {"Conv2D": CONVOLUTION},
            {"Dropout": {"rate": 0.4}},
            "BatchNormalization",
            *END,
        ],
        "training": {"batch_size": 12},
    },
    "half": {
        "layers": [
            "Flatten",
            {"Dense": {"units": 6, "activation": "relu", "kernel_regularizer": {"l2": 0.01}}},
            "BatchNormalization",
            {"Dense": {"units": 2}},
        ],
        "training": {"batch_size": 12},
    },
}  # fmt: skip


class Listening(Reporter):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, message: str) -> None:
        self.said.append(message)

    def warn(self, message: str) -> None:
        self.said.append(message)


def trained(name: str, out: Path, *, shared: bool = True, **training: Any) -> list[str]:
    """Train a network; what was said, or the error."""
    network, reporter = NETWORKS[name], Listening()
    precision = "mixed_float16" if name == "half" else "float32"
    experiment = cnnlab.Experiment(
        name=name,
        dataset={"name": "xo", "train_count": 106, "test_count": 31, "validation_size": 20},
        layers=network["layers"],
        training={"epochs": 4, **network["training"], **training},
        runtime={
            "backend": BACKEND, "device": "cpu", "precision": precision,
            "distribution": "data_parallel" if shared else "none",
        },
    )  # fmt: skip
    try:
        cnnlab.train(experiment, out=out, progress=reporter)
    except cnnlab.UserError as error:
        return [str(error)]
    return reporter.said


def divide_the_cpu(devices: int) -> None:
    """Let the backend take it for so many devices."""
    if BACKEND == "jax":
        os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={devices}"
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf

    [cpu] = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)


@contextmanager
def ended_after(epoch: int) -> Iterator[None]:
    """The process ends right behind the checkpoint of this epoch."""
    write = RunWriter.write_checkpoint

    def write_and_end(run: RunWriter, arrays: dict[str, np.ndarray], history: Any) -> None:
        write(run, arrays, history)
        if len(history) == epoch:
            raise KeyboardInterrupt

    RunWriter.write_checkpoint = write_and_end  # type: ignore[method-assign, assignment]
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        RunWriter.write_checkpoint = write  # type: ignore[method-assign]


@contextmanager
def images_on_disk() -> Iterator[None]:
    """The training images are read from the disk, step by step."""
    from cnnlab.training import steps_jax, steps_tensorflow

    module: Any = steps_jax if BACKEND == "jax" else steps_tensorflow
    known = module.stays_on_disk
    module.stays_on_disk = lambda images: True
    try:
        yield
    finally:
        module.stays_on_disk = known


def main(devices: int, folder: Path) -> dict[str, Any]:
    divide_the_cpu(devices)
    told: dict[str, Any] = {}
    if devices == 1:
        told["alone"] = trained("random", folder / "alone")
        told["none"] = trained("random", folder / "none", shared=False)
        told["elsewhere"] = trained("random", folder / "elsewhere")
        return told
    for name in NETWORKS:
        told[name] = trained(name, folder / "all")
        trained(name, folder / "one", shared=False)
    trained("random", folder / "again")
    with images_on_disk():
        trained("rules", folder / "disk")
    with ended_after(epoch=2):
        trained("random", folder / "resumed")
    shutil.copytree(folder / "resumed", folder / "elsewhere")
    told["resumed"] = trained("random", folder / "resumed")
    told["too small"] = trained("rules", folder / "small", batch_size=2)
    return told


if __name__ == "__main__":
    BACKEND = sys.argv[1]
    sys.stdout.write(json.dumps(main(int(sys.argv[2]), Path(sys.argv[3]))))
