"""Nothing is lost: kill it anywhere; it goes on, bit for bit."""

import errno
import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnlab.run_folders.run_writer import RunWriter

pytestmark = pytest.mark.usefixtures("unrendered")

EPOCHS = 80


def wait_for_epochs(out: Path, count: int) -> Path:
    """Wait until a training elsewhere has so many epochs behind it; returns its folder."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for path in out.glob("*/seed-*/history.csv"):
            if len(path.read_text().splitlines()) > count:
                return path.parent
        time.sleep(0.005)
    raise TimeoutError(f"no {count} epochs in {out}")


def state(folder: Path) -> Any:
    return json.loads((folder / "run.json").read_text())["state"]


def assert_no_half_files(folder: Path) -> None:
    """Every file under its own name can be read."""
    for path in folder.glob("*.json"):
        json.loads(path.read_text())
    with np.load(folder / "checkpoint.npz") as arrays:
        # What was not looked at in an epoch is NaN.
        assert all(np.isfinite(arrays[name]).all() for name in arrays if name != "observations")
    assert {path.name for path in folder.iterdir() if not path.name.startswith(".partial-")} <= {
        *("run.json", "config.yaml", "layers.csv", "environment.json", "history.csv"),
        *("checkpoint.npz", "checkpoint-previous.npz"),
    }


@pytest.fixture(scope="module")
def story(backend, cnnlab, start, configs, data_dir, folder_of, tmp_path_factory) -> dict[str, Any]:
    """One run: killed, gone on with, met by a rival, interrupted, finished. And its undisturbed twin."""
    out, twin = tmp_path_factory.mktemp("out"), tmp_path_factory.mktemp("twin")
    options = ("--data-dir", data_dir, "--set", f"training.epochs={EPOCHS}", "--set", "seed=3")
    command = ("train", configs["stateful"], *options, "--out", out)
    told: dict[str, Any] = {}

    first = start(*command, pauses=True)
    folder = wait_for_epochs(out, 2)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    told["killed"] = first.returncode, state(folder)
    told["known when killed"] = json.loads((folder / "run.json").read_text())
    assert_no_half_files(folder)
    with np.load(folder / "checkpoint.npz") as arrays:
        told["epoch of the checkpoint"] = int(arrays["epoch"])

    second = start(*command, pauses=True)
    wait_for_epochs(out, told["epoch of the checkpoint"] + 2)
    told["rival"] = cnnlab(*command, "--quiet")
    second.send_signal(signal.SIGINT)
    stdout, stderr = second.communicate(timeout=60)
    told["interrupted"] = second.returncode, stdout, stderr, state(folder)
    assert_no_half_files(folder)

    told["last"] = cnnlab(*command)
    told["twin"] = cnnlab("train", configs["stateful"], *options, "--out", twin)
    told["folder"], told["twin folder"] = folder_of(out), folder_of(twin)
    return told


def test_a_killed_run_is_left_as_running(story) -> None:
    assert story["killed"] == (-signal.SIGKILL, "running")


def test_a_second_process_on_the_same_run_is_refused(story) -> None:
    result = story["rival"]
    assert (result.code, result.stdout) == (1, "")
    path = story["folder"].path
    assert result.stderr.splitlines()[1:] == [
        f"stateful, seed 3: {path}: another process is training this run"
    ]


def test_an_interrupted_run_says_so(story) -> None:
    code, stdout, stderr, left = story["interrupted"]
    assert (code, stdout, left) == (130, "", "interrupted")
    lines = stderr.splitlines()
    assert (
        f"stateful, seed 3: {EPOCHS} epochs, resuming after epoch {story['epoch of the checkpoint']}" in lines
    )
    assert lines[-1] == "interrupted; run the same command again to resume"
    assert "Traceback" not in stderr


def test_what_was_interrupted_ends_as_if_it_had_not_been(story) -> None:
    assert (story["last"].code, story["twin"].code) == (0, 0)
    assert "resuming after epoch" in story["last"].stderr
    assert "resuming after epoch" not in story["twin"].stderr
    assert [int(row["epoch"]) for row in story["folder"].history] == list(range(1, EPOCHS + 1))
    story["folder"].assert_same_training(story["twin folder"])


def test_the_time_before_the_interruption_counts(story) -> None:
    """Also where nobody was left to say it."""
    seconds = [float(row["seconds"]) for row in story["folder"].history]
    assert story["known when killed"]["seconds"] >= sum(seconds[: story["epoch of the checkpoint"]])
    result, training = story["folder"].json("result.json"), sum(seconds)
    assert result["seconds"] > training
    assert story["folder"].json("run.json")["seconds"] >= training


def test_nothing_of_the_interruption_is_left(story) -> None:
    names = {path.name for path in story["folder"].path.iterdir()}
    assert names == {path.name for path in story["twin folder"].path.iterdir()}


Train = Callable[..., Any]


@pytest.fixture(scope="module")
def undisturbed(cnnlab, configs, data_dir, folder_of, tmp_path_factory) -> Any:
    out = tmp_path_factory.mktemp("undisturbed")
    assert cnnlab("train", configs["stateful"], "--data-dir", data_dir, "--out", out).code == 0
    return folder_of(out)


@pytest.fixture
def train(cnnlab, configs, data_dir: Path, tmp_path: Path) -> Train:
    def call(*options: object) -> Any:
        return cnnlab(
            "train", configs["stateful"], "--data-dir", data_dir, "--out", tmp_path / "out", *options
        )

    return call


def interrupted_after(
    monkeypatch: pytest.MonkeyPatch, method: str, times: int, error: BaseException, *, done: bool
) -> None:
    """Let one of the run's writers raise on its n-th call, before or after it has done its work."""
    real, calls = getattr(RunWriter, method), []

    def write(run: RunWriter, *arguments: Any, **named: Any) -> None:
        calls.append(1)
        if len(calls) < times or done:
            real(run, *arguments, **named)
        if len(calls) == times:
            raise error

    monkeypatch.setattr(RunWriter, method, write)


@pytest.mark.parametrize(
    ("method", "epoch", "done"),
    [
        pytest.param("write_checkpoint", 1, False, id="before-the-first-checkpoint"),
        pytest.param("write_checkpoint", 1, True, id="after-the-first-checkpoint"),
        pytest.param("write_history", 3, False, id="before-a-history"),
        pytest.param("write_history", 3, True, id="between-history-and-checkpoint"),
        pytest.param("write_checkpoint", 3, True, id="after-both"),
    ],
)
def test_interrupted_between_any_two_files(
    train: Train, undisturbed, folder_of, tmp_path: Path, monkeypatch, method: str, epoch: int, done: bool
) -> None:
    with monkeypatch.context() as patch:
        interrupted_after(patch, method, epoch, KeyboardInterrupt(), done=done)
        assert train().code == 130
    assert folder_of(tmp_path / "out").json("run.json")["state"] == "interrupted"
    assert train().code == 0
    folder_of(tmp_path / "out").assert_same_training(undisturbed)


@pytest.mark.parametrize("method", ["write_arrays", "write_figure", "write_setting"])
def test_interrupted_outside_of_the_epochs(
    train: Train, undisturbed, folder_of, tmp_path: Path, monkeypatch, method: str
) -> None:
    with monkeypatch.context() as patch:
        interrupted_after(patch, method, 1, KeyboardInterrupt(), done=False)
        assert train().code == 130
    result = train()
    assert result.code == 0
    folder_of(tmp_path / "out").assert_same_training(undisturbed)
    epochs = [line for line in result.stderr.splitlines() if line.startswith("epoch ")]
    assert len(epochs) == (4 if method == "write_setting" else 0)


def test_the_best_weights_survive_an_interruption(
    cnnlab, configs, data_dir: Path, folder_of, tmp_path: Path, monkeypatch
) -> None:
    options = ("--data-dir", data_dir, "--set", "training.keep=best", "--set", "training.epochs=6")
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    assert cnnlab("train", configs["stateful"], *options, "--out", whole).code == 0
    with monkeypatch.context() as patch:
        interrupted_after(patch, "write_checkpoint", 5, KeyboardInterrupt(), done=True)
        assert cnnlab("train", configs["stateful"], *options, "--out", torn).code == 130
    assert cnnlab("train", configs["stateful"], *options, "--out", torn).code == 0
    folder_of(torn).assert_same_training(folder_of(whole))
    assert folder_of(torn).json("result.json")["best_epoch"] < 5


def test_a_full_disk(train: Train, undisturbed, folder_of, tmp_path: Path, monkeypatch) -> None:
    """The checkpoint before stays; what was half written goes; the run is failed, and goes on later."""
    real, calls = np.savez, []

    def full(path: Path, **arrays: np.ndarray) -> None:
        calls.append(1)
        real(path, **arrays)
        if len(calls) == 3:
            path.write_bytes(path.read_bytes()[:100])
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", full)
        result = train("--quiet")
    run = folder_of(tmp_path / "out")
    message = (
        f"{run.path / 'checkpoint.npz'}: cannot be written: No space left on device; "
        "free some space, and the run resumes from its last epoch"
    )
    assert (result.code, result.stdout) == (1, "")
    assert result.stderr.splitlines()[1:] == [f"stateful, seed 0: {message}"]
    status = run.json("run.json")
    assert (status["state"], status["error"]) == ("failed", message)
    with np.load(run.path / "checkpoint.npz") as arrays:
        assert int(arrays["epoch"]) == 2
    assert not list(run.path.glob(".partial*"))
    again = train()
    assert again.code == 0
    assert "stateful, seed 0: 4 epochs, resuming after epoch 2" in again.stderr.splitlines()
    folder_of(tmp_path / "out").assert_same_training(undisturbed)
    assert folder_of(tmp_path / "out").json("run.json")["error"] is None


def test_a_damaged_checkpoint(train: Train, folder_of, undisturbed, tmp_path: Path, monkeypatch) -> None:
    """Training goes on from the one before, and ends as if nothing had happened."""
    with monkeypatch.context() as patch:
        interrupted_after(patch, "write_checkpoint", 3, KeyboardInterrupt(), done=True)
        train()
    path = folder_of(tmp_path / "out").path
    (path / "checkpoint.npz").write_bytes((path / "checkpoint.npz").read_bytes()[:1000])
    result = train()
    assert result.code == 0
    assert f"{path}: checkpoint.npz is damaged: " in result.stderr
    assert "resuming after epoch 2, which was saved before it" in result.stderr
    folder_of(tmp_path / "out").assert_same_training(undisturbed)


def test_damaged_checkpoints_only(train: Train, folder_of, tmp_path: Path, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        interrupted_after(patch, "write_checkpoint", 3, KeyboardInterrupt(), done=True)
        train()
    path = folder_of(tmp_path / "out").path
    for name in ("checkpoint.npz", "checkpoint-previous.npz"):
        (path / name).write_bytes((path / name).read_bytes()[:1000])
    result = train("--quiet")
    assert (result.code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()[1:]
    assert line.startswith(f"stateful, seed 0: {path}: this run is damaged: checkpoint.npz is damaged: ")
    assert line.endswith("; train it again with --fresh, which keeps the old folder")
    assert train("--fresh").code == 0
    kept = path.with_name(f"damaged-{path.name}")
    assert (kept / "checkpoint-previous.npz").stat().st_size == 1000


def test_an_unfinished_run_on_other_data_starts_over(
    cnnlab, configs, data_dir: Path, write_mnist, folder_of, tmp_path: Path, monkeypatch
) -> None:
    """A network that has learned one set does not go on with another of the same name."""
    other = write_mnist(tmp_path / "other", seed=1)
    options = ("--out", tmp_path / "out", "--data-dir")
    with monkeypatch.context() as patch:
        interrupted_after(patch, "write_checkpoint", 2, KeyboardInterrupt(), done=True)
        assert cnnlab("train", configs["stateful"], *options, other).code == 130
    result = cnnlab("train", configs["stateful"], *options, data_dir)
    run = folder_of(tmp_path / "out")
    assert (
        f"{run.path}: this run was trained on different data of the same name; training it again"
        in result.stderr
    )
    assert "stateful, seed 0: 4 epochs" in result.stderr.splitlines()


def test_fresh_forgets_an_interrupted_run(train: Train, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        interrupted_after(patch, "write_checkpoint", 2, KeyboardInterrupt(), done=True)
        train()
    assert "stateful, seed 0: 4 epochs" in train("--fresh").stderr.splitlines()


@pytest.mark.parametrize(
    ("command", "resumes"), [("train", True), ("report", True), ("explain", False), ("runs", False)]
)
def test_only_what_trains_promises_to_go_on(monkeypatch, capsys, command: str, resumes: bool) -> None:
    from cnnlab import cli

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.group, "main", interrupt)
    assert cli.run([command, "cnn"]) == 130
    promise = "; run the same command again to resume" if resumes else ""
    assert capsys.readouterr().err == f"interrupted{promise}\n"
