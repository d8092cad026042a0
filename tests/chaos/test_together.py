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


@pytest.mark.xfail(strict=False, reason="all processes share one partial file of each name")
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
    expected = {path.relative_to(place): path.read_bytes() for path in written.rglob("*") if path.is_file()}
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
            found = {
                path.relative_to(place): path.read_bytes()
                for path in written.rglob("*")
                if path.is_file() and not path.name.endswith(".lock")
            }
            assert found.keys() == expected.keys()
            assert [name for name in expected if found[name] != expected[name]] == []

        table.points += PROCESSES
        table.attempt(f"round {number}", check)
    table.close()


@pytest.mark.xfail(strict=False, reason="a listing takes the lock of the training")
def test_listings_beside_trainings(configs, whole, same_run, tally, backend, tmp_path: Path) -> None:
    """Runs begin while others list them: no training is turned away, and no listing fails."""
    table = tally("trainings beside listings")
    loop = (
        "import sys, cnnlab\n"
        "while True:\n"
        "    for run in cnnlab.runs(out=sys.argv[1]):\n"
        "        assert run.state in ('running', 'interrupted', 'finished'), run.state\n"
    )
    out = tmp_path / "out"
    cnnlab.train(str(configs["best"]), out=out)
    expected = whole("best")
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", loop, str(out)], stderr=subprocess.PIPE, text=True, cwd=tmp_path
        )
        for _ in range(PROCESSES - 1)
    ]
    try:
        for number in range(20 if FULL else 2):
            table.points += 1
            table.attempt(
                f"training {number}", lambda: cnnlab.train(str(configs["best"]), out=out, fresh=True)
            )
        table.attempt("after all", lambda: same_run(run_folder(out), expected))
        time.sleep(1)
        for reader in readers:
            if reader.poll() is not None:
                assert reader.stderr is not None
                table.lost.append(f"a listing failed: {reader.stderr.read()}")
    finally:
        for reader in readers:
            reader.kill()
            reader.communicate()
    table.close()
