"""A crash at every single file operation of `train`; the same command again ends with the same bits."""

import json
import os
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnlab
from cnnlab.verification.training_process import run_folder

FULL = os.environ.get("CHAOS") == "full"
NAMES = ["everything", "average", "plateau", "best", "stopping"] if FULL else ["everything"]
POINTS = 3
"""Of each story in a small run."""

ORDERS = ["ascending", "descending"]
"""In which a file system names the files of a folder, and they are removed."""


def half_way(disks: Any) -> Any:
    """The last disk with a checkpoint on which history.csv has two epochs."""
    found = None
    for disk in disks:
        for name, content in disk.files.items():
            if name.endswith("/history.csv") and content is not None and content.count(b"\n") == 3:
                found = disk if any(each.endswith("/checkpoint.npz") for each in disk.files) else found
    assert found is not None
    return found


def survive(seen: Any, table: Any, disks: Any, out: Path, again: Any) -> None:
    """Repeat the command on disks that were seen."""
    table.points += seen.count
    for disk in disks:
        disk.put(out)
        table.attempt(disk.moment, again)


def status_of(disk: Any) -> bytes | None:
    """The content of run.json."""
    found: list[bytes] = [content for name, content in disk.files.items() if name.endswith("/run.json")]
    return found[0] if found else None


def while_cleared(seen: Any) -> list[Any]:
    """The disks while a folder was being removed."""
    return [disk for disk in seen.disks.values() if "clearing" in disk.moment]


@pytest.mark.parametrize("name", NAMES)
def test_train(name: str, configs, whole, watched, sample, same_run, tally, tmp_path: Path) -> None:
    """A fresh run, and one that is resumed."""
    out, config = tmp_path / "out", str(configs[name])
    expected = whole(name)

    def again() -> None:
        cnnlab.train(config, out=out)
        same_run(run_folder(out), expected)

    table = tally("crash points of train")
    fresh = watched(out, lambda: cnnlab.train(config, out=out))
    survive(fresh, table, sample([*fresh.disks.values()], POINTS), out, again)

    half_way(fresh.disks.values()).put(out)
    resumed = watched(out, lambda: cnnlab.train(config, out=out))
    survive(resumed, table, sample([*resumed.disks.values()], POINTS), out, again)
    table.close()


def test_train_on_a_damaged_checkpoint(
    configs, whole, watched, sample, same_run, tally, tmp_path: Path
) -> None:
    """The newest checkpoint is damaged: until the next one is saved, the one before it must not be lost."""
    out, config = tmp_path / "out", str(configs["everything"])
    expected = whole("everything")

    def train() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", cnnlab.CnnlabWarning)  # it says which checkpoint is taken
            cnnlab.train(config, out=out)

    def again() -> None:
        train()
        same_run(run_folder(out), expected)

    disk = half_way(watched(out, lambda: cnnlab.train(config, out=out)).disks.values())
    (newest,) = (name for name in disk.files if name.endswith("/checkpoint.npz"))
    content = bytearray(disk.files[newest])
    content[len(content) // 2] ^= 1
    replace(disk, files={**disk.files, newest: bytes(content)}).put(out)

    table = tally("crash points of train, damaged newest")
    seen = watched(out, train)
    disks = [*seen.disks.values()]
    saving = [each for each in disks if "checkpoint" in each.moment]
    survive(seen, table, disks if FULL else sample(saving[:12], 2 * POINTS), out, again)
    table.close()


def test_train_at_the_very_end(configs, whole, watched, same_run, tally, tmp_path: Path) -> None:
    """Once run.json says that the run is finished, only cleaning up is left; the next command does it."""
    out, config = tmp_path / "out", str(configs["best"])
    expected = whole("best")

    def again() -> None:
        cnnlab.train(config, out=out)
        same_run(run_folder(out), expected)

    table = tally("crash points of train, behind its end")
    seen = watched(out, lambda: cnnlab.train(config, out=out))
    ended = [disk for disk in seen.disks.values() if b'"finished"' in (status_of(disk) or b"")]
    survive(seen, table, ended, out, again)
    assert len(ended) >= 2
    table.close()


@pytest.mark.parametrize("order", ORDERS if FULL else ["ascending"], indirect=True)
def test_train_fresh_over_a_finished_run(
    order, configs, whole, watched, sample, same_run, tally, tmp_path: Path
) -> None:
    out, config = tmp_path / "out", str(configs["best"])
    expected = whole("best")

    def again(fresh: bool) -> None:
        cnnlab.train(config, out=out, fresh=fresh)
        same_run(run_folder(out), expected)

    cnnlab.train(config, out=out)
    table = tally("crash points of train --fresh")
    seen = watched(out, lambda: cnnlab.train(config, out=out, fresh=True))
    disks = while_cleared(seen) if order == "descending" else [*seen.disks.values()]
    survive(seen, table, sample(disks, POINTS), out, lambda: again(fresh=True))
    # Without --fresh, too: what is there is the old run, or a part of the new one, or nothing.
    for disk in sample(while_cleared(seen), POINTS):
        disk.put(out)
        table.attempt(f"{disk.moment}, then without --fresh", lambda: again(fresh=False))
    table.close()


def write_data(path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (140, 12, 12), dtype=np.uint8)
    labels = np.arange(140) % 2
    images[labels == 1, :6] //= 2
    np.savez(path, x_train=images[:100], y_train=labels[:100], x_test=images[100:], y_test=labels[100:])


@pytest.mark.parametrize("order", ORDERS if FULL else ["descending"], indirect=True)
def test_train_on_changed_data(order, watched, sample, same_run, tally, backend, tmp_path: Path) -> None:
    """Interrupted on one set, then trained on another of the same name: the old one leaves no trace."""
    out, data, config = tmp_path / "out", tmp_path / "data.npz", tmp_path / "own.yaml"
    config.write_text(
        f"name: own\ndataset: {{npz: {data}}}\nmodel: {{layers: [Flatten, Dropout: {{rate: 0.2}}, "
        "Dense: {units: 2, activation: softmax}]}\ntraining: {epochs: 4, batch_size: 32}\n"
    )

    def train(folder: Path = out) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", cnnlab.CnnlabWarning)  # it says that the data has changed
            cnnlab.train(str(config), out=folder)

    write_data(data, seed=1)
    old = half_way(watched(out, train).disks.values())
    write_data(data, seed=2)
    train(tmp_path / "expected")
    expected = run_folder(tmp_path / "expected")

    def again() -> None:
        train()
        same_run(run_folder(out), expected)

    old.put(out)
    table = tally("crash points of train on changed data")
    seen = watched(out, train)
    disks = [*seen.disks.values()] if order == "ascending" else while_cleared(seen)
    survive(seen, table, disks, out, again)
    table.close()


def test_an_edited_history_changes_nothing(configs, whole, watched, same_run, tmp_path: Path) -> None:
    """The table of an unfinished run is for people; the run goes on from what its checkpoint holds."""
    out, config = tmp_path / "out", str(configs["everything"])
    disk = half_way(watched(out, lambda: cnnlab.train(config, out=out)).disks.values())
    for harm in (lambda text: "", lambda text: text[: len(text) // 2], lambda text: text.replace("0.", "1.")):
        disk.put(out)
        run = run_folder(out)
        (run / "history.csv").write_text(harm((run / "history.csv").read_text()))
        cnnlab.train(config, out=out)
        same_run(run, whole("everything"))


def test_a_lost_status_costs_nothing(configs, whole, watched, same_run, tmp_path: Path) -> None:
    """run.json is not flushed after every epoch: a power failure can leave it empty, or not there at all."""
    out, config = tmp_path / "out", str(configs["everything"])
    disk = half_way(watched(out, lambda: cnnlab.train(config, out=out)).disks.values())
    for harm in (Path.unlink, lambda path: path.write_bytes(b"")):
        disk.put(out)
        run = run_folder(out)
        harm(run / "run.json")
        with pytest.warns(cnnlab.CnnlabWarning, match="run.json .*; resuming after epoch"):
            cnnlab.train(config, out=out)
        same_run(run, whole("everything"))


def test_the_harness_sees_a_loss(configs, whole, watched, same_run, monkeypatch, tmp_path: Path) -> None:
    """Weights that are not put back are noticed."""
    out, config = tmp_path / "out", str(configs["everything"])
    half_way(watched(out, lambda: cnnlab.train(config, out=out)).disks.values()).put(out)
    monkeypatch.setattr("cnnlab.training.checkpoint.Checkpoint.restore", lambda *_, **__: None)
    cnnlab.train(config, out=out)
    run = run_folder(out)
    with pytest.raises(AssertionError):
        same_run(run, whole("everything"))
    assert json.loads((run / "run.json").read_text())["state"] == "finished"
