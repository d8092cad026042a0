"""The recipes of CONTRIBUTING.md work: a copy of the package gets their files, and their commands are run."""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
COPIED = ("cnnlab", "configs", "pyproject.toml", "tests")

_FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block: its language, the file that it is about (or ""), its text."""

    language: str
    file: str
    text: str


def recipes() -> dict[str, list[Block]]:
    """The blocks of each section "### A layer" that has commands to run."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    sections = re.findall(r"^### (.+?)\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
    blocks = {title: [Block(*each) for each in _FENCE.findall(body)] for title, body in sections}
    return {title: each for title, each in blocks.items() if commands(each)}


def commands(blocks: list[Block]) -> list[str]:
    consoles = "".join(block.text for block in blocks if block.language == "console")
    return [line.removeprefix("$ ") for line in consoles.splitlines() if line.startswith("$ ")]


def applied(diff: str, text: str) -> str:
    """The text with the diff's lines changed; those that stay or go must occur once."""
    lines = diff.splitlines()
    before = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
    after = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))
    assert text.count(before) == 1, f"expected once in the file:\n{before}"
    return text.replace(before, after)


RECIPES = recipes()


@pytest.fixture(scope="module")
def checkouts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By recipe, a copy of the checkout in which it has been followed."""
    made = {}
    for title, blocks in RECIPES.items():
        folder = tmp_path_factory.mktemp("checkout")
        for name in COPIED:
            if (ROOT / name).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, folder / name, ignore=ignored)
            else:
                shutil.copy(ROOT / name, folder / name)
        for block in blocks:
            if not block.file:
                continue
            path = folder / block.file
            if block.language == "diff":
                text = applied(block.text, path.read_text(encoding="utf-8"))
            else:
                assert not path.exists(), f"{block.file} is there already"
                text = block.text
            path.write_text(text, encoding="utf-8")
        made[title] = folder
    return made


def run(command: str, folder: Path, tmp_path: Path) -> None:
    """Run a shell command with the copy's cnnlab, and with this Python."""
    # Not links: a linked Python would not know the environment that it belongs to.
    for name, arguments in {"python": "", "cnnlab": "-m cnnlab.cli"}.items():
        script = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {arguments} "$@"\n'
        (tmp_path / name).write_text(script, encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CNNLAB")}
    environment |= {"PATH": f"{tmp_path}{os.pathsep}{environment['PATH']}", "PYTHONPATH": str(folder)}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def test_there_are_recipes() -> None:
    assert list(RECIPES) == ["A layer", "A dataset", "A technique", "A command"]
    assert all(block.file for blocks in RECIPES.values() for block in blocks if block.language != "console")


@pytest.mark.parametrize(
    ("title", "command"),
    [
        pytest.param(
            title,
            command,
            id=f"{title}: {command}",
            marks=[pytest.mark.slow] if "pytest" in command else [],
        )
        for title, blocks in RECIPES.items()
        for command in commands(blocks)
    ],
)
def test_commands(title: str, command: str, checkouts: dict[str, Path], tmp_path: Path) -> None:
    run(command, checkouts[title], tmp_path)


@pytest.mark.parametrize("title", RECIPES)
def test_imports(title: str, checkouts: dict[str, Path], tmp_path: Path) -> None:
    """Those for type checkers too, which nothing runs."""
    imports = {
        ast.unparse(node)
        for block in RECIPES[title]
        if block.language == "python"
        for node in ast.walk(ast.parse(block.text))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    future = [each for each in imports if "__future__" in each]
    assert len(future) == 1
    program = "\n".join([*future, *sorted(imports.difference(future))])
    run(f"python -c {shlex.quote(program)}", checkouts[title], tmp_path)
