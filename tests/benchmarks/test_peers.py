"""The programs that cnnlab is measured with keep one contract; the page of results shows what they tell."""

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import psutil
import pytest

BENCH = Path(__file__).parents[2] / "bench"
TOLD = {"seconds", "test_accuracy", "peak_memory_bytes", "onednn", "versions"}


@pytest.fixture(scope="module")
def training_speed() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCH)  # as for a script, which finds the modules beside it
        yield loaded()


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("training_speed", BENCH / "training_speed.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for the annotations' names
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("script", "needs"),
    [
        ("plain_keras.py", "tensorflow"),
        pytest.param("with_cnnlab.py", "tensorflow", marks=pytest.mark.slow),
        ("plain_pytorch.py", "torch"),
        ("plain_lightning.py", "lightning"),
    ],
)
def test_a_peer_keeps_the_contract(script: str, needs: str, mnist: Path) -> None:
    python = sys.executable if needs == "tensorflow" else os.environ.get("CNNLAB_TORCH_PYTHON")
    probe = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({needs!r}) is None)"
    if python is None or subprocess.run([python, "-c", probe], check=False).returncode != 0:
        pytest.skip(f"{needs} is not installed where CNNLAB_TORCH_PYTHON says, or nothing is said")
    done = subprocess.run(
        [python, BENCH / "peers" / script, "dnn", mnist, "2", "0"],
        env={**os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": str(BENCH.parent)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert set(told) == TOLD
    assert len(told["seconds"]) == 2
    assert told["test_accuracy"] > 0.9  # a bright row for each class is easy
    assert told["peak_memory_bytes"] > 2**26
    assert all(isinstance(version, str) for version in told["versions"].values())


def test_a_tool_that_is_not_installed(training_speed, tmp_path_factory) -> None:
    nowhere = tmp_path_factory.mktemp("empty") / "python"
    tools = {tool.name: tool for tool in training_speed.TOOLS}
    assert training_speed.is_installed(tools["plain Keras"], nowhere)
    assert not training_speed.is_installed(tools["PyTorch"], nowhere)
    other = training_speed.Tool("other", "other.py", ("keras", "no_such_module"))
    assert not training_speed.is_installed(other, nowhere)


@pytest.fixture
def runs(training_speed):
    """runs(0.5, None, 0.7, accuracy=0.9) → by seed, runs of so many seconds per epoch; None: it failed."""

    def call(*seconds: float | None, accuracy: float) -> dict:
        return {
            seed: training_speed.Run(each, 10 * each, accuracy, 300 * 2**20, True, {"keras": "3.15.1"})
            for seed, each in enumerate(seconds)
            if each is not None
        }

    return call


def rows_of(page: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line[:1] == "|"]


def test_the_page_shows_medians_and_ratios_of_neighbors(training_speed, runs) -> None:
    measured = {"cnn": {"cnnlab": runs(1, 2, 4, accuracy=0.98), "plain Keras": runs(2, 8, 4, accuracy=0.97)}}
    operations = 6 * 1_639_350 * 10_000
    left_out = [training_speed.TOOLS[3]]
    page = training_speed.page(
        measured, operations, left_out, "cnn is better", "RESULTS.png", 3, 8, command="make bench"
    )
    headers, _, ours, theirs = rows_of(page)
    assert headers[3] == "Share of TensorFlow's peak"
    assert ours == [
        "cnnlab", "2 (1 to 4)", "", "50%", "20 (10 to 40)", "98.00 ± 0.00% (n=3)", "300",
    ]  # fmt: skip
    assert theirs[:4] == ["plain Keras", "4 (2 to 8)", "0.50 (0.25 to 1.00)", "25%"]
    assert "Lightning is left out: torch or lightning is not installed." in page
    assert "![Seconds per epoch](RESULTS.png)" in page
    assert "- oneDNN, as each tool's users get it: cnnlab on, plain Keras on" in page
    assert page.endswith("```\n$ cnnlab bench verdict\ncnn is better\n```\n")


@pytest.mark.parametrize(
    ("given", "command"),
    [
        (["--torch-python", ".venv-torch/bin/python", "--verdict"], "make bench"),
        (
            ["--torch-python=p", "--runs", "3", "--tools", "plain Keras", "PyTorch", "--results", "r.md"],
            "make bench BENCH_OPTIONS='--runs 3 --tools '\"'\"'plain Keras'\"'\"' PyTorch'",
        ),
        (["--data-dir", "/somewhere"], "make bench BENCH_OPTIONS=''"),
    ],
)
def test_the_page_names_the_command_it_comes_from(training_speed, given, command) -> None:
    assert training_speed.make_command(given) == command


def test_ratios_are_of_rounds_in_which_both_ran(training_speed, runs, tmp_path_factory) -> None:
    measured = {
        "dnn": {"plain Keras": runs(1500, accuracy=0.9)},
        "cnn": {"cnnlab": runs(1, None, 4, accuracy=0.98), "plain Keras": runs(None, 8, 8, accuracy=0.97)},
    }
    failures = ["cnn, seed 0, plain Keras: no memory"]
    page = training_speed.page(
        measured, 1e12, [], "", "RESULTS.png", 3, 8, command="make bench", failures=failures
    )
    assert rows_of(page)[2][:3] == ["plain Keras", "1,500", ""]
    assert rows_of(page)[6][:3] == ["plain Keras", "8 (8 to 8)", "0.50"]
    assert "Failed, and left out:\n\n- cnn, seed 0, plain Keras: no memory\n" in page
    picture = tmp_path_factory.mktemp("picture") / "RESULTS.png"
    training_speed.draw(measured, picture)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_page_without_the_peak(training_speed, runs) -> None:
    measured = {"cnn": {"cnnlab": runs(1, accuracy=0.98)}}
    failures = ["TensorFlow's peak: no memory"]
    page = training_speed.page(
        measured, None, [], "", "RESULTS.png", 1, 8, command="make bench", failures=failures
    )
    assert rows_of(page)[2] == ["cnnlab", "1", "", "", "10", "98.00% (n=1)", "300"]
    assert "GFLOP/s" not in page
    assert "- TensorFlow's peak: no memory\n" in page


PEER = """\
import json, sys

network, _, epochs, seed = sys.argv[1:]
told = {"seconds": [9, 1, 3][: int(epochs)], "test_accuracy": 0.9, "peak_memory_bytes": 2**28, "onednn": None,
        "versions": {"keras": "3.15.1"}}
told = json.dumps(told)
if network == "cnn":
    told = FAILURE.get(int(seed), lambda: told)()
print("a library prints")
print(told)
"""


@pytest.fixture
def bench(training_speed, tmp_path_factory, monkeypatch):
    """bench({1: "lambda: ''"}, "--runs", "2") → how the program ended, and its page.

    The peers train nothing. For cnn, plain Keras prints as its last line what the given expression says for
    the seed. PyTorch is not installed.
    """
    folder = tmp_path_factory.mktemp("bench")
    results = folder / "RESULTS.md"
    monkeypatch.setattr(training_speed, "PEERS", folder)
    monkeypatch.setattr(training_speed, "load_dataset", lambda dataset, paths: None)
    monkeypatch.setattr(training_speed, "write_mnist", lambda path, data: None)
    monkeypatch.setattr(training_speed, "peak_of", lambda data, timeout: 1e11)
    monkeypatch.setattr(training_speed, "is_installed", lambda tool, python: tool.name != "PyTorch")

    def call(failure: dict[int, str], *options: str) -> tuple[object, str]:
        told = "{" + ", ".join(f"{seed}: {expression}" for seed, expression in failure.items()) + "}"
        (folder / "with_cnnlab.py").write_text(f"FAILURE = {{}}\n{PEER}")
        (folder / "plain_keras.py").write_text(f"FAILURE = {told}\n{PEER}")
        monkeypatch.setattr(
            "sys.argv",
            ["training_speed.py", "--epochs", "3", "--tools", "plain Keras", "PyTorch",
             "--results", str(results), *options],
        )  # fmt: skip
        with pytest.raises(SystemExit) as ended:
            training_speed.main()
        return ended.value.code, results.read_text(encoding="utf-8")

    return call


def test_what_fails_is_named_and_the_rest_is_kept(bench, training_speed) -> None:
    """The whole program: one tool is not installed, and one fails in a round."""
    code, page = bench({1: "lambda: sys.exit('no memory')"}, "--runs", "2")
    assert code == "failed:\ncnn, seed 1, plain Keras: no memory"
    rows = rows_of(page)
    assert [row[0] for row in rows] == 2 * ["Tool", rows[1][0], "cnnlab", "plain Keras"]
    assert [row[5] for row in rows[2:4] + rows[6:]] == [
        "90.00 ± 0.00% (n=2)", "90.00 ± 0.00% (n=2)", "90.00 ± 0.00% (n=2)", "90.00% (n=1)",
    ]  # fmt: skip
    assert "PyTorch is left out: torch is not installed." in page
    assert "- cnn, seed 1, plain Keras: no memory" in page
    assert "## Machine" in page
    assert (training_speed.PEERS / "RESULTS.png").exists()


def test_a_tool_that_tells_nothing_sensible_is_left_out(bench) -> None:
    failure = {
        0: "lambda: sys.exit(0)",
        1: "lambda: 'Done.'",
        2: "lambda: '[1, 2]'",
        3: "lambda: told.replace('seconds', 'minutes')",
        4: "lambda: told.replace('9, 1, 3', '9')",
    }
    code, page = bench(failure, "--runs", "5", "--networks", "cnn")
    said = str(code).splitlines()[1:]
    contract = "its last line breaks the contract: "
    assert [each.partition(", plain Keras: ")[0] for each in said] == [
        f"cnn, seed {seed}" for seed in range(5)
    ]
    beginnings = [
        f"{contract}Invalid JSON", f"{contract}Invalid JSON", f"{contract}Input should be an object",
        f"{contract}seconds: Field required", f"{contract}seconds: List should have at least 2 items",
    ]  # fmt: skip
    for each, beginning in zip(said, beginnings, strict=True):
        assert each.partition(", plain Keras: ")[2].startswith(beginning)
        assert f"- {each}\n" in page
    assert [(row[0], row[5]) for row in rows_of(page)[2:]] == [("cnnlab", "90.00 ± 0.00% (n=5)")]


def test_nothing_is_lost_by_ctrl_c(bench, training_speed, monkeypatch, capsys) -> None:
    def run_tool(tool, network, folder, seed, arguments):
        if (tool.name, network, seed) == ("plain Keras", "dnn", 1):
            raise KeyboardInterrupt
        return real(tool, network, folder, seed, arguments)

    def peak_of(folder, timeout):
        raise training_speed.Failed("no memory")

    real = training_speed.run_tool
    monkeypatch.setattr(training_speed, "run_tool", run_tool)
    monkeypatch.setattr(training_speed, "peak_of", peak_of)
    code, page = bench({}, "--runs", "2", "--networks", "dnn")
    assert code == 130
    said = [
        "TensorFlow's peak: no memory",
        "dnn, seed 1, plain Keras, and what would have followed: interrupted",
    ]
    assert capsys.readouterr().err.splitlines() == ["failed:", *said]
    assert all(f"- {each}\n" in page for each in said)
    assert [(row[0], row[3], row[5]) for row in rows_of(page)[2:]] == [
        ("cnnlab", "", "90.00 ± 0.00% (n=2)"), ("plain Keras", "", "90.00% (n=1)"),
    ]  # fmt: skip


def test_a_process_that_hangs_stops_with_what_it_has_started(training_speed, monkeypatch) -> None:
    """Else that would slow down what is measured next."""
    numbers = []

    def communicate(process: subprocess.Popen[str], timeout: float) -> None:
        assert timeout == 1500
        numbers.append(int(process.stdout.readline()))
        raise subprocess.TimeoutExpired(process.args, timeout)

    monkeypatch.setattr(subprocess.Popen, "communicate", communicate)
    code = """\
import subprocess, sys, time

print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid, flush=True)
time.sleep(600)
"""
    with pytest.raises(training_speed.Failed, match=r"^stopped after 1,500 s, see --timeout$"):
        training_speed.output_of([sys.executable, "-c", code], 1500)
    deadline = time.monotonic() + 60
    while is_running(numbers[0]) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_running(numbers[0])


def is_running(number: int) -> bool:
    """Not so a zombie, which nobody may collect in a container."""
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
