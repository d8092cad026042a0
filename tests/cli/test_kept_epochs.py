"""`training.keep_epochs`, as a user types it."""

import json
import re

import pytest

import cnnlab
from cnnlab.cli import run

pytestmark = pytest.mark.usefixtures("unrendered")

SMALL = [
    word
    for setting in ("training.epochs=2", "dataset.train_size=100", "dataset.validation_size=50")
    for word in ("--set", setting)
]
KEEP = ["--set", "training.keep_epochs=true"]


def test_train_with_and_without(backend, tmp_path, capsys):
    """A finished run is found again as it is; a note says how to get the weights."""
    command = ["train", "colors_dnn", *SMALL, "--out", str(tmp_path), "--json"]

    def train(*more):
        assert run([*command, *more]) == 0
        streams = capsys.readouterr()
        return json.loads(streams.out), streams.err

    plain, messages = train()
    assert "keep_epochs" not in messages
    found, messages = train(*KEEP)
    assert found == plain
    [note] = re.findall(r".*keep_epochs.*", messages)
    assert note.endswith(
        "seed-0: was trained without training.keep_epochs, so it has the weights of its end only; --fresh "
        "trains it again and keeps those of each epoch"
    )
    kept, messages = train(*KEEP, "--fresh")
    assert "keep_epochs" not in messages
    measured = ("seconds", "seconds_per_epoch", "images_per_second", "peak_memory_bytes")
    assert all(kept[key] == plain[key] for key in plain.keys() - set(measured))
    assert cnnlab.runs(out=tmp_path)[0].kept_epochs == [0, 1, 2]
    again, messages = train(*KEEP)
    assert again == kept
    assert "keep_epochs" not in messages
    assert train()[0] == kept  # nor is it trained again without
    assert cnnlab.runs(out=tmp_path)[0].kept_epochs == [0, 1, 2]


def test_check_counts_them(backend, tmp_path, capsys):
    sizes = []
    for more in ([], KEEP):
        assert run(["train", "colors_dnn", *SMALL, *more, "--check", "--json"]) == 0
        sizes.append(json.loads(capsys.readouterr().out)["disk_bytes"])
    params = cnnlab.summary("colors_dnn").total_params
    assert sizes[1] - sizes[0] == 3 * 4 * params


def test_check_warns_of_many_bytes(backend, tmp_path, capsys):
    many = ["--set", "training.epochs=2999", "--set", "dataset.train_size=100"]
    assert run(["train", "colors_dnn", *many, *KEEP, "--check"]) == 0
    assert (
        "colors_dnn: training.keep_epochs keeps 1.3 GB for each seed, the weights of 3,000 epochs; lower "
        "training.epochs, or leave it out, if that is too much"
    ) in " ".join(capsys.readouterr().err.split())


def test_a_full_disk_is_told_before_the_training(backend, tmp_path, capsys, monkeypatch):
    usage = type("Usage", (), {"free": 10**6})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    assert run(["train", "colors_dnn", *SMALL, *KEEP, "--out", str(tmp_path)]) == 1
    messages = " ".join(capsys.readouterr().err.split())
    assert "training.keep_epochs needs 0.00 GB, but the disk has 0.00 GB left; free some space" in messages
    assert not list(tmp_path.glob("*/seed-0/run.json"))


def test_a_value_that_is_none(capsys):
    assert run(["train", "colors_dnn", "--set", "training.keep_epochs=all"]) == 2
    assert "training.keep_epochs: expected true or false, found 'all'" in capsys.readouterr().err
