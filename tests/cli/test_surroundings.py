"""Streams, encodings, variables and folders as a command may find them: it works, or says why not."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import Image

CONFIG = """\
name: tiny
dataset: {name: xo, train_count: 40, test_count: 12}
model: {layers: [Flatten, {Dense: {units: 2, activation: softmax}}]}
training: {epochs: 1}
"""

ASCII = {"PYTHONIOENCODING": "ascii"}
LEGACY_C = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
NOTEBOOK = {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "COLUMNS": "0", "TERM": "dumb"}
UNKNOWN = {"MPLBACKEND": "nonsense", "COLUMNS": "abc", "NO_COLOR": "1", "TMPDIR": "/nonexistent"}
HOMELESS = {"HOME": None, "CNNLAB_CACHE": None, "KERAS_HOME": None, "MPLCONFIGDIR": "/dev/null/x"}

# A user without an entry in the system's table, so that Python finds no home folder either.
WITHOUT_ENTRY = """\
import pwd, sys

def nobody(number):
    raise KeyError(number)

pwd.getpwuid = nobody
sys.argv[0] = "cnnlab"
from cnnlab.__main__ import main

main()
"""


class Done(NamedTuple):
    """What a command left."""

    code: int
    stdout: bytes
    stderr: bytes


def ended(command: str, folder: Path, variables: dict[str, str | None], *, start: str = "-m cnnlab") -> Done:
    """A line of the shell in which `cnnlab` is the command, in an environment of its own."""
    environment = {**os.environ, **variables}
    known = {key: value for key, value in environment.items() if value is not None}
    shell = f'set -o pipefail; cnnlab() {{ "{sys.executable}" {start} "$@"; }}; {command}'
    done = subprocess.run(["bash", "-c", shell], cwd=folder, env=known, capture_output=True, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a config and one finished run.

    It was trained without a home folder, with a notebook's variables, and its messages went to a full disk.
    """
    path = tmp_path_factory.mktemp("surroundings")
    (path / "tiny.yaml").write_text(CONFIG)
    (path / "start.py").write_text(WITHOUT_ENTRY)
    command = "cnnlab train tiny.yaml --json 2> /dev/full"
    done = ended(command, path, ASCII | NOTEBOOK | HOMELESS, start="start.py")
    assert (done.code, json.loads(done.stdout)["epochs"]) == (0, 1)
    return path


def test_training_in_all_of_them_at_once(folder: Path) -> None:
    """The run is whole."""
    (result,) = folder.glob("experiments/tiny-*/seed-0/result.json")
    assert json.loads(result.read_text())["epochs"] == 1
    assert result.with_name("curves.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param(ASCII | NOTEBOOK, id="ascii-notebook"),
        pytest.param(LEGACY_C | UNKNOWN, id="c-unknown"),
        pytest.param({"PYTHONIOENCODING": "latin-1", "COLUMNS": "10"}, id="latin-1-narrow"),
        pytest.param({"PYTHONIOENCODING": "cp1252", "TERM": ""}, id="cp1252"),
    ],
)
@pytest.mark.parametrize(
    "command", ["cnnlab --help", "cnnlab summary tiny.yaml", "cnnlab runs list", "cnnlab train -h"]
)
def test_encodings_and_variables(folder: Path, command: str, variables: dict[str, str | None]) -> None:
    done = ended(command, folder, variables)
    assert done.code == 0
    assert done.stderr in (b"", b"1 run in experiments\n")
    encoding = variables.get("PYTHONIOENCODING") or "ascii"
    assert rb"\x" not in done.stdout
    assert rb"\u" not in done.stdout
    assert len(done.stdout.decode(encoding).splitlines()) > 2


def test_pictures_with_variables_that_matplotlib_does_not_take(folder: Path) -> None:
    done = ended("cnnlab explain confusion tiny --quiet", folder, LEGACY_C | UNKNOWN)
    assert (done.code, done.stderr) == (0, b"")
    assert done.stdout.splitlines()[-1].endswith(b"confusion.png, confusion.npz, confusion.json")


FULL = b"the result cannot be written to standard output: No space left on device\n"


@pytest.mark.parametrize(
    ("command", "code", "stdout", "stderr"),
    [
        pytest.param("cnnlab summary tiny.yaml >&-", 0, b"", b"", id="stdout-closed"),
        pytest.param("cnnlab summary nosuch 2>&-", 2, b"", b"", id="stderr-closed"),
        pytest.param("cnnlab summary nosuch <&- >&- 2>&-", 2, b"", b"", id="all-closed"),
        pytest.param("cnnlab summary tiny.yaml > /dev/full", 1, b"", FULL, id="stdout-full"),
        pytest.param("cnnlab runs list --json > /dev/full", 1, b"", FULL, id="json-full"),
        pytest.param("cnnlab --help > /dev/full", 1, b"", FULL, id="help-full"),
        pytest.param("cnnlab summary nosuch 2> /dev/full", 2, b"", b"", id="stderr-full"),
        pytest.param("cnnlab nosuch > /dev/full 2>&1", 2, b"", b"", id="both-full"),
        pytest.param(
            "cnnlab summary tiny.yaml | head -n 1", 0, "tiny: 16×16×1 → 2\n".encode(), b"", id="reader-gone"
        ),
    ],
)
def test_streams(folder: Path, command: str, code: int, stdout: bytes, stderr: bytes) -> None:
    assert ended(command, folder, {}) == (code, stdout, stderr)


def test_what_a_library_prints_does_not_go_into_a_file(folder: Path) -> None:
    """With 2>&- the next file that is opened would be number 2, where native libraries write."""
    program = (
        "from cnnlab.starting import open_streams; open_streams(); import os, sys; "
        "file = open('kept', 'w'); os.write(2, b'noise'); sys.stderr.write('more'); file.close(); "
        "print(os.path.getsize('kept'))"
    )
    (folder / "program.py").write_text(program)
    done = ended("cnnlab 2>&- <&-", folder, {}, start="program.py")
    assert (done.code, done.stdout) == (0, b"0\n")


def test_without_a_home_folder_caches_last_for_the_command(folder: Path) -> None:
    done = ended("cnnlab data list --json", folder, HOMELESS, start="start.py")
    assert done.code == 0
    assert done.stderr.decode() == (
        "note: there is no home folder (HOME is not set), so that caches last for this command only\n"
    )
    assert len(json.loads(done.stdout)) > 5


def test_a_directory_that_is_gone(folder: Path) -> None:
    done = ended("mkdir gone; cd gone; rmdir ../gone; cnnlab train cnn", folder, {})
    assert done.code == 2
    assert (
        done.stderr.decode().splitlines()[-1] == "experiments: cannot be written: No such file or directory"
    )


def picture() -> bytes:
    """A small PNG."""
    content = io.BytesIO()
    Image.new("RGB", (8, 8)).save(content, format="PNG")
    return content.getvalue()


def test_names_that_are_no_text(folder: Path) -> None:
    name = os.fsdecode(b"caf\xe9.yaml")
    (folder / name).write_text(CONFIG)
    done = ended(f"cnnlab summary {name} --json", folder, {})
    assert (done.code, json.loads(done.stdout)["name"]) == (0, "tiny")
    done = ended(f"cnnlab summary no-{name}", folder, ASCII)
    assert done.code == 2
    assert done.stderr.decode("ascii").startswith(r"no-caf\udce9.yaml: no such file")


def test_class_folders_that_are_no_text(folder: Path) -> None:
    for name in (b"caf\xe9", b"tea"):
        path = folder / "data" / os.fsdecode(name)
        path.mkdir(parents=True)
        (path / "a.png").write_bytes(picture())
    config = CONFIG.replace("{name: xo, train_count: 40, test_count: 12}", "{folder: data}")
    (folder / "own.yaml").write_text(config)
    done = ended("cnnlab train own.yaml", folder, {})
    assert done.code == 2
    assert done.stderr.decode() == (
        "own.yaml:2:10: dataset.classes[0]: expected names in UTF-8; rename the folder caf\\udce9\n"
    )
