"""The programs that cnnlab is measured with keep one contract; the page of results shows what they tell."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).parents[2] / "bench"
TOLD = {"seconds", "test_accuracy", "peak_memory_bytes", "onednn", "versions"}


@pytest.fixture(scope="module")
def training_speed() -> ModuleType:
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


def test_the_page_shows_medians_and_ratios_of_neighbors(training_speed) -> None:
    def runs(*seconds: float, accuracy: float) -> list:
        return [
            training_speed.Run(each, 10 * each, accuracy, 300 * 2**20, True, {"keras": "3.15.1"})
            for each in seconds
        ]

    measured = {"cnn": {"cnnlab": runs(1, 2, 4, accuracy=0.98), "plain Keras": runs(2, 8, 4, accuracy=0.97)}}
    operations = 6 * 1_639_350 * 10_000
    left_out = [training_speed.TOOLS[3]]
    page = training_speed.page(measured, operations, left_out, "cnn is better", "RESULTS.png", 3, 8)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line[:1] == "|"]
    ours, theirs = rows[2:]
    assert ours == [
        "cnnlab", "2 (1 to 4)", "", "50%", "20 (10 to 40)", "98.00 ± 0.00% (n=3)", "300",
    ]  # fmt: skip
    assert theirs[:4] == ["plain Keras", "4 (2 to 8)", "0.50 (0.25 to 1.00)", "25%"]
    assert "Lightning is left out: torch or lightning is not installed." in page
    assert "![Seconds per epoch](RESULTS.png)" in page
    assert "- oneDNN, as each tool's users get it: cnnlab on, plain Keras on" in page
    assert page.endswith("```\n$ cnnlab bench verdict\ncnn is better\n```\n")
