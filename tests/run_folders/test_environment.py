"""What a run records of the checkout that it was trained in."""

import subprocess

import pytest

from cnnlab.run_folders.contents import DatasetFacts
from cnnlab.run_folders.environment import environment

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
