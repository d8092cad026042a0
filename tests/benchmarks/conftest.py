"""An experiment that trains in no time, and a folder in which whatever is written would be seen."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

SMALL = """\
name: small
dataset: {name: xo, size: 10, train_count: 100, test_count: 40, validation_size: 20}
model:
  layers:
    - Conv2D: {filters: 3, kernel_size: 3}
    - Flatten
    - Dropout: {rate: 0.3}
    - Dense: {units: 2, activation: softmax}
training: {epochs: 4, batch_size: 32}
"""

MACS = 8 * 8 * 3 * 9 + 8 * 8 * 3 * 2
"""Of one image: 3 kernels of 9 weights at 8 × 8 places, and a dense layer from 192 numbers to 2."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current directory; nothing may be left there but small.yaml."""
    for name in ("CNNLAB_EXPERIMENTS", "CNNLAB_DATA_DIR", "KERAS_BACKEND"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(SMALL)
    yield tmp_path
    assert [path.name for path in tmp_path.iterdir()] == ["small.yaml"]


@pytest.fixture(scope="session")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an mnist.npz: 15,000 images and 200 for tests, noise with a bright row for the class."""
    rng = np.random.default_rng(0)

    def part(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = rng.integers(10, size=count)
        images = rng.integers(100, size=(count, 28, 28), dtype=np.uint8)
        images[np.arange(count), 2 * labels] = 255
        return images, labels.astype(np.uint8)

    (x_train, y_train), (x_test, y_test) = part(15_000), part(200)
    path = tmp_path_factory.mktemp("data")
    np.savez(path / "mnist.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return path
