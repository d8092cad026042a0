"""Disks that are full, at any size and at any operation, and folders that cannot be written."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import cnnlab
from cnnlab.verification.training_process import run_folder

FULL = os.environ.get("CHAOS") == "full"
SIZES = (*range(8, 386, 14), 2048) if FULL else (24, 2048)
"""KiB of a disk: the first is too small for a run of the config below, the last is not."""


@pytest.mark.parametrize("name", ["best", "everything"] if FULL else ["best"])
def test_full_at_an_operation(name: str, configs, whole, watched, same_run, tally, tmp_path: Path) -> None:
    """From one operation on nothing can be written any more; later there is room again."""
    config, expected = str(configs[name]), whole(name)
    table = tally("full disk, from an operation on")
    count = watched(tmp_path / "count", lambda: cnnlab.train(config, out=tmp_path / "count")).count
    for number in range(1, count + 1, 1 if FULL else count // 2):
        out = tmp_path / str(number)

        def fail(out: Path = out) -> None:
            with contextlib.suppress(cnnlab.CnnlabError):  # said in a sentence; anything else is a loss
                cnnlab.train(config, out=out)

        def check(out: Path = out, number: int = number) -> None:
            watched(out, fail, fails_at=number)
            assert {run.state for run in cnnlab.runs(out=out)} <= {"failed", "interrupted", "finished"}
            cnnlab.train(config, out=out)
            same_run(run_folder(out), expected)

        table.points += 1
        table.attempt(f"operation {number} of {count}", check)
    table.close()


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """mount("size=64k") → a small file system of its own; mount(ro=folder) → a folder, read-only."""
    mounted: list[Path] = []

    def call(options: str = "", *, read_only: Path | None = None) -> Path:
        place = tmp_path / f"mount-{len(mounted)}"
        place.mkdir()
        commands = (
            [["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]]
            if read_only is None
            else [
                ["mount", "--bind", str(read_only), str(place)],
                ["mount", "-o", "remount,bind,ro", str(place)],
            ]
        )
        for command in commands:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
            if place not in mounted:
                mounted.append(place)
        return place

    if sys.platform != "linux":
        pytest.skip("only root on Linux mounts a disk for a test")
    yield call
    for place in mounted:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_full_at_a_size(mount, configs, whole, same_run, tally) -> None:
    """What is told is that the disk is full; with room, the run goes on and is equal."""
    config, expected = str(configs["best"]), whole("best")
    said: dict[int, str] = {}
    table = tally("full disk, of a size")
    for size in SIZES:
        place = mount(f"size={size}k")

        def check(place: Path = place, size: int = size) -> None:
            try:
                cnnlab.train(config, out=place / "out")
            except cnnlab.CnnlabError as error:
                said[size] = str(error)
            if size in said:
                assert "No space left on device; free some space" in said[size]
            for run in cnnlab.runs(out=place / "out"):
                assert run.state in ("failed", "interrupted", "finished")
            subprocess.run(["mount", "-o", "remount,size=8m", str(place)], check=True)
            cnnlab.train(config, out=place / "out")
            same_run(run_folder(place / "out"), expected)

        table.points += 1
        table.attempt(f"{size} KiB", check)
    table.close()
    assert SIZES[0] in said
    assert SIZES[-1] not in said


def commands(config: Path, run: Path, out: Path) -> list[tuple[list[str], set[int]]]:
    """Commands on a folder that cannot be written, and the exit codes that they may end with."""
    return [
        (["train", str(config), "--set", "seed=1", "--out", str(out), "--quiet"], {1, 2}),
        (["train", str(config), "--out", str(out), "--fresh", "--quiet"], {1, 2}),
        (["runs", "list", "--out", str(out)], {0}),
        (["runs", "show", str(run)], {0}),
        (["runs", "rm", str(run), "--yes"], {1, 2}),
        (["explain", "filters", str(run)], {1, 2}),
    ]


def answer(done: subprocess.CompletedProcess[str], codes: set[int], command: list[str]) -> None:
    assert done.returncode in codes, f"{command}: {done.returncode} {done.stderr}"
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    if done.returncode:
        assert any(word in done.stderr for word in ("Permission denied", "Read-only file system"))


@pytest.mark.parametrize("how", ["read-only", "another-user"] if FULL else ["read-only"])
def test_a_folder_that_cannot_be_written(
    how: str, mount, configs, whole, sample, same_run, tally, tmp_path: Path
) -> None:
    """Root ignores modes: a read-only mount, and another user."""
    if os.getuid() != 0:
        pytest.skip("only root can become another user, or mount read-only")
    expected = whole("best")
    out = mount(read_only=expected.parents[1]) if how == "read-only" else expected.parents[1]
    run = out / expected.relative_to(expected.parents[1])
    options: dict[str, Any] = {}
    if how == "another-user":
        home = tmp_path / "home"
        home.mkdir(mode=0o777)
        for folder in (*expected.parents, home):  # the tests' own folders are closed to others
            if folder.is_relative_to(Path(os.sep, "tmp")) and folder != Path(os.sep, "tmp"):
                folder.chmod(folder.stat().st_mode | 0o055)
        options = {"user": 65534, "group": 65534, "env": {**os.environ, "HOME": str(home)}}
        try:
            subprocess.run(
                [sys.executable, "-c", "import cnnlab"], check=True, capture_output=True, **options
            )
        except (PermissionError, subprocess.CalledProcessError):
            pytest.skip("this Python, or cnnlab, is closed to other users")
    table = tally("folders that cannot be written")
    for command, codes in sample(commands(configs["best"], run, out), 3):

        def check(command: list[str] = command, codes: set[int] = codes) -> None:
            done = subprocess.run(
                [sys.executable, "-m", "cnnlab", *command],
                capture_output=True, text=True, check=False, **options,
            )  # fmt: skip
            answer(done, codes, command)
            same_run(expected, expected)

        table.points += 1
        table.attempt(" ".join(command[:2]), check)
    table.close()
