"""`cnnlab verify resume`: kills, resumes, compares; and it would notice."""

import errno
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

import cnnlab
from cnnlab.cli import run
from cnnlab.verification import resuming
from cnnlab.verification.kill_points import KillPoint, draw_kill_points
from cnnlab.verification.resuming import Kill, ResumeVerification
from cnnlab.verification.same_bits import Difference
from cnnlab.verification.training_process import training_process

# Training as it must not be: what is resumed goes on with the weights, but with fresh moments of Adam.
FORGETFUL = """\
import sys

sys.path.append(sys.argv.pop(1))
from cnnlab.__main__ import main
import cnnlab.training.checkpoint as checkpoint

def restore(saved, model, optimizer, *, needs_best=False):
    for variable, value in zip(model.variables, saved.variables):
        variable.assign(value)

checkpoint.Checkpoint.restore = restore
main()
"""


@pytest.mark.device
def test_a_difference_is_found(tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr("cnnlab.verification.training_process.COMMAND", FORGETFUL)
    monkeypatch.setattr(resuming, "draw_kill_points", lambda *_, **__: [KillPoint(2, False, 0.0)])
    options = ["--set", "training.epochs=20", "--kills", "1", "--json", "--quiet"]
    assert run(["verify", "resume", str(tiny), *options]) == 1
    digest = cnnlab.load(str(tiny), {"training.epochs": 20}).config.digest
    document = json.loads(capsys.readouterr().out)
    assert (document["config"], document["seed"], document["epochs"]) == ("tiny", 0, 20)
    assert (document["digest"], document["equal"]) == (digest, False)
    (kill,) = document["kills"]
    assert kill["epoch"] >= 2
    assert kill["resumes"]
    assert document["resumed"] == 1
    assert document["differences"][0]["file"] == "history.csv"
    assert document["differences"][0]["epoch"] > kill["epoch"]
    assert [each["file"] for each in document["differences"]][-1] == "result.json"


@pytest.mark.device
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
        f"tiny, seed 0: killed 6 times, resumed {verification.resumed} times from a checkpoint; "
        "weights, history, predictions and result are equal, bit for bit"
    )


@pytest.mark.device
@pytest.mark.slow
def test_nothing_is_lost_by_the_engine(tiny: Path) -> None:
    """Whose optimizer has slots of its own, and which draws dropout by the step."""
    verification = cnnlab.verify_resume(str(tiny), set={"training.epochs": 40}, backend="scratch", kills=4)
    assert verification.equal
    assert verification.resumed >= 1


def test_the_first_save_is_hit(tiny: Path, tmp_path: Path) -> None:
    """Killed while its first checkpoint is written: there is no row yet, and half a file or none."""

    def killed(seed: int) -> tuple[int, bool]:
        point = min(draw_kill_points([4.0, 3.0], 2, first_save=0.004, seed=seed))
        with training_process(tiny, tmp_path / str(seed), None) as process:
            process.wait_until_begun()
            process.wait_until_saving()
            process.wait_a_moment(point.seconds)
            assert process.kill()
            return process.epochs, process.saving and not process.has_checkpoint

    assert (0, True) in map(killed, range(4))  # one process after the other, until it is


SEVERAL = ResumeVerification(
    config="tiny", digest="0" * 64, seed=3, epochs=5, kill_seed=0, differences=(),
    kills=(
        Kill(epoch=0, after_seconds=1.25, first_save=True, saving=True, resumes=False),
        Kill(epoch=1, after_seconds=2.5, first_save=False, saving=False, resumes=True),
        Kill(epoch=4, after_seconds=0.5, first_save=False, saving=False, resumes=True),
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("kills", "said"),
    [
        (SEVERAL.kills, "killed 3 times, resumed 2 times from a checkpoint"),
        (SEVERAL.kills[:2], "killed 2 times, resumed 1 time from a checkpoint"),
        (SEVERAL.kills[:1], "killed 1 time, never resumed from a checkpoint"),
    ],
)
def test_only_what_was_resumed_is_called_so(kills: tuple[Kill, ...], said: str) -> None:
    verification = replace(SEVERAL, kills=kills)
    equal = "weights, history, predictions and result are equal, bit for bit"
    assert str(verification) == f"tiny, seed 3: {said}; {equal}"
    different = replace(verification, differences=(Difference("history.csv", "4 rows, not 5", 5),))
    assert str(different) == (
        f"tiny, seed 3: {said}; the results differ\n   history.csv differs from epoch 5 on: 4 rows, not 5"
    )


def test_a_kill_says_when_it_came() -> None:
    first = SEVERAL.kills[0]
    missed = [replace(first, saving=False, resumes=resumes) for resumes in (False, True)]
    assert [str(kill) for kill in (*SEVERAL.kills[:2], *missed)] == [
        "killed 1.25 s after the run had begun, with 0 epochs and a checkpoint half written",
        "killed 2.50 s after the run had begun, with 1 epoch",
        "killed 1.25 s after the run had begun, with 0 epochs, before its first checkpoint was written",
        "killed 1.25 s after the run had begun, with 0 epochs, after its first checkpoint was written",
    ]


class Machine:
    """Trains in no time: a clock that goes on while one waits, and processes of a speed that may change."""

    def __init__(self, speeds: Iterator[float]) -> None:
        self.speeds = speeds
        self.time = 0.0
        self.epochs: dict[str, int] = {}
        """By folder."""

    @contextmanager
    def train(self, config: Path, out: Path, data_dir: Path | None) -> Iterator["Training"]:
        training = Training(self, out.name, next(self.speeds))
        yield training
        training.kill()


class Training:
    """One process: the network is built, epochs are trained, the rest is written."""

    BUILD, EPOCH, REST, EPOCHS = 3.0, 0.05, 1.5, 8
    returncode = 0
    messages = ""
    saving = False

    def __init__(self, machine: Machine, out: str, speed: float) -> None:
        self.machine, self.out = machine, out
        before = machine.epochs.setdefault(out, 0)
        self.began = machine.time
        self.rows = [self.began + (self.BUILD + self.EPOCH * each) / speed
                     for each in range(1, self.EPOCHS + 1 - before)]  # fmt: skip
        self.ends = self.began + (self.BUILD + self.EPOCH * len(self.rows) + self.REST) / speed
        self.before = before
        self.killed = False

    @property
    def running(self) -> bool:
        return not self.killed and self.machine.time < self.ends

    @property
    def finished(self) -> bool:
        return not self.running

    @property
    def epochs(self) -> int:
        done = self.before + sum(row <= self.machine.time for row in self.rows)
        self.machine.epochs[self.out] = done
        return done

    @property
    def has_checkpoint(self) -> bool:
        return self.epochs > 0

    @property
    def history(self) -> list[dict[str, float]]:
        return [ROW | {"epoch": number} for number in range(1, self.epochs + 1)]

    def wait_until_begun(self) -> None:
        pass

    def wait_until_saving(self) -> None:
        while self.epochs == 0:
            self.wait_a_moment(0.001)

    def wait_a_moment(self, seconds: float = 0.004) -> None:
        self.machine.time = min(self.machine.time + max(seconds, 1e-4), max(self.ends, self.machine.time))

    def wait(self) -> int:
        self.machine.time = max(self.ends, self.machine.time)
        return 0

    def kill(self) -> bool:
        was_running = self.running
        _ = self.epochs  # are kept
        self.killed = True
        return was_running


ROW = {"loss": 0.1, "accuracy": 0.5, "val_loss": None, "seconds": 1.0}


@pytest.mark.parametrize(
    "speeds",
    [
        pytest.param(lambda rng: itertools.repeat(1.0), id="even"),
        pytest.param(lambda rng: itertools.chain([1 / 3], itertools.repeat(1.0)), id="busy-first"),
        pytest.param(lambda rng: itertools.chain([3.0], itertools.repeat(1.0)), id="busy-later"),
        pytest.param(lambda rng: (3.0 ** rng.uniform(-1, 1) for _ in itertools.count()), id="changing"),
    ],
)
@pytest.mark.parametrize("kills", [1, 5, 40])
def test_all_kills_come_on_a_machine_of_changing_speed(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, speeds, kills: int
) -> None:
    machine = Machine(speeds(random.Random(kills)))
    monkeypatch.setattr(resuming, "training_process", machine.train)
    monkeypatch.setattr(resuming, "run_folder", lambda out: out)
    monkeypatch.setattr(resuming, "differences", lambda *_: [])
    monkeypatch.setattr(resuming.time, "perf_counter", lambda: machine.time)
    verification = cnnlab.verify_resume(str(tiny), kills=kills)
    assert len(verification.kills) == kills
    assert len(machine.epochs) <= 8  # runs, the one without interruption included
    epochs = {kill.epoch for kill in verification.kills}
    assert kills < 40 or (len(epochs) >= 5 and epochs >= {0, 8})


def test_kills_that_come_too_late(tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    def train(trial: resuming._Trial) -> None:
        trial.segments = [4.0, 3.0]

    monkeypatch.setattr(resuming._Trial, "train_without_interruption", train)
    monkeypatch.setattr(
        resuming._Trial, "train_killed", lambda trial, _: trial.kills.append(SEVERAL.kills[0])
    )
    assert run(["verify", "resume", str(tiny), "--kills", "3", "--quiet"]) == 1
    assert capsys.readouterr().err == (
        "tiny, seed 0: only 1 of 3 kills came before the run had ended; increase training.epochs, or use "
        "fewer kills\n"
    )


def test_a_run_that_fails(tiny: Path, capsys) -> None:
    options = ["--set", "training.optimizer={name: sgd, learning_rate: 1e30}", "--quiet"]
    assert run(["verify", "resume", str(tiny), *options]) == 1
    first, second, *_ = capsys.readouterr().err.splitlines()
    assert first == "the run without interruption failed"
    assert second.startswith("   tiny, seed 0: training diverged: ")


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import sys; sys.exit('no room')", "no room"),
        ("import sys; sys.exit(1)", "exit code 1, no message; is there room in TMPDIR?"),
        ("import sys; sys.stderr.write('x' * 1_000_000); sys.exit('no room')", "xno room"),
    ],
    ids=["told", "silent", "long"],
)
def test_why_a_training_failed_does_not_need_the_disk(tiny: Path, tmp_path: Path, monkeypatch, program, said):
    monkeypatch.setattr("cnnlab.verification.training_process.COMMAND", program)
    with training_process(tiny, tmp_path / "out", None) as process:
        assert process.wait() == 1
        assert process.failure.endswith(said)
        assert len(process.failure) <= 1 << 16
    assert list((tmp_path / "out").iterdir()) == []


def test_without_room_for_a_temporary_folder(tiny: Path, monkeypatch, capsys) -> None:
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tempfile.mkdtemp", full)
    assert run(["verify", "resume", str(tiny), "--quiet"]) == 1
    assert capsys.readouterr().err == (
        "no temporary folder can be made: No space left on device; set TMPDIR to a folder with room\n"
    )


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


@contextmanager
def verifying(tiny: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], list[psutil.Process]]]:
    """A `cnnlab verify resume` that has started a training, and that training."""
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
        assert children
        yield parent, children


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_leaves_nothing_behind(tiny: Path, tmp_path: Path, number: signal.Signals) -> None:
    with verifying(tiny, tmp_path) as (parent, children):
        parent.send_signal(number)
        _, stderr = parent.communicate(timeout=60)
    assert (parent.returncode, stderr.splitlines()[-1]) == (128 + number, "interrupted")
    assert not any(child.is_running() for child in children)
    assert list(tmp_path.iterdir()) == []


def test_a_training_ends_with_the_process_that_watches_it(tiny: Path, tmp_path: Path) -> None:
    config = tmp_path / "long.yaml"
    config.write_text(tiny.read_text().replace("epochs: 5", "epochs: 100000"))
    with verifying(config, tmp_path) as (parent, children):
        parent.kill()
    assert psutil.wait_procs(children, timeout=30)[1] == []
