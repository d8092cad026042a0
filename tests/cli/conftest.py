"""A user's command, in this process or in one of its own, and what its runs leave behind."""

import contextlib
import csv
import io
import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from cnnlab.cli import run

# A test run in the background of a shell ignores SIGINT, and its children would.
MAIN = """\
import signal

signal.signal(signal.SIGINT, signal.default_int_handler)
from cnnlab.cli import main

main()
"""

# So that a tiny network takes long enough to be caught at it.
PAUSES = """\
import time
from cnnlab.commands.progress import LineReporter

def epoch_ended(*arguments, told=LineReporter.epoch_ended, **named):
    told(*arguments, **named)
    time.sleep(0.05)

LineReporter.epoch_ended = epoch_ended
"""

TINY_DNN = """\
name: tiny_dnn
dataset: {name: mnist, train_size: 80, validation_size: 20}
model:
  layers:
    - Flatten
    - Dense: {units: 8, activation: relu}
    - Dense: {units: 10, activation: softmax}
training: {epochs: 1, batch_size: 32, optimizer: {name: adam, learning_rate: 0.01}}
"""
TINY_CNN = """\
name: tiny_cnn
dataset: {name: mnist, train_size: 80, validation_size: 20}
model:
  layers:
    - Conv2D: {filters: 2, kernel_size: 5, strides: 2}
    - MaxPooling2D: {pool_size: 3}
    - Flatten
    - Dense: {units: 10, activation: softmax}
training: {epochs: 1, batch_size: 32, optimizer: {name: adam, learning_rate: 0.01}}
"""

TIMES = ("seconds", "images_per_second")


class Result(NamedTuple):
    """What a command left: its exit code, and what it printed."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


@dataclass(frozen=True)
class RunFolder:
    """The files of one run, read without cnnlab."""

    path: Path

    def json(self, name: str) -> Any:
        return json.loads((self.path / name).read_text())

    @property
    def history(self) -> list[dict[str, str]]:
        with (self.path / "history.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    @property
    def timeless_history(self) -> list[dict[str, str]]:
        """The history without the columns that no two runs have in common."""
        return [{key: text for key, text in row.items() if key not in TIMES} for row in self.history]

    @property
    def predictions(self) -> dict[str, np.ndarray]:
        with np.load(self.path / "predictions.npz") as arrays:
            return dict(arrays)

    @property
    def weights(self) -> list[np.ndarray]:
        import keras

        weights: list[np.ndarray] = keras.models.load_model(self.path / "model.keras").get_weights()
        return weights

    def assert_same_training(self, other: "RunFolder") -> None:
        """Bit for bit: the history, what it predicts, and every weight."""
        assert self.timeless_history == other.timeless_history
        for name, array in self.predictions.items():
            np.testing.assert_array_equal(array, other.predictions[name], err_msg=name)
        for mine, theirs in zip(self.weights, other.weights, strict=True):
            np.testing.assert_array_equal(mine, theirs)


@pytest.fixture(autouse=True, scope="module")
def own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Whatever this machine has set, commands find empty caches and no data that was not given to them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CNNLAB_DATA_DIR", "CNNLAB_EXPERIMENTS", "CNNLAB_TRACEBACK", "KERAS_BACKEND"):
            patch.delenv(name, raising=False)
        patch.setenv("CNNLAB_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        yield


@pytest.fixture(scope="session")
def cnnlab() -> Callable[..., Result]:
    """Runs a command in this process: cnnlab("train", path) → its exit code, stdout and stderr."""

    def call(*arguments: object) -> Result:
        stdout, stderr = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            code = run([str(each) for each in arguments])
        assert "Traceback" not in stderr.getvalue()
        assert "internal error" not in stderr.getvalue()
        return Result(code, stdout.getvalue(), stderr.getvalue())

    return call


@pytest.fixture(scope="session")
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a command in a process of its own; what still runs at the end is killed.

    pauses: wait a little after each epoch.
    """
    started: list[subprocess.Popen[str]] = []

    def call(*arguments: object, pauses: bool = False, **options: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PAUSES + MAIN if pauses else MAIN, *map(str, arguments)]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(os.environ),
            **options,
        )
        started.append(process)
        return process

    yield call
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def process(start: Callable[..., subprocess.Popen[str]]) -> Callable[..., Result]:
    """Runs a command in a process of its own, to its end."""

    def call(*arguments: object, **options: Any) -> Result:
        started = start(*arguments, **options)
        stdout, stderr = started.communicate(timeout=120)
        assert "Traceback" not in stderr
        return Result(started.returncode, stdout, stderr)

    return call


@pytest.fixture(scope="session")
def folder_of() -> Callable[..., RunFolder]:
    """The one run below a folder, of the seed if one is given."""

    def find(out: Path, seed: int | str = "*", name: str = "*") -> RunFolder:
        [path] = out.glob(f"{name}-????????/seed-{seed}")
        return RunFolder(path)

    return find


def _mnist(folder: Path, seed: int = 0) -> Path:
    """A data folder with a small MNIST of noise, as IDX files: 100 training and 40 test images."""
    rng = np.random.default_rng(seed)
    (folder / "mnist").mkdir(parents=True)
    for name, count in (("train", 100), ("t10k", 40)):
        images = rng.integers(256, size=(count, 28, 28), dtype=np.uint8)
        labels = rng.permutation(np.arange(count, dtype=np.uint8) % 10)
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            header = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
            (folder / "mnist" / f"{name}-{kind}-ubyte").write_bytes(header + array.tobytes())
    return folder


@pytest.fixture(scope="session")
def write_mnist() -> Callable[..., Path]:
    return _mnist


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _mnist(tmp_path_factory.mktemp("data"))


SMALL = """\
name: small
dataset: {name: mnist, train_size: 80, validation_size: 20}
model:
  layers:
    - Flatten
    - Dense: {units: 10, activation: softmax}
training: {epochs: 2, batch_size: 32, optimizer: {name: sgd, learning_rate: 0.05}}
"""

# Everything that has a state: moving means, dropout's random numbers, Adam's moments.
STATEFUL = """\
name: stateful
dataset: {name: mnist, train_size: 80, validation_size: 20}
model:
  layers:
    - Conv2D: {filters: 4, kernel_size: 3, strides: 4}
    - BatchNormalization
    - Activation: {activation: relu}
    - Dropout: {rate: 0.2}
    - Flatten
    - Dense: {units: 10, activation: softmax}
training: {epochs: 4, batch_size: 32, optimizer: {name: adam, learning_rate: 0.01}}
"""


@pytest.fixture(scope="session")
def configs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Paths of configs that train in a second: small, a softmax regression; stateful, a bit of everything."""
    folder = tmp_path_factory.mktemp("configs")
    paths = {}
    for name, text in (("small", SMALL), ("stateful", STATEFUL)):
        paths[name] = folder / f"{name}.yaml"
        paths[name].write_text(text)
    return paths


@pytest.fixture
def write_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Writes a config into a folder of its own, where the command then runs; returns its path as typed."""
    monkeypatch.chdir(tmp_path)

    def write(text: str | bytes, name: str = "mine.yaml") -> str:
        Path(name).write_bytes(text.encode() if isinstance(text, str) else text)
        return name

    return write


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """The paths of a tiny DNN and a tiny CNN on the same images."""
    folder = tmp_path_factory.mktemp("configs")
    paths = []
    for name, text in (("tiny_dnn", TINY_DNN), ("tiny_cnn", TINY_CNN)):
        paths.append(folder / f"{name}.yaml")
        paths[-1].write_text(text)
    return paths
