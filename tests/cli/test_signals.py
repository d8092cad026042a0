"""Ctrl-C, SIGTERM and SIGHUP, once or twice, from the first import to the last line: never a traceback."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cnnlab.cli import main
from cnnlab.run_folders.run_writer import RunWriter

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
RESUMES = "interrupted; run the same command again to resume"

# Two signals at an import.
AT_AN_IMPORT = """\
import os, signal, sys

for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

class Signals:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            for _ in range(2):
                os.kill(os.getpid(), {number})

sys.meta_path.insert(0, Signals())
from cnnlab.__main__ import main

main()
"""

AT_THE_END = """\
import atexit, os, signal, threading

signal.signal(signal.SIGINT, signal.default_int_handler)

def late():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) * 2:
        os.kill(os.getpid(), number)

class Destroyed:
    def __del__(self, late=late):
        late()

kept = Destroyed()
atexit.register(late)
threading._register_atexit(late)
from cnnlab.__main__ import main

main()
"""


def in_a_process(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("module", ["cnnlab.cli", "click", "cnnlab.commands.summary", "pydantic"])
def test_while_it_starts(module: str, number: signal.Signals) -> None:
    program = AT_AN_IMPORT.format(module=module, number=int(number))
    done = in_a_process(program, "summary", "cnn")
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "", "interrupted\n")


def test_while_it_ends() -> None:
    done = in_a_process(AT_THE_END, "--version")
    assert (done.returncode, done.stderr) == (0, "")


STARTED = """\
import signal, sys

signal.signal(signal.SIGINT, signal.default_int_handler)
from cnnlab.__main__ import main

sys.stdout.write("started\\n")
sys.stdout.flush()
main()
"""


def test_twice_within_milliseconds_at_any_time() -> None:
    for attempt in range(10):
        command = [sys.executable, "-c", STARTED, "summary", "cnn", "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(0.01 + 0.06 * attempt)
            for _ in range(2):
                child.send_signal(signal.SIGINT)
                time.sleep(0.005 * attempt)
            _, stderr = child.communicate(timeout=60)
        assert (child.returncode, stderr) in [(130, "interrupted\n"), (0, "")]


TINY = """\
name: tiny
dataset: {name: xo, train_count: 100, test_count: 40}
model:
  layers:
    - Flatten
    - Dense: {units: 2, activation: softmax}
training: {epochs: 2, batch_size: 90}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return path


@pytest.fixture
def process_state() -> Iterator[None]:
    """What `main` changes in its process is as before afterwards."""
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    show, unraisable = warnings.showwarning, sys.unraisablehook
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)
    warnings.showwarning, sys.unraisablehook = show, unraisable


Train = Callable[[], int]


@pytest.fixture
def train(unrendered, process_state, backend, config: Path, tmp_path: Path) -> Train:
    """Trains the tiny config as the process of a command does; returns the exit code."""

    def call() -> int:
        with pytest.raises(SystemExit) as left:
            main(["train", str(config), "--out", str(tmp_path), "--quiet"])
        signal.signal(signal.SIGINT, signal.default_int_handler)  # the next command is another process
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        assert isinstance(left.value.code, int)
        return left.value.code

    return call


def signaled_before(
    monkeypatch: pytest.MonkeyPatch, where: object, method: str, number: int, *, when: Callable[..., bool]
) -> None:
    """Let a signal arrive, and once more right behind it, when a function is called as `when` says."""
    real = getattr(where, method)

    def call(*arguments: Any, **named: Any) -> Any:
        if when(*arguments):
            try:
                signal.raise_signal(number)
            finally:
                signal.raise_signal(number)
        return real(*arguments, **named)

    monkeypatch.setattr(where, method, call)


def writes(name: str) -> Callable[..., bool]:
    """For calls of `RunWriter.save_with`."""
    return lambda run, file, save: file == name


def state(out: Path) -> dict[str, Any]:
    [path] = out.glob("*/seed-*/run.json")
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def test_before_each_file_of_the_run(train: Train, monkeypatch, capsys, tmp_path: Path, folder_of) -> None:
    """In the epochs, and at each of the final writes: each time it is resumed, up to the next one."""
    for name, number in (
        ("history.csv", signal.SIGTERM),
        ("checkpoint.npz", signal.SIGHUP),
        ("predictions.npz", signal.SIGTERM),
        ("model.keras", signal.SIGINT),
        ("curves.png", signal.SIGHUP),
        ("result.json", signal.SIGTERM),
    ):
        with monkeypatch.context() as patch:
            signaled_before(patch, RunWriter, "save_with", number, when=writes(name))
            assert (name, train()) == (name, 128 + number)
        assert capsys.readouterr().err == f"{RESUMES}\n"
        assert (state(tmp_path)["state"], state(tmp_path)["error"]) == ("interrupted", None)
    assert train() == 0
    assert state(tmp_path)["state"] == "finished"
    assert len(folder_of(tmp_path).history) == 2


def test_while_the_test_images_are_evaluated(train: Train, monkeypatch, capsys, tmp_path: Path) -> None:
    import cnnlab.training.train as module

    with monkeypatch.context() as patch:
        signaled_before(patch, module, "evaluate", signal.SIGTERM, when=lambda *_: True)
        assert train() == 143
    assert capsys.readouterr().err == f"{RESUMES}\n"
    assert state(tmp_path)["state"] == "interrupted"


def test_while_the_state_is_written(train: Train, monkeypatch, capsys, tmp_path: Path) -> None:
    """The one of SIGTERM: a Ctrl-C behind it changes nothing."""
    with monkeypatch.context() as patch:
        signaled_before(patch, RunWriter, "save_with", signal.SIGTERM, when=writes("history.csv"))
        signaled_before(
            patch, RunWriter, "write_state", signal.SIGINT, when=lambda run, name, **_: name == "interrupted"
        )
        assert train() == 143
    assert capsys.readouterr().err == f"{RESUMES}\n"
    assert state(tmp_path)["state"] == "interrupted"


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_what_is_ignored_stays_ignored(
    process_state, train: Train, monkeypatch, capsys, tmp_path: Path, number: signal.Signals
) -> None:
    """As nohup ignores SIGHUP, and a shell Ctrl-C in the background."""
    signal.signal(number, signal.SIG_IGN)
    with monkeypatch.context() as patch:
        signaled_before(patch, RunWriter, "write_history", number, when=lambda *_: True)
        assert train() == 0
    assert capsys.readouterr().err == ""
    assert state(tmp_path)["state"] == "finished"


def test_a_library_that_swallows_it(train: Train, monkeypatch, capsys, tmp_path: Path) -> None:
    """The next step notices, and the exit code is that of the signal."""
    real = RunWriter.write_history

    def write_history(run: RunWriter, history: Any) -> None:
        real(run, history)
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            return

    with monkeypatch.context() as patch:
        patch.setattr(RunWriter, "write_history", write_history)
        assert train() == 143
    assert capsys.readouterr().err == f"{RESUMES}\n"
    assert state(tmp_path)["state"] == "interrupted"


def test_a_library_that_makes_another_error_of_it(train: Train, monkeypatch, capsys, tmp_path: Path) -> None:
    """As TensorFlow does while it traces a function: the run is interrupted, it has not failed."""

    def write_history(run: RunWriter, history: Any) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise SystemError("bad argument to internal function") from None

    with monkeypatch.context() as patch:
        patch.setattr(RunWriter, "write_history", write_history)
        assert train() == 130
    assert capsys.readouterr().err == f"{RESUMES}\n"
    assert (state(tmp_path)["state"], state(tmp_path)["error"]) == ("interrupted", None)


IN_AN_EXEC = """\
import signal

signal.signal(signal.SIGINT, signal.default_int_handler)
from cnnlab import cli

cli.group.main = lambda *_, **__: exec("import signal; signal.raise_signal(signal.SIGINT)")
cli.main(["summary"])
"""


def test_in_an_exec_of_text() -> None:
    """Python would end its process by SIGINT, although the exception was caught."""
    done = in_a_process(IN_AN_EXEC)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


def test_importing_the_library_handles_no_signals() -> None:
    program = (
        "import signal\n"
        "numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)\n"
        "before = [signal.getsignal(number) for number in numbers]\n"
        "import cnnlab, cnnlab.cli, cnnlab.__main__\n"
        "cnnlab.load('cnn')\n"
        "assert before == [signal.getsignal(number) for number in numbers]\n"
    )
    done = in_a_process(program)
    assert (done.returncode, done.stderr) == (0, "")


# The child takes the terminal as its own, so that closing it sends SIGHUP.
ON_A_TERMINAL = """\
import fcntl, signal, sys, termios, time

fcntl.ioctl(0, termios.TIOCSCTTY, 0)
if sys.argv.pop(1) == "ignored":
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
from cnnlab.__main__ import main
from cnnlab.commands.progress import LineReporter

def epoch_ended(*arguments, told=LineReporter.epoch_ended, **named):
    told(*arguments, **named)
    time.sleep(0.05)

LineReporter.epoch_ended = epoch_ended
main()
"""


@pytest.mark.parametrize(
    ("hangup", "code", "left"),
    [
        pytest.param("noticed", 129, "interrupted", id="SIGHUP"),
        pytest.param("ignored", None, "finished", id="SIGHUP-ignored"),
    ],
)
def test_a_terminal_that_is_closed(
    config: Path, tmp_path: Path, hangup: str, code: int | None, left: str
) -> None:
    terminal, end = pty.openpty()
    epochs = 12 if hangup == "ignored" else 5000
    options = ["--out", str(tmp_path), "--set", f"training.epochs={epochs}"]
    with subprocess.Popen(
        [sys.executable, "-c", ON_A_TERMINAL, hangup, "train", str(config), *options],
        stdin=end, stdout=end, stderr=end, env={**os.environ, "TERM": "xterm"}, start_new_session=True,
    ) as child:  # fmt: skip
        os.close(end)
        raw = b""
        while b"epoch 2/" not in raw.replace(b"epoch  2/", b"epoch 2/").replace(b"epoch    2/", b"epoch 2/"):
            raw += os.read(terminal, 65536)
        os.close(terminal)
        child.wait(timeout=60)
    assert state(tmp_path)["state"] == left
    if code is not None:
        assert child.returncode == code
