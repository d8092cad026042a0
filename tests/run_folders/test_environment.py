"""What a run records of the checkout that it was trained in."""

import os
import subprocess
import sys

import pytest

from cnnlab import processor
from cnnlab.run_folders.contents import DatasetFacts
from cnnlab.run_folders.environment import environment
from cnnlab.version import ARITHMETIC

COLORS = DatasetFacts(
    name="colors", title="Colors", origin="generated", status="generated", digest="d", test_digest="t"
)


@pytest.fixture
def recorded(backend, tmp_path, monkeypatch):
    from cnnlab.config.experiment import load_config

    config = load_config("colors_cnn")
    monkeypatch.chdir(tmp_path)

    def call():
        facts = environment(config, backend, COLORS)
        return facts["git_commit"], facts["git_dirty"]

    return call


def git(*arguments):
    identity = ["-c", "user.name=it", "-c", "user.email=it@example.org"]
    done = subprocess.run(["git", *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_outside_of_a_checkout(recorded, monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert recorded() == (None, None)


def test_a_changed_checkout_is_told_from_a_clean_one(recorded, tmp_path):
    git("init", "--quiet")
    (tmp_path / "code.py").write_text("one\n", encoding="utf-8")
    git("add", "code.py")
    git("commit", "--quiet", "--message", "one")
    commit = git("rev-parse", "HEAD")
    (tmp_path / "notes.txt").write_text("what git does not know\n", encoding="utf-8")
    assert recorded() == (commit, False)
    (tmp_path / "code.py").write_text("two\n", encoding="utf-8")
    assert recorded() == (commit, True)
    git("add", "code.py")
    assert recorded() == (commit, True)


def test_without_git(recorded, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert recorded() == (None, None)


def test_what_arithmetic_made_the_run(backend):
    """Libraries take one thread for each CPU that the process may run on, unless they are told otherwise."""
    from cnnlab.config.experiment import load_config

    facts = environment(load_config("colors_cnn"), backend, COLORS)
    assert facts["arithmetic"] == ARITHMETIC
    assert facts["threads"] == facts["parallel_operations"] == processor.usable_cpus()
    assert facts["cpu"]
    assert facts["instruction_set"]
    assert facts["onednn"] is (os.environ["TF_ENABLE_ONEDNN_OPTS"] == "1")


ASK = """
from cnnlab.backend import start_backend
from cnnlab.config.sections import RuntimeConfig
from cnnlab.cpu_settings import threads_of, uses_onednn
backend = start_backend(RuntimeConfig(device="cpu"))
print(uses_onednn(backend.name), *threads_of(backend.name))
"""


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        pytest.param({}, "True {cpus} {cpus}", id="by itself"),
        pytest.param({"TF_ENABLE_ONEDNN_OPTS": "0"}, "False {cpus} {cpus}", id="off"),
        pytest.param(
            {"TF_NUM_INTRAOP_THREADS": "3", "TF_NUM_INTEROP_THREADS": "5"}, "True 3 5", id="threads"
        ),
    ],
)
def test_onednn_is_asked_for_unless_the_environment_says_otherwise(asked, found):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    done = subprocess.run(
        [sys.executable, "-c", ASK], env=kept | asked, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == found.format(cpus=processor.usable_cpus())


@pytest.mark.parametrize(
    ("flags", "environment", "said"),
    [
        pytest.param("flags : fma avx avx2 sse4_2", {}, "AVX2", id="AVX2"),
        pytest.param(
            "model name : B\nflags : avx2 avx512f avx512_vnni avx512_bf16 amx_tile", {},
            "AVX-512 with VNNI, BF16, AMX", id="AVX-512",
        ),
        pytest.param("Features : fp asimd sve bf16", {}, "SVE with BF16", id="ARM"),
        pytest.param(
            "flags : avx2 avx512f", {"ONEDNN_MAX_CPU_ISA": "AVX2"}, "AVX-512, oneDNN limited to AVX2",
            id="limited",
        ),
        pytest.param("processor : 0", {}, None, id="unknown"),
    ],
)  # fmt: skip
def test_the_instruction_set(monkeypatch, flags, environment, said):
    lines = (line.split(" : ") for line in flags.splitlines())
    information = dict(lines)
    monkeypatch.setattr(processor, "_cpuinfo", lambda: information)
    monkeypatch.setattr(processor.platform, "machine", lambda: "x86_64")
    for name in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert processor.instruction_set() == said
