"""The built wheel, installed far from the checkout, is a cnnlab that finds its shipped configs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command that knows nothing of the checkout, and return what it printed."""
    inherited = ("CNNLAB", "PYTHON")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(inherited)}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Built:
    sdist: Path
    wheel: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The source archive, and the wheel that is made from it rather than from the checkout."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    [sdist], [wheel] = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return Built(sdist, wheel)


@pytest.fixture(scope="module")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment that holds the wheel and borrows only the dependencies of this one.

    The borrowed folder is put on the path by a .pth file. Python reads no .pth files in such a folder,
    so the checkout, which is installed here in editable mode by one, is not on the path.
    """
    folder = tmp_path_factory.mktemp("far") / "environment"
    venv.create(folder, symlinks=True)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", folder / "bin" / "python")
    run(*pip, "install", "--no-deps", "--no-index", built.wheel, cwd=folder)
    [site_packages] = folder.glob("lib/python3*/site-packages")
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder


def shipped_configs() -> set[str]:
    return {path.relative_to(ROOT / "configs").as_posix() for path in (ROOT / "configs").rglob("*.yaml")}


def test_wheel_holds_the_package_and_the_configs_and_nothing_else(built: Built) -> None:
    names = [name for name in zipfile.ZipFile(built.wheel).namelist() if ".dist-info/" not in name]
    configs = {name.removeprefix("cnnlab/configs/") for name in names if name.startswith("cnnlab/configs/")}
    assert {"cnn.yaml", "dnn.yaml"} <= configs
    assert configs == shipped_configs() | {"schema.json"}
    assert {name.split("/")[0] for name in names} == {"cnnlab"}


def test_sdist_holds_what_make_needs(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"configs/{name}" for name in shipped_configs()} <= names
    assert {"LICENSE", "Makefile", "README.md", "constraints.txt", "pyproject.toml"} <= names


def test_installed_package_is_the_wheels(installed: Path, tmp_path: Path) -> None:
    code = (
        "import cnnlab, importlib.metadata as metadata;"
        "print(cnnlab.__file__, cnnlab.__version__, metadata.version('cnnlab'))"
    )
    file, version, recorded_version = run(installed / "bin" / "python", "-c", code, cwd=tmp_path).split()
    assert Path(file).is_relative_to(installed)
    assert version == recorded_version


def test_installed_cnnlab_summarises_a_shipped_config(installed: Path, tmp_path: Path) -> None:
    summary = json.loads(run(installed / "bin" / "cnnlab", "summary", "cnn", "--json", cwd=tmp_path))
    assert summary["name"] == "cnn"
    assert summary["total_params"] == 137_660


def test_installed_cnnlab_lists_every_shipped_config(installed: Path, tmp_path: Path) -> None:
    summaries = json.loads(run(installed / "bin" / "cnnlab", "summary", "--json", cwd=tmp_path))
    assert {f"{summary['name']}.yaml" for summary in summaries} == shipped_configs()
