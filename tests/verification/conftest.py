from pathlib import Path

import pytest

TINY = """\
name: tiny
dataset: {name: xo, train_count: 100, test_count: 100}
model:
  layers:
    - Flatten
    - Dense: {units: 4, activation: relu}
    - Dropout: {rate: 0.3}
    - Dense: {units: 2, activation: softmax}
training: {epochs: 5, batch_size: 32}
"""


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("configs") / "tiny.yaml"
    path.write_text(TINY)
    return path
