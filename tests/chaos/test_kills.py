"""SIGKILL at random times all over a run; signals that end it in good order; 0 lost, bits equal."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import cnnlab
from cnnlab.verification.training_process import run_folder

FULL = os.environ.get("CHAOS") == "full"
KILLS = 40 if FULL else 2
NAMES = (
    ["everything", "augmentation", "average", "plateau", "accumulation", "best", "schedule", "stopping"]
    if FULL
    else ["everything"]
)
"""8 · 40 kills in a full run."""


@pytest.mark.parametrize("name", NAMES)
def test_killed(name: str, configs: dict[str, Path], tally: Any) -> None:
    table = tally("kills at random times")
    verification = cnnlab.verify_resume(str(configs[name]), kills=KILLS, kill_seed=len(name))
    table.points = table.tried = len(verification.kills)
    table.lost += [f"{name}: {each}" for each in verification.differences]
    table.close()
    assert len(verification.kills) == KILLS


SIGNALED = [
    (signal.SIGTERM,), (signal.SIGHUP,), (signal.SIGINT, signal.SIGINT), (signal.SIGINT, signal.SIGTERM),
]  # fmt: skip


@pytest.mark.skipif(not FULL, reason="tests/cli/test_signals.py has a part of it")
@pytest.mark.parametrize("numbers", SIGNALED, ids=lambda numbers: "-".join(each.name for each in numbers))
def test_signals(numbers: tuple[int, ...], configs, whole, same_run, tally, tmp_path: Path) -> None:
    """At random times after the interpreter's own start, once or twice within 50 ms."""
    table = tally("SIGTERM, SIGHUP, double Ctrl-C")
    rng = random.Random(sum(numbers))
    expected = whole("everything")
    tries = 12
    for index in range(tries):
        out = tmp_path / str(index)
        program = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        program += "print(flush=True)\nfrom cnnlab.__main__ import main; main()"
        command = ["train", str(configs["everything"]), "--out", str(out), "--quiet"]
        began = time.monotonic()
        with subprocess.Popen(
            [sys.executable, "-c", program, *command],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as child:  # fmt: skip
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep((index + rng.random()) / tries * 10)
            for number in numbers:
                child.send_signal(number)
                time.sleep(rng.uniform(0, 0.05))
            _, stderr = child.communicate(timeout=120)
        moment = f"{numbers} after {time.monotonic() - began:.2f} s"

        def check(out: Path = out, child: Any = child, stderr: str = stderr) -> None:
            assert "Traceback" not in stderr
            assert "internal error" not in stderr
            if child.returncode == 0:
                assert stderr == ""
            else:
                assert child.returncode == 128 + numbers[0]
                assert stderr in ("interrupted\n", "interrupted; run the same command again to resume\n")
            states = [cnnlab.Run(path).state for path in out.glob("*/seed-*")]
            assert set(states) <= {"interrupted", "finished"}
            cnnlab.train(str(configs["everything"]), out=out)
            same_run(run_folder(out), expected)

        table.points += 1
        table.attempt(moment, check)
    table.close()
