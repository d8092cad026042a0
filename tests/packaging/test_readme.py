"""Every command that the README shows works, and every file that it and the guide pages link to is there.

All commands are parsed, those of the guide pages too. Of the README's, those that answer at once are run;
so are, among the slow tests, those that train on generated pictures. What trains on downloaded data is parsed
only.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

import cnnlab.cli

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"

CONSOLE_SCRIPT = "import sys; from cnnlab.cli import main; sys.exit(main())"


def console_commands(text: str) -> list[str]:
    """The lines after `$ ` in the text's console blocks; a line that ends in a backslash goes on."""
    blocks = re.findall(r"^```console\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return list(dict.fromkeys(line[2:].strip() for line in lines if line.startswith("$ ")))


def indented_commands(page: Path) -> list[str]:
    """The lines of the page's code blocks that call cnnlab."""
    return re.findall(r"^    (cnnlab .*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)


def words(command: str) -> list[str]:
    return shlex.split(command, comments=True)


def answers_at_once(command: str) -> bool:
    return words(command)[1] in {"summary", "--help", "--version"} or "--help" in words(command)


def trains_on_generated_pictures(command: str) -> bool:
    names = [word for word in words(command)[2:] if not word.startswith("-")]
    return not answers_at_once(command) and any(name.startswith("colors") for name in names)


COMMANDS = console_commands(README.read_text(encoding="utf-8")) if README.exists() else []
CNNLAB = [command for command in COMMANDS if words(command)[0] == "cnnlab"]

PAGES = [README, *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "experiments").glob("*.md"))]
SHOWN = [*CNNLAB, *dict.fromkeys(command for page in PAGES for command in indented_commands(page))]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like the checkout to a reader of the README; its runs are shared, as theirs are."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "configs").symlink_to(ROOT / "configs")
    for handed_out in (ROOT / "docs" / "teaching").glob("*.yaml"):
        (folder / handed_out.name).symlink_to(handed_out)
    for handed_in in ("hand-ins", "handed-in"):
        (folder / handed_in).mkdir()
    (folder / "hand-ins.zip").touch()
    return folder


def run(command: str, *, cwd: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CNNLAB")}
    environment["PYTHONPATH"] = str(ROOT)
    python = [sys.executable, "-c", CONSOLE_SCRIPT, *words(command)[1:]]
    done = subprocess.run(python, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    assert done.stdout


def test_readme_shows_setup_and_main_commands() -> None:
    assert {"make demo", "make test"} <= set(COMMANDS)
    assert {"compare", "summary", "train"} <= {words(command)[1] for command in CNNLAB}


def test_make_targets_exist() -> None:
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    shown = {word for command in COMMANDS if words(command)[0] == "make" for word in words(command)[1:]}
    assert {word for word in shown if "=" not in word} <= set(targets)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("command", SHOWN)
def test_command_parses(command: str, monkeypatch: pytest.MonkeyPatch, workplace: Path) -> None:
    [group] = {value for value in vars(cnnlab.cli).values() if isinstance(value, click.Group)}
    monkeypatch.chdir(workplace)
    # A group still looks for its command, and the command reads its arguments; then nothing is called.
    monkeypatch.setattr(click.Command, "invoke", lambda self, context: None)
    group.main(words(command)[1:], prog_name="cnnlab", standalone_mode=False)


@pytest.mark.parametrize("command", [*filter(answers_at_once, CNNLAB)])
def test_command_answers(command: str, workplace: Path) -> None:
    run(command, cwd=workplace)


@pytest.mark.slow
@pytest.mark.parametrize("command", [*filter(trains_on_generated_pictures, CNNLAB)])
def test_command_trains(command: str, workplace: Path) -> None:
    run(command, cwd=workplace)
