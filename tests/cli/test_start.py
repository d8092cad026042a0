"""Answers that need no framework come without one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"keras", "tensorflow", "jax", "torch", "matplotlib", "pandas", "scipy", "PIL"}

WRAPPER = """\
import json, sys
from cnnlab.cli import run

code = run(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    json.dump([code, sorted(sys.modules)], file)
"""


def answer(folder: Path, arguments: list[str]) -> tuple[int, set[str]]:
    """The exit code of a command in a process of its own, and the modules that were imported."""
    (folder / "broken.yaml").write_text("epochs: 3\n")
    command = [sys.executable, "-c", WRAPPER, str(folder / "modules.json"), *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    code, modules = json.loads((folder / "modules.json").read_text())
    return code, set(modules)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(["--help"], 0, id="help"),
        pytest.param(["summary", "cnn"], 0, id="summary"),
        pytest.param(["summary"], 0, id="overview"),
        pytest.param(["train", "broken.yaml"], 2, id="broken-config"),
        pytest.param(["compare", "cnn", "broken.yaml"], 2, id="compare-broken-config"),
        pytest.param(["train", "cnn", "--set", "training.epochs=x"], 2, id="broken-set"),
    ],
)
def test_no_framework_is_imported(tmp_path: Path, arguments: list[str], code: int) -> None:
    answered, modules = answer(tmp_path, arguments)
    assert answered == code
    assert HEAVY.isdisjoint(modules)


@pytest.mark.parametrize(
    ("arguments", "needless"),
    [
        pytest.param(["--help"], {"pydantic", "yaml", "rich", "logging", "tempfile", "difflib"}, id="help"),
        pytest.param(
            ["summary", "cnn"],
            {
                "importlib.metadata", "rich.console", "cnnlab.run_folders", "cnnlab.datasets.sources.folder",
                "cnnlab.layers.blocks", "cnnlab.layers.normalization",
            },
            id="summary",
        ),
        pytest.param(
            ["train", "broken.yaml"],
            {"importlib.metadata", "rich.console", "cnnlab.run_folders", "cnnlab.jobs", "cnnlab.reporting"},
            id="broken-config",
        ),
    ],
)  # fmt: skip
def test_nothing_is_imported_that_the_answer_does_not_need(
    tmp_path: Path, arguments: list[str], needless: set[str]
) -> None:
    _, modules = answer(tmp_path, arguments)
    assert needless.isdisjoint(modules)


def test_a_reader_that_has_seen_enough_gets_no_traceback() -> None:
    command = f"{sys.executable} -m cnnlab.cli summary --json | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[\n", "")


def test_without_a_command_the_help_is_shown(process) -> None:
    assert process("--help").stdout == process().stderr


def test_version(cnnlab) -> None:
    import cnnlab as package

    assert cnnlab("--version") == (0, f"cnnlab, version {package.__version__}\n", "")
