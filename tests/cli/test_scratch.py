"""A run of `--backend scratch` is trained, found, predicted with, explained and compared like any other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnlab import blas
from cnnlab.processor import usable_cpus

pytestmark = pytest.mark.usefixtures("unrendered", "no_pictures")

CONFIG = """\
name: letters
dataset: {name: xo, train_count: 60, test_count: 20}
model:
  layers:
    - Conv2D: {filters: 2, kernel_size: 3, activation: relu}
    - BatchNormalization
    - MaxPooling2D: {pool_size: 4}
    - Flatten
    - Dense: {units: 2, activation: softmax}
training: {epochs: 2, batch_size: 16}
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("configs") / "letters.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def trained(cnnlab: Callable[..., Any], config: Path, out: Path, backend: object) -> dict[str, Path]:
    """By backend, the folder of a run."""
    runs = {}
    for name in ("tensorflow", "scratch"):
        result = cnnlab("train", config, "--backend", name, "--out", out, "--quiet", "--json")
        assert result.code == 0, result.stderr
        runs[name] = Path(result.json["run"])
    return runs


def test_what_computed_is_recorded(trained: dict[str, Path], backend: Any) -> None:
    found = json.loads((trained["scratch"] / "environment.json").read_text(encoding="utf-8"))
    assert found["backend"] == "scratch"
    assert (found["host"], found["tensorflow"]) == ("tensorflow", backend.version)
    assert (found["numpy"], found["blas"]) == (np.__version__, blas.blas_name())
    assert (found["convolution"], found["threads"], found["device"]) == ("im2col", usable_cpus(), "cpu")
    assert found["onednn"] is None
    assert "scratch" not in found
    other = json.loads((trained["tensorflow"] / "environment.json").read_text(encoding="utf-8"))
    assert not {"host", "blas", "convolution"} & other.keys()


def test_both_engines_have_the_same_curves(trained: dict[str, Path]) -> None:
    curves = [
        np.loadtxt(run / "history.csv", delimiter=",", skiprows=1, usecols=range(6))
        for run in trained.values()
    ]
    np.testing.assert_allclose(curves[0], curves[1], rtol=1e-4)


def test_a_finished_run_is_found(
    cnnlab: Callable[..., Any], config: Path, out: Path, trained: dict[str, Path]
) -> None:
    result = cnnlab("train", config, "--backend", "scratch", "--out", out)
    assert "already finished" in result.stderr
    assert trained["scratch"].name in result.stdout


def test_it_predicts_as_it_was_tested(
    cnnlab: Callable[..., Any], trained: dict[str, Path], tmp_path: Path
) -> None:
    from cnnlab.datasets import DATASETS, DataPaths, load_dataset

    xo = DATASETS["xo"](train_count=60, test_count=20)
    images = load_dataset(xo, DataPaths.from_environment(None)).test.images[:3]
    for number, image in enumerate(images):
        Image.fromarray(image[..., 0]).save(tmp_path / f"{number}.png")
    result = cnnlab("predict", trained["scratch"], *sorted(tmp_path.glob("*.png")), "--json")
    found = [list(each["probabilities"].values()) for each in result.json["predictions"]]
    with np.load(trained["scratch"] / "predictions.npz") as tested:
        np.testing.assert_allclose(found, tested["probabilities"][:3], atol=1e-3)  # float16


def test_it_is_explained_compared_and_listed(
    cnnlab: Callable[..., Any], trained: dict[str, Path], out: Path
) -> None:
    assert cnnlab("explain", "filters", trained["scratch"], "--quiet").code == 0
    result = cnnlab("compare", *trained.values(), "--out", out, "--quiet", "--json")
    names = [each["name"] for each in result.json["experiments"]]
    assert names == ["letters-backend=tensorflow", "letters-backend=scratch"]
    listed = cnnlab("runs", "list", "--out", out, "--json").json
    assert len(listed) == 2


def test_what_it_does_not_do_is_refused(cnnlab: Callable[..., Any], trained: dict[str, Path]) -> None:
    result = cnnlab("explain", "filters", trained["scratch"], "--backend", "scratch")
    assert result.code == 2
    assert "'scratch' is not one of 'tensorflow', 'jax', 'torch'" in result.stderr
    result = cnnlab("train", "cnn", "--backend", "scratch", "--together", "2", "--seeds", "0-1")
    assert result.code == 2
    assert "only JAX computes several seeds in one program, and cnn runs on scratch" in result.stderr


def test_loops_say_beforehand_what_they_cost(
    cnnlab: Callable[..., Any], config: Path, tmp_path: Path
) -> None:
    """No step of a network is computed in loops to tell: of this one, it would take a quarter of an hour."""
    wide = tmp_path / "wide.yaml"
    wide.write_text(CONFIG.replace("filters: 2, kernel_size: 3", "filters: 300, kernel_size: 9"), "utf-8")
    options = ["--check", "--backend", "scratch", "--set", "training.batch_size=54", "--json"]
    result = cnnlab("train", wide, *options, "--set", "runtime.convolution=loops")
    cost = result.json
    assert cost["peak_memory_bytes"] is None
    # 8 · 8 positions, 300 kernels of 81 weights, forwards and to the kernels, 54 images; 10 ns to 10 µs each
    multiplications = 64 * 300 * 81 * 2 * 54
    assert 1e-8 < cost["seconds_in_loops"] / multiplications < 1e-5
    assert cost["seconds_in_loops"] < cost["seconds_per_step"]
    assert cost["seconds"] > 2 * cost["seconds_per_step"]
    assert "of each step are convolutions in loops, told from a sample of their" in result.stderr


def test_a_worker_has_the_threads_it_is_told(
    process: Callable[..., Any], config: Path, tmp_path: Path
) -> None:
    result = process("train", config, "--backend", "scratch", "--threads", "2", "--out", tmp_path, "--json")
    assert result.code == 0, result.stderr
    found = json.loads((Path(result.json["run"]) / "environment.json").read_text(encoding="utf-8"))
    assert (found["threads"], found["parallel_operations"]) == (2, 1)
