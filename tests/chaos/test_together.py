"""Two to four processes at once: on the same run, on the same comparison, and readers beside a training."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import cnnlab
from cnnlab.verification.training_process import run_folder

FULL = os.environ.get("CHAOS") == "full"
ROUNDS = 4 if FULL else 1
PROCESSES = 4 if FULL else 2


def start(*command: object, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "cnnlab", *map(str, command)],
        cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("count", [2, 4] if FULL else [2])
def test_train_the_same_run(count: int, configs, whole, same_run, tally, tmp_path: Path) -> None:
    """One trains; the others are told so, or find it finished. Nobody fails in any other way."""
    table = tally("processes that train the same run")
    for number in range(ROUNDS):
        out = tmp_path / str(number)
        children = [
            start("train", configs["best"], "--out", out, "--quiet", cwd=tmp_path) for _ in range(count)
        ]
        ends = [(*child.communicate(timeout=300), child.returncode) for child in children]

        def check(ends: list[Any] = ends, out: Path = out) -> None:
            assert any(code == 0 for _, _, code in ends)
            for _, stderr, code in ends:
                assert code == 0 or (code == 1 and "another process is training this run" in stderr), stderr
            same_run(run_folder(out), whole("best"))

        table.points += count
        table.attempt(f"round {number}", check)
    table.close()


def results(place: Path, written: Path) -> dict[Path, bytes]:
    """All files but those that processes lock."""
    return {
        path.relative_to(place): path.read_bytes()
        for path in written.rglob("*")
        if path.is_file() and not path.name.endswith(".lock")
    }


@pytest.mark.parametrize("name", ["compare", "report", "explain"] if FULL else ["compare"])
def test_the_same_command(name: str, finished: Path, tally, tmp_path: Path) -> None:
    """All succeed; their files are those of one process alone, and never half of them."""
    place = tmp_path / "place"
    shutil.copytree(finished, place)
    [run] = place.glob("experiments/best-*/seed-0")
    command = {
        "compare": ["compare", "best.yaml", "schedule.yaml", "--quiet"],
        "report": ["report", "best.yaml", "schedule.yaml", "--quiet"],
        "explain": ["explain", "filters", run],
    }[name]
    written = run / "explain" if name == "explain" else place / "experiments" / "comparisons"
    child = start(*command, cwd=place)
    _, stderr = child.communicate(timeout=300)
    assert child.returncode == 0, stderr
    expected = results(place, written)
    table = tally(f"processes that {name} at once")
    for number in range(ROUNDS):
        children = [start(*command, cwd=place) for _ in range(PROCESSES)]
        torn = 0
        while any(child.poll() is None for child in children):
            for path in written.rglob("*.json"):
                if not path.name.startswith("."):
                    try:
                        json.loads(path.read_text())
                    except ValueError:
                        torn += 1
            time.sleep(0.002)
        ends = [(*child.communicate(), child.returncode) for child in children]

        def check(ends: list[Any] = ends, torn: int = torn) -> None:
            assert torn == 0
            for _, stderr, code in ends:
                assert code == 0, stderr
            found = results(place, written)
            assert found.keys() == expected.keys()
            assert [name for name in expected if found[name] != expected[name]] == []

        table.points += PROCESSES
        table.attempt(f"round {number}", check)
    table.close()


# Asks for the state of a run, and lists all runs, over and over again.
READER = """\
import sys, cnnlab

run = cnnlab.Run(sys.argv[1])
print(flush=True)
while True:
    for _ in range(20):
        assert run.state in ("running", "interrupted", "finished"), run.state
    assert len(cnnlab.runs(out=sys.argv[2])) <= 1
"""


def test_readers_beside_a_training(configs, whole, watched, same_run, tally, backend, tmp_path: Path) -> None:
    """A run that was killed is trained on while others look at it: nobody is turned away, nobody fails."""
    table = tally("trainings beside readers")
    config, expected = str(configs["best"]), whole("best")
    seen = watched(tmp_path / "seen", lambda: cnnlab.train(config, out=tmp_path / "seen"))
    killed = next(
        disk for disk in seen.disks.values() if any(name.endswith("/checkpoint.npz") for name in disk.files)
    )
    for number in range(20 if FULL else 2):
        out = tmp_path / str(number)
        killed.put(out)
        readers = [
            subprocess.Popen(
                [sys.executable, "-c", READER, str(run_folder(out)), str(out)],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            for _ in range(PROCESSES)
        ]  # fmt: skip

        def check(out: Path = out, readers: Any = readers) -> None:
            cnnlab.train(config, out=out)
            same_run(run_folder(out), expected)
            for reader in readers:
                assert reader.poll() is None, reader.stderr.read()

        try:
            for reader in readers:
                assert reader.stdout is not None
                reader.stdout.readline()
            table.points += 1
            table.attempt(f"training {number}", check)
        finally:
            for reader in readers:
                reader.kill()
                reader.communicate()
    table.close()
