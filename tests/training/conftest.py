"""Small data, and runs of it without a command line around them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnlab.config.experiment import ExperimentConfig, parse_config
from cnnlab.datasets.content import Dataset, PixelScale, Provenance, Split
from cnnlab.language.source import parse_yaml
from cnnlab.run_folders.holding import hold
from cnnlab.run_folders.identity import run_path
from cnnlab.run_folders.records import EpochRow, Record, read_record
from cnnlab.run_folders.run_writer import RunWriter, open_run


@pytest.fixture(autouse=True)
def curves_unrendered(unrendered: None) -> None:
    """Nothing here is about pictures."""


SOFTMAX_REGRESSION = "[Flatten, Dense: {units: 10, activation: softmax}]"

CNN = """
    - Conv2D: {filters: 3, kernel_size: 5, strides: 3, use_bias: false, activation: relu}
    - BatchNormalization
    - MaxPooling2D
    - Flatten
    - Dense: {units: 10, activation: softmax}
"""


@pytest.fixture(scope="session")
def experiment() -> Callable[..., ExperimentConfig]:
    """experiment(layers, training="epochs: 1", seed=0) → a config on MNIST's shapes."""

    def make(
        layers: str = SOFTMAX_REGRESSION, *, training: str = "epochs: 1", seed: int = 0
    ) -> ExperimentConfig:
        text = f"seed: {seed}\ndataset: mnist\nmodel:\n  layers: {layers}\ntraining: {{{training}}}\n"
        return parse_config(parse_yaml(text, "test.yaml"), default_name="test")

    return make


@pytest.fixture(scope="session")
def cnn() -> str:
    return CNN


def noise(count: int, *, seed: int, labels: Sequence[int] | np.ndarray | None = None) -> Split:
    """Images of noise."""
    rng = np.random.default_rng(seed)
    images = rng.integers(256, size=(count, 28, 28, 1), dtype=np.uint8)
    drawn = rng.integers(10, size=count) if labels is None else labels
    return Split(images, np.asarray(drawn, np.int64))


@pytest.fixture(scope="session")
def dataset() -> Callable[..., Dataset]:
    """dataset(train=70, validation=30) → noise; `factor` and `offset` scale its pixels."""

    def make(
        train: int = 70,
        validation: int = 30,
        *,
        validation_labels: np.ndarray | None = None,
        factor: float = 1.0,
        offset: float = 0.0,
    ) -> Dataset:
        return Dataset(
            train=noise(train, seed=1),
            validation=noise(validation, seed=2, labels=validation_labels),
            test=noise(20, seed=3),
            class_names=tuple("0123456789"),
            pixels=PixelScale(np.full((1, 1, 1), factor, np.float32), np.full((1, 1, 1), offset, np.float32)),
            provenance=Provenance("made by a test", "generated", "d" * 64, "t" * 64),
        )

    return make


class Silent:
    """Watches and keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def started(self, config: ExperimentConfig, *, done: int, resumed: bool) -> None:
        self.told.append(("started", done, resumed))

    def warn(self, message: str) -> None:
        self.told.append(("warn", message))

    def stepped(
        self, config: ExperimentConfig, epoch: int, step: int, steps: int, *, loss: float, accuracy: float
    ) -> None:
        self.told.append(("stepped", epoch, step, steps))

    def epoch_ended(self, config: ExperimentConfig, row: Any) -> None:
        self.told.append(("epoch_ended", row["epoch"], config.training.epochs))


@pytest.fixture
def reporter() -> Silent:
    return Silent()


@pytest.fixture
def trained(backend: object, tmp_path: Path, reporter: Silent) -> Callable[..., Record]:
    """trained(config, data) → the record of the finished run, in a folder of its own each time."""
    from cnnlab.training.train import train

    def call(config: ExperimentConfig, data: Dataset, *, out: Path | None = None) -> Record:
        out = out or tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
        path, digest = run_path(config, out), data.provenance.digest
        with hold(path, out), open_run(path, config, data=digest) as run:
            train(config, data, run, reporter, environment={"dataset": {"digest": digest}})
        return read_record(path)

    return call


@pytest.fixture
def interrupted(trained: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """interrupted(config, data, out, after=2): a run that ends right behind the checkpoint of that epoch."""
    write = RunWriter.write_checkpoint

    def train(config: ExperimentConfig, data: Dataset, out: Path, *, after: int) -> None:
        def interrupt(run: RunWriter, arrays: dict[str, np.ndarray], history: list[EpochRow]) -> None:
            write(run, arrays, history)
            if int(arrays["epoch"]) == after:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(RunWriter, "write_checkpoint", interrupt)
            with pytest.raises(KeyboardInterrupt):
                trained(config, data, out=out)

    return train


@pytest.fixture(scope="session")
def weights_of() -> Callable[[Record], list[np.ndarray]]:
    def read(record: Record) -> list[np.ndarray]:
        import keras

        weights: list[np.ndarray] = keras.models.load_model(record.path / "model.keras").get_weights()
        return weights

    return read
