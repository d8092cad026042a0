"""Runs as cnnlab 0.1.0 left them are still found, listed, compared and reused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnlab.api.run import Run
from cnnlab.cli import run
from cnnlab.config.experiment import load_config
from cnnlab.datasets import DataPaths, load_dataset
from cnnlab.errors import UserError
from cnnlab.run_folders.identity import find_finished
from cnnlab.run_folders.records import read_history, read_record

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


@pytest.fixture
def old_run(out, backend):
    (path,) = out.glob("golden_cnn-*/seed-0")
    return path


def test_an_old_run_is_explained(old_run, capsys):
    assert run(["explain", "confusion", str(old_run), "--json", "--quiet"]) == 0
    document = json.loads(capsys.readouterr().out)
    record = read_record(old_run)
    predictions = record.predictions
    counts = np.zeros((2, 2), int)
    np.add.at(counts, (predictions.labels, predictions.predicted), 1)
    assert document["counts"] == counts.tolist()
    assert document["accuracy"] == pytest.approx(record.result.test_accuracy)


def test_an_old_run_predicts_as_it_did(old_run, tmp_path, capsys):
    record = read_record(old_run)
    data = load_dataset(record.config.dataset, DataPaths.from_environment(None))
    files = []
    for index, image in enumerate(data.test.images[:5]):
        files.append(tmp_path / f"{index}.png")
        Image.fromarray(image[..., 0]).save(files[-1])
    assert run(["predict", str(old_run), *map(str, files), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["predictions"]
    probabilities = [list(each["probabilities"].values()) for each in found]
    np.testing.assert_allclose(probabilities, record.predictions.probabilities[:5], atol=1e-3)


def test_a_run_whose_plugin_is_not_installed_says_so(old_run):
    config = old_run / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("Flatten", "CenterCrop"), encoding="utf-8")
    environment = json.loads((old_run / "environment.json").read_text(encoding="utf-8"))
    environment["plugins"] = {"cnnlab-example": "1.2", "numpy": "2.0"}
    (old_run / "environment.json").write_text(json.dumps(environment), encoding="utf-8")
    for read in (read_record, lambda path: Run(path).experiment):
        with pytest.raises(UserError) as caught:
            read(old_run)
        first, *_, last = str(caught.value).splitlines()
        assert "unknown layer 'CenterCrop'" in first
        assert last == "   this run used the plug-in cnnlab-example 1.2; install it"
        assert "numpy" not in str(caught.value)


@pytest.fixture
def interrupted(tmp_path):
    """A run that 0.1.0 was interrupted in after two of four epochs: its checkpoint vouches for nothing."""
    out = shutil.copytree(GOLDEN / "0.1.0-interrupted", tmp_path / "interrupted")
    return next(out.glob("golden_stateful-*/seed-0"))


def train_golden(path):
    return run(["train", str(GOLDEN / "golden_stateful.yaml"), "--out", str(path.parent.parent), "--quiet"])


def test_an_interrupted_old_run_is_resumed(interrupted, backend):
    before = read_history(interrupted)
    assert train_golden(interrupted) == 0
    record = read_record(interrupted)
    assert record.checked
    assert list(record.history[:2]) == before
    assert [row["epoch"] for row in record.history] == [1, 2, 3, 4]
    assert record.result.best_epoch in (1, 2, 3, 4)
    assert not list(interrupted.glob("checkpoint*"))


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: (path / "history.csv").write_text("", encoding="utf-8"),
        lambda path: (path / "history.csv").write_text("epoch,loss\n1,0.5\n2,0.4\n", encoding="utf-8"),
        lambda path: (path / "history.csv").unlink(),
        lambda path: drop(path / "checkpoint.npz", "epoch"),
        lambda path: drop(path / "checkpoint.npz", "variable_3"),
        lambda path: drop(path / "checkpoint.npz", "best_epoch"),
        lambda path: drop(path / "checkpoint.npz", "best_weight_1"),
        lambda path: drop(path / "checkpoint.npz", "epoch", epoch=np.array(0)),
    ],
    ids=["empty-history", "short-history", "no-history", "no-epoch", "no-variable", "no-best", "no-weight",
         "epoch-0"],
)  # fmt: skip
def test_a_damaged_old_checkpoint_is_refused(interrupted, backend, capsys, harm):
    """It has no digest, but what cannot be right is seen all the same."""
    harm(interrupted)
    assert train_golden(interrupted) in (1, 2)
    said = capsys.readouterr().err
    assert "--fresh" in said
    assert "internal error" not in said
    assert "mistake of its own" not in said
    assert json.loads((interrupted / "run.json").read_text(encoding="utf-8"))["state"] != "finished"


def drop(path, name, **instead):
    with np.load(path) as arrays:
        kept = {each: arrays[each] for each in arrays if each != name} | instead
    np.savez(path, **kept)
