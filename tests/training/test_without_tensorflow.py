"""On another backend TensorFlow is left alone, where it is installed: it costs seconds and memory."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = """
dataset: {name: xo, train_count: 40, test_count: 10}
model:
  layers:
    - Conv2D: {filters: 2, kernel_size: 3}
    - Flatten
    - Dense: {units: 2, activation: softmax}
training: {epochs: 1}
runtime: {backend: jax}
"""
CODE = """
import sys
from pathlib import Path

import numpy as np

import cnnlab

(run,) = cnnlab.train("small.yaml", out="runs")
run.predict([np.zeros((16, 16), np.uint8)])
run.explain("saliency").save()
assert Path(run.folder, "model.keras").is_file()
assert "jax" in sys.modules
assert "tensorflow" not in sys.modules
"""


def test_on_jax(tmp_path):
    for needed in ("jax", "tensorflow"):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed")
    (tmp_path / "small.yaml").write_text(CONFIG)
    environment = {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
