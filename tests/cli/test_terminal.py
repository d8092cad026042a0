"""On a real terminal: the live bar leaves whole lines behind, and Ctrl-C ends a command in good order."""

import fcntl
import io
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from cnnlab.commands.interruption import noticed_interruption
from cnnlab.commands.progress import wrapped
from cnnlab.errors import CnnlabError

# The child takes the terminal as its own, so that it gets the signal of a Ctrl-C that is typed there.
MAIN = """\
import fcntl, signal, termios

fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.default_int_handler)
from cnnlab.cli import main

main()
"""

CTRL_C = b"\x03"
_TOKEN = re.compile(r"\x1b\[(\??[\d;]*)([A-Za-z])|[\s\S]")


class Seen(NamedTuple):
    """What a command left on the terminal: the lines that are still there, and whether the cursor is."""

    code: int
    lines: list[str]
    cursor: bool


def screen(text: str, columns: int) -> tuple[list[str], bool]:
    """What a terminal of so many columns shows in the end; knows the few sequences that rich sends."""
    lines, row, column, cursor = [""], 0, 0, True
    for match in _TOKEN.finditer(text):
        token, numbers, letter = match[0], match[1], match[2]
        if letter == "K":
            lines[row] = "" if numbers == "2" else lines[row][:column]
        elif letter == "A":
            row = max(0, row - int(numbers or 1))
        elif letter in ("h", "l"):
            cursor = letter == "h"
        elif letter == "m":
            continue
        elif letter is not None:
            raise ValueError(f"unknown sequence {token!r}")
        elif token == "\r":
            column = 0
        else:
            if token == "\n" or column == columns:
                row, column = row + 1, column if token == "\n" else 0
                lines += [""] * (row + 1 - len(lines))
            if token != "\n":
                lines[row] = lines[row][:column].ljust(column) + token + lines[row][column + 1 :]
                column += 1
    return [line for line in lines if line], cursor


@pytest.fixture
def on_terminal() -> Iterator[Callable[..., Seen]]:
    """Runs a command on a pseudo-terminal; types Ctrl-C once `text` is there, and again after each delay."""
    children: list[subprocess.Popen[bytes]] = []

    def call(
        *arguments: object, columns: int, text: str | None = None, again: tuple[float, ...] = ()
    ) -> Seen:
        terminal, end = pty.openpty()
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm"}
        environment.pop("COLUMNS", None)
        child = subprocess.Popen(
            [sys.executable, "-c", MAIN, *map(str, arguments)],
            stdin=end, stdout=end, stderr=end, env=environment, start_new_session=True,
        )  # fmt: skip
        children.append(child)
        os.close(end)
        raw, presses, deadline = b"", [] if text is None else [0.0, *again], time.monotonic() + 120
        typed_at: float | None = None
        while time.monotonic() < deadline:
            if select.select([terminal], [], [], 0.001)[0]:
                try:
                    raw += os.read(terminal, 65536)
                except OSError:  # the child has closed its end
                    break
            if presses and typed_at is None and text is not None and text.encode() in raw:
                typed_at = time.monotonic()
            while presses and typed_at is not None and time.monotonic() >= typed_at + presses[0]:
                os.write(terminal, CTRL_C)
                del presses[0]
        os.close(terminal)
        code = child.wait(timeout=60)
        assert "Traceback" not in raw.decode()
        return Seen(code, *screen(raw.decode(), columns))

    yield call
    for child in children:
        child.kill()
        child.wait()


@pytest.mark.parametrize("columns", [80, 40])
def test_whole_lines_are_left(on_terminal, configs, data_dir: Path, tmp_path: Path, columns: int) -> None:
    seen = on_terminal(
        "train", configs["stateful"], "--data-dir", data_dir, "--out", tmp_path, columns=columns
    )  # fmt: skip
    assert (seen.code, seen.cursor) == (0, True)
    text = "\n".join(seen.lines)
    number = r"\d+\.\d{4}"
    between = r"  " if columns == 80 else r"\n"
    epochs = re.findall(
        rf"^epoch (\d)/4  loss {number}  acc [\d.]+%{between}val_loss {number}  val_acc [\d.]+%  [\d.]+ s$",
        text,
        re.MULTILINE,
    )
    assert epochs == ["1", "2", "3", "4"]
    assert "━" not in text


@pytest.mark.parametrize("columns", [80, 40])
def test_ctrl_c_leaves_nothing_but_a_sentence(
    on_terminal, configs, data_dir: Path, folder_of, tmp_path: Path, columns: int
) -> None:
    options = ("--data-dir", data_dir, "--out", tmp_path, "--set", "training.epochs=5000")
    seen = on_terminal(
        "train", configs["stateful"], *options, columns=columns, text="epoch    2/5000", again=(0.01, 0.3)
    )
    assert (seen.code, seen.cursor) == (130, True)
    text = "".join(seen.lines)
    assert "━" not in text
    before, sentence, after = text.partition("interrupted; run the same command again to resume")
    assert sentence
    assert "^C" not in before
    assert after.replace("^C", "") == ""  # the terminal's own echo, while the process goes
    assert folder_of(tmp_path).json("run.json")["state"] == "interrupted"


def interrupted_inside_of_a_library(*, swallowed: bool) -> None:
    with noticed_interruption() as interruption:
        interruption.check()
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            if not swallowed:
                raise ImportError("torn in two") from None
        interruption.check()


@pytest.mark.parametrize("swallowed", [True, False])
def test_an_interruption_that_a_library_swallows_counts(monkeypatch, swallowed: bool) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted_inside_of_a_library(swallowed=swallowed)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_what_ignores_ctrl_c_goes_on_ignoring_it() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with noticed_interruption():
            signal.raise_signal(signal.SIGINT)
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_start_up_noise_is_kept_from_who_stops_it(capfd) -> None:
    from cnnlab.backend import start_up_noise

    def start(error: type[BaseException]) -> None:
        with start_up_noise():
            os.write(2, b"a library is starting\n")
            raise error

    with pytest.raises(KeyboardInterrupt):
        start(KeyboardInterrupt)
    assert capfd.readouterr().err == ""
    with pytest.raises(ImportError):
        start(ImportError)
    assert capfd.readouterr().err == "a library is starting\n"


def test_a_path_is_not_broken() -> None:
    path = "experiments/colors_cnn-976652ff/seed-0"
    assert wrapped(f"test accuracy 99.90% ({path})", 20) == f"test accuracy 99.90%\n({path})"
    assert wrapped("one\n   two", 20) == "one\n   two"


def test_a_message_is_not_decorated(capsys) -> None:
    """Rich would make a picture of :100: and colours of [red]."""
    from cnnlab.commands.progress import BarReporter

    BarReporter().warn("mine.yaml:100:7: [red] x")
    assert capsys.readouterr().err == "mine.yaml:100:7: [red] x\n"


@pytest.mark.parametrize("arguments", ["summary", "runs list --csv", "data list", "--help"])
def test_a_reader_that_stops_early(arguments: str, tmp_path: Path, make_run) -> None:
    make_run(tmp_path / "experiments", "colors_cnn")
    command = f"{sys.executable} -m cnnlab.cli {arguments} | head -n 1"
    done = subprocess.run(
        ["bash", "-c", f"{command}; echo ${{PIPESTATUS[0]}}"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    line, code = done.stdout.splitlines()
    assert line
    assert code == "0"
    assert "rror" not in done.stderr


def test_a_reader_that_has_gone_already() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        command = [sys.executable, "-m", "cnnlab.cli", "data", "list"]
        done = subprocess.run(command, stdout=gone, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_runs_that_are_trained_at_once_have_a_bar_each(
    columns: int, capsys, monkeypatch, make_run, tmp_path: Path
) -> None:
    from rich.console import Console

    from cnnlab.commands.progress import BarReporter
    from cnnlab.config.experiment import load_config
    from cnnlab.run_folders.records import read_record

    def bars() -> list[str]:
        console = Console(file=io.StringIO(), width=columns)
        console.print(*reporter._progress.get_renderables())
        assert isinstance(console.file, io.StringIO)
        return [line.rstrip() for line in console.file.getvalue().splitlines() if line.strip()]

    record = read_record(make_run(tmp_path, "colors_cnn", seed=1))
    first, second = (load_config("colors_cnn").with_seed(seed) for seed in range(2))
    epochs = first.training.epochs
    monkeypatch.setenv("COLUMNS", str(columns))
    reporter = BarReporter()
    reporter.side_by_side(2)
    for config in (first, second):
        reporter.started(config, done=0, resumed=False)
    reporter.stepped(first, 3, 5, 10, loss=0.25, accuracy=0.5)
    reporter.stepped(second, 12, 5, 10, loss=0.125, accuracy=0.75)
    reporter.epoch_ended(second, record.history[11])
    above, below = bars()
    assert above.startswith(f"colors_cnn, seed 0  epoch 3/{epochs} ")
    assert below.startswith(f"colors_cnn, seed 1  epoch 12/{epochs} ")
    assert "accuracy 50.00%" in above
    assert "accuracy 75.00%" in below
    assert ("loss 0.2500" in above) == (columns == 120)
    assert max(map(len, (above, below))) < columns
    reporter.finished(second, record)
    (left,) = bars()
    assert left.startswith("colors_cnn, seed 0")
    reporter.failed(first, CnnlabError("no room"))
    assert bars() == []
    said = " ".join(capsys.readouterr().err.split())
    outcome = f"test accuracy {record.result.test_accuracy:.2%}"
    assert said.startswith(f"colors_cnn, seed 1: {outcome} ({record.path})")
    assert said.endswith("colors_cnn, seed 0: no room")
