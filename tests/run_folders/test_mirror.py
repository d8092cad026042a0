"""Folders of runs that are trained elsewhere: whoever writes them may be killed at any step."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from cnnlab.config.experiment import load_config
from cnnlab.errors import CnnlabError
from cnnlab.run_folders.identity import is_finished, run_path
from cnnlab.run_folders.mirror import Changes, Mirror, saved_epochs, to_resume
from cnnlab.run_folders.records import read_json, read_status
from cnnlab.run_folders.run_writer import RunWriter, following, open_run
from cnnlab.run_folders.states import state_of

CONFIG = load_config("colors_dnn")
DATA = "d" * 64
ROW = {"loss": 1.0, "accuracy": 0.5, "val_loss": None, "val_accuracy": None, "learning_rate": 0.1}
TIMES = {"seconds": 1.0, "images_per_second": 10.0}


class Killed(BaseException):
    """As by kill -9: nothing that follows is done."""


def history(epochs: int) -> list[dict]:
    return [{"epoch": number, **ROW, **TIMES} for number in range(1, epochs + 1)]


def train(run: RunWriter, epochs: int):
    """What a training writes, step by step, with a yield after each epoch and at the end."""
    run.write_setting({"threads": 1, "device": "cpu"})
    for epoch in range(1, epochs + 1):
        run.write_checkpoint({"weights": np.full(3, epoch)}, history(epoch))
        yield epoch
    run.write_arrays("predictions.npz", labels=np.arange(3))
    run.write_text("model.keras", "a model")
    run.write_json("result.json", {"digest": CONFIG.digest})


@pytest.fixture(scope="module")
def sent(tmp_path_factory) -> list[dict[str, bytes]]:
    """What a machine sends of a run of three epochs: after each, and when it is finished."""
    path = run_path(CONFIG, tmp_path_factory.mktemp("there"))
    changes, sent = Changes(path), []
    with open_run(path, CONFIG, data=DATA) as run:
        for _ in train(run, 3):
            sent.append(changes.take())
    sent.append(changes.take())
    return sent


def mirrored(path: Path, sent: list[Mapping[str, bytes]], kind: type[Mirror] = Mirror) -> Mirror:
    mirror = kind(path, CONFIG, data=DATA)
    with following(mirror):
        for files in sent:
            mirror.take(files)
    return mirror


def test_only_what_has_changed_is_sent(sent) -> None:
    first, second, third, last = sent
    assert set(first) == {
        "run.json", "config.yaml", "layers.csv", "environment.json", "checkpoint.npz", "history.csv"
    }  # fmt: skip
    assert set(second) == set(third) == {"run.json", "checkpoint.npz", "history.csv"}
    assert set(last) == {"run.json", "predictions.npz", "model.keras", "result.json"}


def test_a_finished_run_is_the_same_as_there(sent, tmp_path: Path) -> None:
    path = run_path(CONFIG, tmp_path)
    mirrored(path, sent)
    assert is_finished(path, CONFIG)
    everything = {name: content for files in sent for name, content in files.items()}
    everything.pop("checkpoint.npz")
    status = json.loads(everything.pop("run.json"))
    assert {each.name for each in path.iterdir()} == {*everything, "run.json"}
    assert all((path / name).read_bytes() == content for name, content in everything.items())
    here = read_json(path / "run.json")
    assert {key: here[key] for key in ("state", "files", "seconds", "digest", "data", "seed")} == {
        key: status[key] for key in ("state", "files", "seconds", "digest", "data", "seed")
    }


def killed_after(steps: int) -> type[Mirror]:
    """A mirror whose process is killed when it is about to give the next file its name."""

    class Short(Mirror):
        named = 0

        def _before_naming(self, name: str, partial: Path) -> None:
            if self.named == steps:
                raise Killed
            type(self).named += 1
            super()._before_naming(name, partial)

        def write_state(self, state, **more) -> None:
            if state in ("running", "finished"):  # whoever is killed does not say that it failed
                super().write_state(state, **more)

    return Short


def test_killed_at_any_step_it_can_be_resumed(sent, tmp_path: Path) -> None:
    epochs = []
    for steps in range(40):
        path = run_path(CONFIG, tmp_path / str(steps))
        try:
            mirrored(path, sent, killed_after(steps))
        except Killed:
            pass
        else:
            break
        status = read_status(path)
        assert status is None or state_of(path, status) == "interrupted"
        assert not is_finished(path, CONFIG)
        epochs.append(saved_epochs(path))
        files = to_resume(path)
        assert bool(files) == bool(epochs[-1])
        if files:  # they say under which arithmetic the checkpoint was begun
            assert {"run.json", "environment.json", "config.yaml"} <= files.keys()
            table = files.get("history.csv", b"").decode().splitlines()[1:]
            assert len(table) <= epochs[-1]
    else:
        pytest.fail("it never came to the end")
    assert epochs == sorted(epochs)
    assert set(epochs) == {0, 1, 2, 3}


def test_a_run_goes_on_elsewhere_from_what_is_here(sent, tmp_path: Path) -> None:
    path, there = run_path(CONFIG, tmp_path / "here"), run_path(CONFIG, tmp_path / "there")
    with pytest.raises(Killed):
        mirrored(path, sent[:2], type("Lost", (Mirror,), {"finish": _kill}))
    changes = Changes(there)
    changes.write(to_resume(path))
    assert changes.take() == {}
    with open_run(there, CONFIG, data=DATA) as run:
        saved = run.read_checkpoint(pytest.fail)
        assert saved is not None
        assert saved.epoch == 2
        run.write_checkpoint({"weights": np.full(3, 3)}, history(3))
        assert set(changes.take()) == {"run.json", "checkpoint.npz", "history.csv"}


def _kill(run: RunWriter) -> None:
    raise Killed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"predictions.npz": b"other"}, "predictions.npz did not come as the machine has written them"),
        ({"run.json": b"{"}, "the machine that trains it has a damaged run.json"),
        ({"../escaped": b""}, "expected names of files, found '../escaped'"),
        ({".lock": b""}, "expected names of files, found '.lock'"),
    ],
)
def test_what_comes_otherwise_is_refused(sent, tmp_path: Path, change, message: str) -> None:
    path = run_path(CONFIG, tmp_path)
    with pytest.raises(CnnlabError, match=message):
        mirrored(path, [*sent[:3], sent[3] | change])
    assert (read_status(path) or {})["state"] == "failed"
    assert saved_epochs(path) == 3


def test_a_run_that_is_not_said_to_be_finished_is_not(sent, tmp_path: Path) -> None:
    path = run_path(CONFIG, tmp_path)
    with pytest.raises(CnnlabError, match="does not say that it is finished"):
        mirrored(path, sent[:3])
    assert not is_finished(path, CONFIG)


def weights(epoch: int) -> dict[str, np.ndarray]:
    return {"dense_1/kernel": np.full((2, 3), epoch, np.float32)}


class Noting(Mirror):
    """Notes what it writes."""

    def _before_naming(self, name: str, partial: Path) -> None:
        self.__dict__.setdefault("names", []).append(name)
        super()._before_naming(name, partial)


def test_kept_weights_come_ahead_of_their_checkpoint_and_go_with_a_run(tmp_path: Path) -> None:
    """A run that is killed here at any step has no gap, and another machine knows what is kept."""
    path, there = run_path(CONFIG, tmp_path / "here"), run_path(CONFIG, tmp_path / "there")
    sent, changes = [], Changes(there)
    with open_run(there, CONFIG, data=DATA) as run:
        run.write_epoch(0, weights(0))
        run.write_epoch(1, weights(1))
        for epoch in train(run, 2):
            sent.append(changes.take())
            run.write_epoch(epoch + 1, weights(epoch + 1))
    sent.append(changes.take())
    mirror = mirrored(path, sent, Noting)
    names = [name for name in mirror.__dict__["names"] if name.endswith(".npz")]
    first = ["epoch-000.npz", "epoch-001.npz", "checkpoint.npz"]
    assert names[:5] == [*first, "epoch-002.npz", "checkpoint.npz"]
    files = read_json(path / "run.json")["files"]
    assert {"epoch-000.npz", "epoch-001.npz", "epoch-002.npz", "epoch-003.npz"} <= files.keys()
    assert files == read_json(there / "run.json")["files"]
    (path / "checkpoint.npz").touch()
    assert set(first) <= to_resume(path).keys()


def test_kept_weights_that_came_damaged(tmp_path: Path) -> None:
    path, there = run_path(CONFIG, tmp_path / "here"), run_path(CONFIG, tmp_path / "there")
    with open_run(there, CONFIG, data=DATA) as run:
        run.write_epoch(0, weights(0))
        list(train(run, 1))
    files = Changes(there).take()
    files["epoch-000.npz"] = files["epoch-000.npz"][:-1]
    with pytest.raises(CnnlabError, match=r"epoch-000\.npz did not come as the machine has written them"):
        mirrored(path, [files])
