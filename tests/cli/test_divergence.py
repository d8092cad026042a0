"""A run whose loss is no number stops at once, says when, and is failed; the others go on."""

import json
from pathlib import Path

import pytest

NOT_FINITE = """\
name: wild
dataset: {name: mnist, train_size: 80, validation_size: 20}
model:
  layers:
    - Flatten
    - Dense: {units: 16}
    - Dense: {units: 10, activation: softmax}
training: {epochs: 3, batch_size: 32, optimizer: {name: sgd, learning_rate: 1e30}}
"""


def test_a_diverging_run(cnnlab, write_config, data_dir: Path, folder_of, tmp_path: Path) -> None:
    options = ("--data-dir", data_dir, "--out", tmp_path / "out", "--quiet", "--json")
    result = cnnlab("train", write_config(NOT_FINITE), *options)
    message = (
        "training diverged: the loss is nan in epoch 1 at step 2 of 3; the first layer whose outputs are "
        "not finite is dense_1; lower training.optimizer.learning_rate (it is 1e+30)"
    )
    assert result.code == 1
    assert result.json == []
    assert result.stderr.splitlines()[1:] == [f"wild, seed 0: {message}"]
    run = folder_of(tmp_path / "out")
    assert (run.json("run.json")["state"], run.json("run.json")["error"]) == ("failed", message)
    assert not (run.path / "result.json").exists()


def test_the_other_seeds_and_experiments_go_on(
    cnnlab, write_config, configs, data_dir: Path, tmp_path: Path
) -> None:
    options = ("--data-dir", data_dir, "--out", tmp_path / "out", "--quiet", "--json", "--seeds", "0-1")
    result = cnnlab("train", write_config(NOT_FINITE), configs["small"], *options)
    assert result.code == 1
    assert [(each["name"], each["seed"]) for each in result.json] == [("small", 0), ("small", 1)]
    assert [line.split(": ")[0] for line in result.stderr.splitlines()[1:]] == [
        "wild, seed 0",
        "wild, seed 1",
    ]


@pytest.mark.parametrize(
    ("validation_size", "name"),
    [pytest.param(20, "validation", id="validation"), pytest.param(0, "train", id="no-validation")],
)
def test_a_run_that_diverges_in_its_very_last_step(
    cnnlab, write_config, data_dir: Path, folder_of, tmp_path: Path, validation_size: int, name: str
) -> None:
    """No training step sees what the last update has done: the evaluation does."""
    path = write_config(NOT_FINITE)
    overrides = ("training.epochs=1", "training.batch_size=80", f"dataset.validation_size={validation_size}")
    sets = [part for override in overrides for part in ("--set", override)]
    result = cnnlab("train", path, *sets, "--data-dir", data_dir, "--out", tmp_path / "out", "--quiet")
    message = (
        f"training diverged: the {name} loss is nan after epoch 1; the first layer whose outputs are not "
        "finite is dense_2; lower training.optimizer.learning_rate (it is 1e+30)"
    )
    assert (result.code, result.stdout) == (1, "")
    assert result.stderr.splitlines()[1:] == [f"wild, seed 0: {message}"]
    assert folder_of(tmp_path / "out").json("run.json")["state"] == "failed"


def test_a_failed_run_is_trained_again(cnnlab, write_config, data_dir: Path, tmp_path: Path) -> None:
    path = write_config(NOT_FINITE)
    options = ("--data-dir", data_dir, "--out", tmp_path / "out", "--quiet")
    assert [cnnlab("train", path, *options).code for _ in range(2)] == [1, 1]


def test_json_files_hold_no_nan(cnnlab, configs, data_dir: Path, tmp_path: Path) -> None:
    """Python would write NaN, which is not JSON."""
    cnnlab("train", configs["small"], "--data-dir", data_dir, "--out", tmp_path, "--set", "training.epochs=1")
    for path in tmp_path.rglob("*.json"):
        json.loads(path.read_text(), parse_constant=pytest.fail)
