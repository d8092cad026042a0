"""Runs as cnnlab 0.1.0 left them are still found, listed, compared and reused."""

import json
import shutil
from pathlib import Path

import pytest

from cnnlab.cli import run
from cnnlab.config.experiment import load_config
from cnnlab.run_folders.records import find_finished, read_record

GOLDEN = Path(__file__).parent / "golden"
NAMES = ("golden_dnn", "golden_cnn")


@pytest.fixture
def out(tmp_path):
    """A copy that a test may write to."""
    return shutil.copytree(GOLDEN / "0.1.0", tmp_path / "experiments")


def files_of(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_config_finds_its_old_run(name, seed):
    config = load_config(str(GOLDEN / f"{name}.yaml")).with_seed(seed)
    record = find_finished(config, GOLDEN / "0.1.0")
    assert record is not None
    assert record.config == config
    assert record.result.test_accuracy == pytest.approx(record.predictions.right.mean())
    assert [row["epoch"] for row in record.history] == [1, 2]


def test_old_runs_are_listed(out, capsys):
    assert run(["runs", "list", "--json", "--out", str(out)]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["name"], row["seed"], row["state"]) for row in rows] == [
        (name, seed, "finished") for name in sorted(NAMES) for seed in (0, 1)
    ]


def test_old_runs_are_compared_and_not_trained_again(out, capsys):
    before = files_of(out)
    configs = [str(GOLDEN / f"{name}.yaml") for name in NAMES]
    assert run(["compare", *configs, "--seeds", "0-1", "--out", str(out), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    for outcome in document["experiments"]:
        records = [read_record(path) for path in sorted(out.glob(f"{outcome['name']}-*/seed-*"))]
        assert outcome["test_accuracy"]["values"] == [each.result.test_accuracy for each in records]
    after = files_of(out)
    assert {path: time for path, time in after.items() if path in before} == before
