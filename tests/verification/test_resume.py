"""`cnnlab verify resume`: kills, resumes, compares; and it would notice."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import cnnlab
from cnnlab.cli import run
from cnnlab.verification import training_process

# Training as it must not be: what is resumed goes on with the weights, but with fresh moments of Adam.
FORGETFUL = """\
import sys

sys.path.append(sys.argv.pop(1))
from cnnlab.__main__ import main
import cnnlab.training.checkpoint as checkpoint

def restore(saved, model, optimizer):
    for variable, value in zip(model.variables, saved.variables):
        variable.assign(value)

checkpoint.Checkpoint.restore = restore
main()
"""


def test_a_difference_is_found(tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(training_process, "_PROGRAM", FORGETFUL)
    # In the final writes nothing would be lost; with two kills, one is in the first save.
    assert run(["verify", "resume", str(tiny), "--kills", "2", "--json", "--quiet"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["config"], document["seed"], document["epochs"]) == ("tiny", 0, 5)
    assert (document["digest"], document["equal"]) == (cnnlab.load(str(tiny)).config.digest, False)
    assert [kill["epoch"] for kill in document["kills"]] == sorted(
        kill["epoch"] for kill in document["kills"]
    )
    assert len(document["kills"]) == 2
    assert document["resumed"] == sum(kill["resumes"] for kill in document["kills"]) >= 1
    assert document["differences"][0]["file"] == "history.csv"
    assert document["differences"][0]["epoch"] >= 2
    assert [each["file"] for each in document["differences"]][-1] == "result.json"


@pytest.mark.slow
def test_nothing_is_lost(tiny: Path) -> None:
    said: list[str] = []
    verification = cnnlab.verify_resume(
        str(tiny), kills=6, kill_seed=1, progress=lambda event: said.append(str(event))
    )
    assert verification.equal
    assert verification.differences == ()
    assert len(verification.kills) == 6
    assert verification.resumed >= 3
    assert verification.kills[-1].epoch == 5
    assert sum(line.startswith("killed ") for line in said) == 6
    assert str(verification) == (
        "tiny, seed 0: killed 6 times, resumed, and equal bit for bit: "
        "weights, history, predictions and result"
    )


def test_a_run_that_fails(tiny: Path, capsys) -> None:
    options = ["--set", "training.optimizer={name: sgd, learning_rate: 1e30}", "--quiet"]
    assert run(["verify", "resume", str(tiny), *options]) == 1
    first, second, *_ = capsys.readouterr().err.splitlines()
    assert first == "the run without interruption failed"
    assert second.startswith("   tiny, seed 0: training diverged: ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kills": 0}, "kills: expected a whole number, 1 or more, found 0"),
        ({"kill_seed": -1}, "kill_seed: expected a whole number, 0 or more, found -1"),
        ({"kills": True}, "kills: expected a whole number, 1 or more, found True"),
    ],
)
def test_wrong_arguments(tiny: Path, options: dict[str, int], message: str) -> None:
    with pytest.raises(cnnlab.UserError) as caught:
        cnnlab.verify_resume(str(tiny), **options)
    assert str(caught.value) == message


def test_a_config_without_a_dataset(capsys) -> None:
    assert run(["verify", "resume", "vgg16"]) == 2
    assert "this config has no dataset and can only be summarized" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_leaves_nothing_behind(tiny: Path, tmp_path: Path, number: signal.Signals) -> None:
    program = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    program += "from cnnlab.__main__ import main; main()"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", program, "verify", "resume", str(tiny)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    ) as parent:  # fmt: skip
        children: list[psutil.Process] = []
        deadline = time.monotonic() + 60
        while not children and time.monotonic() < deadline:
            children = psutil.Process(parent.pid).children()
            time.sleep(0.01)
        parent.send_signal(number)
        _, stderr = parent.communicate(timeout=60)
    assert (parent.returncode, stderr.splitlines()[-1]) == (128 + number, "interrupted")
    assert children
    assert not any(child.is_running() for child in children)
    assert list(tmp_path.iterdir()) == []
