"""cnnlab sweep --search random and tpe, --prune, and what becomes of a sweep that is stopped."""

import contextlib
import json
import signal
import sqlite3
import subprocess
import sys

import pytest

import cnnlab
from cnnlab.api.run import Run
from cnnlab.cli import run
from cnnlab.errors import CnnlabError, Pruned
from cnnlab.reporting import Reporter
from cnnlab.run_folders.folders import Folder
from cnnlab.run_folders.states import held
from cnnlab.verification.same_bits import differences

RATES = ("--vary", "training.optimizer.learning_rate=1e-5..1e-1")

MAIN = """\
import signal, sys, time

signal.signal(signal.SIGINT, signal.default_int_handler)
from cnnlab.commands.progress import LineReporter

def epoch_ended(*arguments, told=LineReporter.epoch_ended, **named):
    told(*arguments, **named)
    time.sleep(0.1)

LineReporter.epoch_ended = epoch_ended
from cnnlab.cli import main

main()
"""


@pytest.fixture(autouse=True)
def started(backend):
    """TensorFlow is imported, and left out by the garbage collector, which each run calls."""


@pytest.fixture
def tiny(tmp_path):
    """Six colors with a small network and few images, on the engine that starts at once."""
    path = tmp_path / "tiny.yaml"
    path.write_text(
        "dataset: {name: colors, train_size: 100, validation_size: 50}\n"
        "model: {layers: [Flatten, {Dense: {units: 6, activation: softmax}}]}\n"
        "training: {epochs: 5, batch_size: 50}\n"
        "runtime: {backend: scratch}\n"
    )
    return path


def sweep(capsys, out, *arguments):
    code = run(["sweep", *map(str, arguments), "--out", str(out)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def swept(capsys, out, *arguments):
    """The document of a sweep that works."""
    code, text, errors = sweep(capsys, out, *arguments, "--json", "--quiet")
    assert (code, errors) == (0, "")
    return json.loads(text)


def points_of(document):
    return [(point["settings"], point["state"], point["validation_accuracy"]) for point in document["points"]]


@pytest.mark.parametrize("search", ["random", "tpe"])
def test_the_same_command_tries_the_same_points(capsys, tmp_path, tiny, search):
    first, second = (
        swept(capsys, tmp_path / name, tiny, *RATES, "--search", search, "--trials", 12, "--prune")
        for name in ("first", "second")
    )
    assert points_of(first) == points_of(second)
    assert first["trials"] == len(first["points"]) == 12
    assert "pruned" in {point["state"] for point in first["points"]}
    again = swept(capsys, tmp_path / "first", tiny, *RATES, "--search", search, "--trials", 12, "--prune")
    assert again == first


def test_a_sweep_that_was_killed_goes_on(capsys, tmp_path, tiny):
    arguments = [tiny, *RATES, "--search", "tpe", "--trials", 9, "--prune"]
    whole = swept(capsys, tmp_path / "whole", *arguments)
    out = tmp_path / "killed"
    command = [sys.executable, "-c", MAIN, "sweep", *map(str, arguments), "--out", str(out)]
    for lines in (3, 14):  # of epochs, before it is killed
        process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        seen = 0
        for line in process.stderr:
            seen += line.startswith("epoch ")
            if seen == lines:
                break
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    assert not (out / "sweeps" / "tiny" / "sweep.json").exists()
    document = swept(capsys, out, *arguments)
    assert points_of(document) == points_of(whole)
    finished = [point for point in document["points"] if point["state"] == "finished"]
    for point in finished:
        run_folder = f"tiny-{point['digest'][:8]}/seed-0"
        assert differences(tmp_path / "whole" / run_folder, out / run_folder) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal(capsys, tmp_path, tiny, number, code):
    out = tmp_path / "out"
    command = [sys.executable, "-c", MAIN, "sweep", str(tiny), *RATES, "--search", "tpe", "--out", str(out)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for line in process.stderr:
        if line.startswith("point 2 of 20"):
            break
    process.send_signal(number)
    printed, errors = process.communicate()
    assert (process.returncode, printed) == (code, "")
    assert errors.splitlines()[-1] == "interrupted; run the same command again to resume"
    with held(out / "sweeps" / "tiny", timeout=0):
        pass
    document = swept(capsys, out, tiny, *RATES, "--search", "tpe", "--trials", 4)
    assert {point["state"] for point in document["points"]} == {"finished"}


@pytest.fixture(scope="module")
def pruned_grid(tmp_path_factory):
    """A grid whose sixth point is pruned: its folder, config file, run and settings."""
    folder = tmp_path_factory.mktemp("pruned")
    path = folder / "tiny.yaml"
    path.write_text(
        "dataset: {name: colors, train_size: 100, validation_size: 50}\n"
        "model: {layers: [Flatten, {Dense: {units: 6, activation: softmax}}]}\n"
        "training: {epochs: 5, batch_size: 50, keep: best}\n"
        "runtime: {backend: scratch}\n"
    )
    rates = "0.01,0.011,0.012,0.013,0.014,1e-7"
    arguments = [str(path), "--vary", f"training.optimizer.learning_rate={rates}", "--prune"]
    assert run(["sweep", *arguments, "--out", str(folder / "out"), "--quiet", "--json"]) == 0
    document = json.loads((folder / "out" / "sweeps" / "tiny" / "sweep.json").read_text())
    point = document["points"][-1]
    return folder, path, folder / "out" / f"tiny-{point['digest'][:8]}" / "seed-0", document


def test_a_pruned_point(capsys, pruned_grid):
    folder, _, run_folder, document = pruned_grid
    point = document["points"][-1]
    assert point["state"] == "pruned"
    assert point["error"] == "pruned after epoch 2: it was worse than others at that epoch"
    assert (point["rank"], point["validation_accuracy"], point["seeds"]) == (None, None, [])
    assert document["verdict"].endswith(
        "1 point was pruned, worse than the median of the others at the same epoch."
    )
    table = (folder / "out" / "sweeps" / "tiny" / "table.md").read_text()
    assert "pruned |" in table.splitlines()[-3]
    status = json.loads((run_folder / "run.json").read_text())
    assert (status["state"], status["error"]) == ("pruned", point["error"])
    assert Run(run_folder).state == "pruned"
    assert run(["runs", "list", "--out", str(folder / "out"), "--where", "state = pruned"]) == 0
    listed = capsys.readouterr().out
    assert listed.count(" pruned ") == 1
    assert run(["runs", "show", str(run_folder)]) == 0
    shown = capsys.readouterr().out
    assert "pruned" in shown.splitlines()[0]
    assert point["error"] in shown
    assert run(["explain", "confusion", str(run_folder), "--out", str(folder / "out")]) == 2
    assert "this one is pruned; train it again to resume it" in capsys.readouterr().err


def test_a_pruned_run_is_finished_by_hand_like_any_other(capsys, pruned_grid):
    """Resumed, it has the weights of one that was never stopped; and the sweep takes it as finished."""
    folder, path, run_folder, _ = pruned_grid
    train = ["train", str(path), "--set", "training.optimizer.learning_rate=1e-7", "--quiet"]
    assert run([*train, "--out", str(folder / "straight")]) == 0
    assert run([*train, "--out", str(folder / "out")]) == 0
    capsys.readouterr()
    straight = next((folder / "straight").glob("tiny-*/seed-0"))
    assert differences(straight, run_folder) == []
    rates = "0.01,0.011,0.012,0.013,0.014,1e-7"
    again = swept(
        capsys, folder / "out", path, "--vary", f"training.optimizer.learning_rate={rates}", "--prune"
    )
    assert {point["state"] for point in again["points"]} == {"finished"}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_diverged_point(capsys, tmp_path, tiny, workers):
    """It is shown, and the others go on: as in compare --vary, the exit code is 0."""
    tiny.write_text(tiny.read_text().replace("[Flatten,", "[Flatten, {Dense: {units: 16}},"))
    rates = "training.optimizer={name: sgd},{name: sgd, learning_rate: 1e30}"
    code, text, errors = sweep(
        capsys, tmp_path, tiny, "--vary", rates, "--search", "tpe", "--workers", workers, "--quiet"
    )
    assert code == 0
    assert "1 point failed." in text
    assert errors.startswith("tiny, seed 0: training diverged: ")


def test_pruning_with_workers(capsys, tmp_path, tiny):
    document = swept(
        capsys, tmp_path, tiny, *RATES, "--search", "random", "--trials", 12, "--prune", "--workers", 2
    )
    states = [point["state"] for point in document["points"]]
    assert states[:5] == ["finished"] * 5
    assert "pruned" in states
    for point in document["points"]:
        folder = tmp_path / f"tiny-{point['digest'][:8]}" / "seed-0"
        assert json.loads((folder / "run.json").read_text())["state"] == point["state"]


def test_another_process_has_the_sweep(capsys, tmp_path, tiny):
    Folder(tmp_path / "sweeps" / "tiny")
    with held(tmp_path / "sweeps" / "tiny"):
        code, _, errors = sweep(capsys, tmp_path, tiny, *RATES, "--search", "tpe", "--quiet")
    assert code == 1
    assert errors == (
        f"{tmp_path}/sweeps/tiny: another process is carrying out this sweep; wait until it has ended\n"
    )


def test_a_damaged_study(capsys, tmp_path, tiny):
    arguments = [tiny, *RATES, "--search", "tpe", "--trials", 3]
    before = swept(capsys, tmp_path, *arguments)
    study = tmp_path / "sweeps" / "tiny" / "study.db"
    content = study.read_bytes()
    for damage in (b"no database at all" * 100, content[:5000], content[:4096] + b"\xff" * 40_000):
        study.write_bytes(damage)
        code, _, errors = sweep(capsys, tmp_path, *arguments, "--quiet")
        assert code == 2
        assert errors.startswith(f"{study}: expected a study that Optuna ")
        assert errors.endswith("finished runs are kept and found again\n")
    study.unlink()
    assert points_of(swept(capsys, tmp_path, *arguments)) == points_of(before)


def test_a_study_of_another_version_of_optuna(capsys, tmp_path, tiny):
    arguments = [tiny, *RATES, "--search", "tpe", "--trials", 2]
    swept(capsys, tmp_path, *arguments)
    study = tmp_path / "sweeps" / "tiny" / "study.db"
    with sqlite3.connect(study) as database:
        database.execute("UPDATE alembic_version SET version_num = 'v99.0.0.a'")
    code, _, errors = sweep(capsys, tmp_path, *arguments, "--quiet")
    assert code == 2
    assert "no longer compatible" in errors


def test_a_study_that_cannot_be_written(capsys, tmp_path, tiny):
    arguments = [tiny, *RATES, "--search", "tpe", "--trials", 2]
    swept(capsys, tmp_path, *arguments)
    study = tmp_path / "sweeps" / "tiny" / "study.db"
    with sqlite3.connect(study) as database:
        database.execute(
            "CREATE TRIGGER full BEFORE INSERT ON trials BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
        )
    code, _, errors = sweep(capsys, tmp_path, tiny, *RATES, "--search", "tpe", "--trials", 3, "--quiet")
    assert code == 1
    assert errors == (
        f"{study}: cannot be read or written: disk is full\n"
        "   finished runs are kept; run the same command again once it can be written\n"
    )


def test_a_link_in_place_of_the_study(capsys, tmp_path, tiny):
    folder = tmp_path / "out" / "sweeps" / "tiny"
    folder.mkdir(parents=True)
    (folder / "study.db").symlink_to(tmp_path / "elsewhere.db")
    code, _, errors = sweep(capsys, tmp_path / "out", tiny, *RATES, "--search", "tpe", "--quiet")
    assert code == 1
    assert "symbolic link" in errors
    assert not (tmp_path / "elsewhere.db").exists()


def test_odd_characters_in_the_path(capsys, tmp_path, tiny):
    out = tmp_path / "a b%20?x=1#ü"
    swept(capsys, out, tiny, *RATES, "--search", "tpe", "--trials", 2)
    assert (out / "sweeps" / "tiny" / "study.db").exists()


def test_the_section_sweep(capsys, tmp_path, tiny):
    tiny.write_text(
        tiny.read_text() + "sweep:\n"
        "  vary:\n"
        "    training.optimizer.learning_rate: 1e-4..1e-1\n"
        "    training.batch_size: [25, 50]\n"
        "  search: random\n  trials: 3\n  seeds: 0-1\n  prune: true\n"
    )
    document = swept(capsys, tmp_path, tiny)
    assert (document["search"], document["trials"], document["seeds"], document["prune"]) == (
        "random", 3, [0, 1], True,
    )  # fmt: skip
    assert [axis["key"] for axis in document["axes"]] == [
        "training.optimizer.learning_rate", "training.batch_size",
    ]  # fmt: skip
    other = swept(
        capsys, tmp_path, tiny, "--search", "tpe", "--trials", 3, "--seeds", "5", "--no-prune",
        "--vary", "training.epochs=1,2,3",
    )  # fmt: skip
    assert (other["search"], other["trials"], other["seeds"], other["prune"]) == ("tpe", 3, [5], False)
    assert [axis["key"] for axis in other["axes"]] == ["training.epochs"]


def test_progress_says_which_point_and_the_best_so_far(capsys, tmp_path, tiny):
    arguments = [tiny, "--vary", "training.batch_size=25,50"]
    _, _, errors = sweep(capsys, tmp_path, *arguments)
    said = [line for line in errors.splitlines() if line.startswith("point ")]
    assert [line.split(":")[0] for line in said] == ["point 1 of 2", "point 2 of 2"]
    assert said[0].endswith("of the validation images; the best so far")
    assert "best so far" in said[1]
    assert "test accuracy" not in errors


def test_impossible_points_inside_of_a_range(capsys, tmp_path):
    """3 groups do not divide 4 filters, 1, 2 and 4 do: nobody knows before it is proposed."""
    path = tmp_path / "groups.yaml"
    path.write_text(
        "dataset: {name: colors, train_size: 100, validation_size: 50}\n"
        "model: {layers: [{Conv2D: {filters: 4, kernel_size: 3}}, "
        "{Conv2D: {filters: 4, kernel_size: 3, groups: 1}}, Flatten, "
        "{Dense: {units: 6, activation: softmax}}]}\n"
        "training: {epochs: 1, batch_size: 50}\n"
        "runtime: {backend: scratch}\n"
    )
    document = swept(capsys, tmp_path, path, "--vary", "model.layers[1].groups=1..4", "--search", "tpe")
    states = {point["settings"]["model.layers[1].groups"]: point["state"] for point in document["points"]}
    assert states == {1: "finished", 2: "finished", 3: "failed", 4: "finished"}
    (failed,) = [point for point in document["points"] if point["state"] == "failed"]
    assert "groups" in failed["error"]
    assert (failed["digest"], failed["params"]) == (None, None)
    again = swept(capsys, tmp_path, path, "--vary", "model.layers[1].groups=1..4", "--search", "tpe")
    assert again == document
    code, _, errors = sweep(
        capsys, tmp_path, path, "--vary", "model.layers[1].groups=1..4", "--search", "random", "--quiet"
    )
    assert code == 2
    assert "model.layers[1].groups=3: " in errors


@pytest.mark.parametrize(
    ("settings", "last", "state"),
    [
        ({"training.epochs": 2}, 1, "pruned"),
        ({"training.epochs": 2}, 2, "finished"),
        # No epoch is that much better than the one before.
        ({"training.early_stopping": {"patience": 2, "min_delta": 1000.0}}, 2, "pruned"),
        ({"training.early_stopping": {"patience": 2, "min_delta": 1000.0}}, 3, "finished"),
    ],
)
def test_the_last_epoch_is_not_pruned(tmp_path, tiny, settings, last, state):
    class Impatient(Reporter):
        def epoch_ended(self, config, row):
            if row["epoch"] == last:
                raise Pruned(row["epoch"])

    with contextlib.suppress(CnnlabError):
        cnnlab.train(tiny, set=settings, out=tmp_path / "out", progress=Impatient())
    (found,) = (tmp_path / "out").glob("tiny-*/seed-0")
    assert Run(found).state == state
