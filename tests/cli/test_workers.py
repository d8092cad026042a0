"""Several runs at once, in processes: the same files, and what ends a process costs no more than its run."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from cnnlab.processor import usable_cpus

LONG = ("--seeds", "0-2", "--workers", "2", "--threads", "1", "--set", "training.epochs=2000")
"""So many epochs of the stateful network take longer than a test waits."""


class Trained(NamedTuple):
    """What `cnnlab train` of three seeds left."""

    command: list[str]
    out: Path
    stderr: str
    stdout: str


@pytest.fixture(scope="module")
def side_by_side(process, configs, data_dir: Path, tmp_path_factory) -> Trained:
    """Where every interpreter prints a line when it starts, as some environments let it."""
    out = tmp_path_factory.mktemp("side-by-side")
    hooks = tmp_path_factory.mktemp("hooks")
    (hooks / "sitecustomize.py").write_text("print('Installing hooks', flush=True)\n")
    command = [
        "train", str(configs["stateful"]), "--seeds", "0-2", "--workers", "2", "--threads", "1",
        "--data-dir", str(data_dir), "--out", str(out),
    ]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(hooks), prepend=os.pathsep)
        done = process(*command)
    assert done.code == 0, done.stderr
    return Trained(command, out, done.stderr, done.stdout)


@pytest.fixture(scope="module")
def alone(cnnlab, backend, configs, data_dir: Path, tmp_path_factory) -> Path:
    """One run, and as many workers as CPUs: it has one thread, as each of those of `side_by_side`.

    This process computes with all CPUs: a run with another number is trained in a process of its own.
    """
    out = tmp_path_factory.mktemp("alone")
    options = ("--workers", usable_cpus(), "--data-dir", data_dir, "--out", out)
    assert cnnlab("train", configs["stateful"], "--set", "seed=1", *options).code == 0
    return out


def test_bits_do_not_depend_on_what_runs_beside(side_by_side: Trained, alone: Path, folder_of) -> None:
    folder_of(side_by_side.out, seed=1).assert_same_training(folder_of(alone))
    assert folder_of(side_by_side.out, seed=1).json("environment.json")["threads"] == 1


def test_threads_default_to_a_share_of_the_cpus(alone: Path, folder_of) -> None:
    """That of the workers asked for, even where one run is left: so all runs have the same."""
    assert folder_of(alone).json("environment.json")["threads"] == 1


def test_runs_say_that_they_shared_the_machine(side_by_side: Trained, alone: Path, folder_of, cnnlab) -> None:
    for seed in range(3):
        run = folder_of(side_by_side.out, seed=seed)
        assert run.json("environment.json")["side_by_side"] == run.json("result.json")["side_by_side"] == 2
        assert run.json("run.json")["command"][1:] == side_by_side.command
    for name in ("environment.json", "result.json"):
        assert "side_by_side" not in folder_of(alone).json(name)
    assert re.search(r"^stateful +0 .* \d+\.\d\*$", side_by_side.stdout, re.MULTILINE)
    listed = cnnlab("runs", "list", "--out", side_by_side.out).stdout
    assert len(re.findall(r" \d+\.\d\* ", listed)) == 3
    footnote = "* trained side by side with other runs; one at a time, a run takes less time"
    assert footnote in listed
    assert footnote in side_by_side.stdout
    shown = cnnlab("runs", "show", "stateful", "--out", side_by_side.out).stdout
    assert len(re.findall(r"^  seconds +\d+\.\d, 2 runs trained side by side$", shown, re.MULTILINE)) == 3
    assert "*" not in cnnlab("runs", "list", "--out", alone).stdout


def test_every_line_names_its_run(side_by_side: Trained) -> None:
    lines = side_by_side.stderr.splitlines()
    assert lines[1] == "3 runs in 2 worker processes, 1 thread each"  # the data, read once, comes first
    assert sum("is not the official content" in line for line in lines) == 1
    for seed in range(3):
        of_run = [line for line in lines if line.startswith(f"stateful, seed {seed}: ")]
        assert of_run[0] == f"stateful, seed {seed}: 4 epochs"
        assert [re.search(r"epoch (\d)/4  loss", line)[1] for line in of_run[1:5]] == ["1", "2", "3", "4"]
        assert f"stateful, seed {seed}: test accuracy " in of_run[5]


Began = Callable[..., tuple[subprocess.Popen[str], list[psutil.Process]]]


@pytest.fixture
def begun(start, configs, data_dir: Path, tmp_path: Path) -> Iterator[Began]:
    """begun() → a command and its two workers, both of which have finished an epoch."""
    processes: list[psutil.Process] = []

    def call() -> tuple[subprocess.Popen[str], list[psutil.Process]]:
        command = start(
            "train", configs["stateful"], *LONG, "--data-dir", data_dir, "--out", tmp_path,
            start_new_session=True,
        )  # fmt: skip
        trained: set[str] = set()
        while len(trained) < 2:
            line = command.stderr.readline()
            assert line, "the command has ended"
            if "  loss " in line:
                trained.add(line.partition(":")[0])
        processes.extend(psutil.Process(command.pid).children())
        assert len(processes) == 2
        return command, list(processes)

    yield call
    for each in processes:
        if each.is_running():
            each.kill()


def states(out: Path) -> list[str]:
    from cnnlab.run_folders.listing.scanning import scan

    return [row["state"] for row in scan(out)]


def checkpoints(out: Path) -> int:
    return len(list(out.glob("*/seed-*/checkpoint.npz")))


def said_when_stopped(command: subprocess.Popen[str], number: signal.Signals) -> list[str]:
    """A signal ends the command, and its workers with it; returns what it then says, but for the epochs."""
    workers = psutil.Process(command.pid).children()
    os.killpg(command.pid, number)  # as a terminal does, to the command and its workers alike
    _, stderr = command.communicate(timeout=60)
    assert command.returncode == 128 + number
    assert len(workers) == 2
    assert psutil.wait_procs(workers, timeout=0)[1] == []
    return [line for line in stderr.splitlines() if not re.match(r"stateful, seed \d: epoch ", line)]


INTERRUPTED = "interrupted; run the same command again to resume"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda each: each.name)
def test_a_signal_stops_all_and_loses_nothing(begun: Began, tmp_path: Path, number: signal.Signals) -> None:
    """As SIGINT does in the test of a killed worker."""
    command, _ = begun()
    assert said_when_stopped(command, number) == [INTERRUPTED]
    assert states(tmp_path) == ["interrupted", "interrupted"]
    assert checkpoints(tmp_path) == 2


def test_no_worker_outlives_its_command(begun: Began, tmp_path: Path) -> None:
    command, workers = begun()
    command.kill()
    command.communicate()
    assert psutil.wait_procs(workers, timeout=60)[1] == []
    assert states(tmp_path) == ["interrupted", "interrupted"]
    assert checkpoints(tmp_path) == 2


def test_a_killed_worker_costs_only_its_run_and_a_signal_stops_the_rest(begun: Began, tmp_path: Path) -> None:
    command, workers = begun()
    workers[0].kill()
    said, other = "", ""
    while "killed by" not in said:
        said = command.stderr.readline()
    killed = re.match(r"stateful, seed (\d): ", said)[1]
    assert said == (
        f"stateful, seed {killed}: its worker process was killed by SIGKILL; the system may have run out of "
        "memory (fewer --workers need less)\n"
    )
    while "stateful, seed 2: epoch" not in other:  # another worker has taken its place
        other = command.stderr.readline()
    assert workers[1].is_running()
    assert said_when_stopped(command, signal.SIGINT) == [INTERRUPTED]
    assert states(tmp_path) == ["interrupted"] * 3
    assert checkpoints(tmp_path) == 3


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param(("--workers", "0"), "expected 1 or more, or auto, found '0'", id="no worker"),
        pytest.param(("--workers", "-1"), "expected 1 or more, or auto, found '-1'", id="less"),
        pytest.param(("--workers", "two"), "expected 1 or more, or auto, found 'two'", id="text"),
        pytest.param(("--workers", "1.5"), "expected 1 or more, or auto, found '1.5'", id="half"),
        pytest.param(("--threads", "0"), "0 is not in the range 1<=x<=1024", id="no thread"),
        pytest.param(("--threads", "auto"), "'auto' is not a valid integer", id="automatic threads"),
    ],
)
@pytest.mark.parametrize("command", ["train", "compare", "report"])
def test_numbers_that_are_refused(cnnlab, command: str, options: tuple[str, str], problem: str) -> None:
    refused = cnnlab(command, "dnn", "cnn", *options)
    assert (refused.code, refused.stdout) == (2, "")
    assert f"Error: Invalid value for '{options[0]}': {problem}" in refused.stderr


def test_check_trains_nothing_side_by_side(cnnlab) -> None:
    refused = cnnlab("train", "cnn", "--check", "--workers", "2")
    assert refused.code == 2
    assert "--workers: --check only runs a few steps" in refused.stderr


def test_what_no_worker_can_do_ends_all(process, configs, data_dir, tmp_path, monkeypatch) -> None:
    """With the message that one process has, too."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    refused = process(
        "train", configs["small"], "--seeds", "0-2", "--workers", "2", "--device", "gpu",
        "--data-dir", data_dir, "--out", tmp_path,
    )  # fmt: skip
    assert refused.code == 2
    assert "--device gpu: TensorFlow " in refused.stderr
    assert not list(tmp_path.glob("*/seed-*"))


def test_each_backend_has_a_process_of_its_own(process, configs, data_dir, tmp_path) -> None:
    """Both are trained at the same time, and what one lacks would end no run of the other."""
    pytest.importorskip("jax")
    small = configs["small"].read_text(encoding="utf-8")
    on_jax = tmp_path / "small_jax.yaml"
    on_jax.write_text(f"{small}\nruntime: {{backend: jax}}\n".replace("name: small", "name: small_jax"))
    done = process(
        "train", configs["small"], on_jax, "--workers", "2", "--threads", "1",
        "--data-dir", data_dir, "--out", tmp_path,
    )  # fmt: skip
    assert done.code == 0, done.stderr
    assert "2 runs in 2 worker processes, 1 thread each" in done.stderr.splitlines()
    assert re.findall(r"^small\S*", done.stdout, re.MULTILINE) == ["small", "small_jax"]
    for name, backend in (("small", "tensorflow"), ("small_jax", "jax")):
        (path,) = tmp_path.glob(f"{name}-*/seed-0/environment.json")
        environment = json.loads(path.read_text(encoding="utf-8"))
        assert (environment["backend"], environment["threads"]) == (backend, 1)
        assert environment["side_by_side"] == 2


SCRIPT = """\
import sys

import cnnlab

print("once")
runs = cnnlab.train({config!r}, seeds=[0, 1], workers=2, data_dir={data_dir!r}, out={out!r})
print([run.result.side_by_side for run in runs], "keras" in sys.modules)
"""


def test_a_script_needs_no_guard(configs, data_dir: Path, tmp_path: Path) -> None:
    """Its workers do not run it once more, as those of multiprocessing do; it starts no backend itself."""
    script = tmp_path / "script.py"
    script.write_text(
        SCRIPT.format(config=str(configs["small"]), data_dir=str(data_dir), out=str(tmp_path / "out"))
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=True, cwd=tmp_path, timeout=120
    )
    assert done.stdout == "once\n[2, 2] False\n"
