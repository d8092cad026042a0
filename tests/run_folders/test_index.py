"""The index of a listing: rows with it are those without it, whatever happens to the runs and to itself."""

import json
import os
import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnlab.errors import UserError
from cnnlab.run_folders.holding import remove_run
from cnnlab.run_folders.listing import index, scan, select
from cnnlab.run_folders.states import held

RESULT = {"name": "cnn", "params": 5, "macs": 7, "seconds": 1.5, "seed": 0, "digest": "a" * 64}
CONFIG = "dataset: {name: mnist}\nmodel: {layers: []}\ntraining: {epochs: %d}\n"


def write(folder, state="finished", accuracy=0.5, epochs=3):
    """A run of a format without digests, so that each result counts."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps({"state": state, "started": "2026"}), encoding="utf-8")
    (folder / "config.yaml").write_text(CONFIG % epochs, encoding="utf-8")
    if state == "finished":
        (folder / "result.json").write_text(json.dumps(RESULT | {"test_accuracy": accuracy}), "utf-8")


@pytest.fixture(autouse=True)
def always(monkeypatch):
    """An index for any number of runs, of files that have just been written, too."""
    monkeypatch.setattr(index, "FEWEST", 0)
    monkeypatch.setattr(index, "_SETTLED", -1e9)


@pytest.fixture
def out(tmp_path):
    for seed in range(4):
        write(tmp_path / "cnn-11111111" / f"seed-{seed}", accuracy=seed / 10)
    return tmp_path


def index_of(out):
    return out / f".runs-{os.getuid()}.sqlite"


def plainly(out, **asked):
    """The rows, and those of a condition, without an index."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "FEWEST", 10**9)
        return outcome(out, **asked)


def outcome(out, where="training.epochs > 2"):
    try:
        selected = select(out, where=where, keys=["training.epochs"])
    except UserError as error:
        selected = str(error)
    return scan(out), selected


ACTIONS = st.sampled_from(
    ["write", "change", "in place", "running", "fail", "interrupt", "prune", "remove", "break", "no status",
     "no result", "break config", "swap", "damage index", "lose index", "list"]
)  # fmt: skip


def act(out, action, seed, value):
    folder = out / f"cnn-{seed % 2}1111111" / f"seed-{seed}"
    status, result = folder / "run.json", folder / "result.json"
    states = {"running": "running", "fail": "failed", "interrupt": "interrupted", "prune": "pruned"}
    if action in ("write", "change"):
        write(folder, accuracy=value / 10, epochs=value)
    elif action in states:
        write(folder, state=states[action])
    elif action == "in place" and result.exists():  # the same size and time of modification
        before = result.stat()
        result.write_text(json.dumps(RESULT | {"test_accuracy": value / 10}), "utf-8")
        os.utime(result, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif action == "remove" and folder.exists():
        remove_run(folder) if status.exists() else None
    elif action == "break" and result.exists():
        result.write_text("{", "utf-8")
    elif action == "no status":
        status.unlink(missing_ok=True)
    elif action == "no result":
        result.unlink(missing_ok=True)
    elif action == "break config" and folder.exists():
        (folder / "config.yaml").write_text("training: [", "utf-8")
    elif action == "swap" and result.exists():
        result.rename(folder / "old.json")
        write(folder, accuracy=value / 10)
    elif action == "damage index" and index_of(out).exists():
        with index_of(out).open("r+b") as file:
            file.seek(value * 997)
            file.write(b"damaged" * 40)
    elif action == "lose index":
        index_of(out).unlink(missing_ok=True)


@settings(max_examples=60)
@given(st.lists(st.tuples(ACTIONS, st.integers(0, 3), st.integers(1, 9)), max_size=14))
def test_rows_are_those_without_an_index(actions):
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        for action, seed, value in actions:
            act(out, action, seed, value)
            assert outcome(out) == plainly(out)


def test_what_is_known_is_not_read_again(out, monkeypatch):
    expected = outcome(out)
    monkeypatch.setattr("cnnlab.run_folders.listing.scanning._row", None)
    monkeypatch.setattr("cnnlab.run_folders.listing.settings._read", None)
    assert outcome(out) == expected
    assert not any(path.name.endswith(("-journal", "-wal", "-shm")) for path in out.iterdir())


def test_files_just_written_are_not_kept(out, monkeypatch):
    monkeypatch.setattr(index, "_SETTLED", 60.0)
    outcome(out)
    assert not index_of(out).exists()


def test_a_running_run_is_looked_at_each_time(out):
    write(out / "cnn-11111111" / "seed-9", state="running")
    assert scan(out)[-1]["state"] == "interrupted"
    with held(out / "cnn-11111111" / "seed-9"):
        assert scan(out)[-1]["state"] == "running"
    assert scan(out)[-1]["state"] == "interrupted"


def test_removed_runs_are_forgotten(out):
    outcome(out)
    remove_run(out / "cnn-11111111" / "seed-3")
    outcome(out)
    with sqlite3.connect(index_of(out)) as database:
        keys = {key for (key,) in database.execute("SELECT key FROM entries")}
    assert keys == {f"cnn-11111111/seed-{seed}" for seed in range(3)}


@pytest.mark.parametrize("state", ["locked", "no database", "another table", "folder", "link", "version"])
def test_an_index_that_cannot_be_used(out, state, tmp_path_factory, monkeypatch):
    expected = plainly(out)
    place = index_of(out)
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "mine.sqlite"
    if state == "no database":
        place.write_text("no database at all" * 100, "utf-8")
    elif state == "folder":
        place.mkdir()
    elif state == "link":
        with sqlite3.connect(elsewhere) as database:
            database.execute("CREATE TABLE mine (x)")
        before = elsewhere.read_bytes()
        place.symlink_to(elsewhere)
    elif state == "another table":
        with sqlite3.connect(place) as database:
            database.execute("CREATE TABLE entries (x)")
    elif state == "version":
        outcome(out)
        with sqlite3.connect(place) as database:
            database.execute("UPDATE entries SET version = 'later', content = '[1]'")
    elif state == "locked":
        outcome(out)
        with sqlite3.connect(place, isolation_level=None) as database:
            database.execute("BEGIN EXCLUSIVE")
            write(out / "cnn-11111111" / "seed-7")
            assert outcome(out) == plainly(out)
            database.execute("ROLLBACK")
        return
    assert outcome(out) == expected
    assert outcome(out) == expected
    if state == "link":
        assert elsewhere.read_bytes() == before
    if state in ("no database", "another table", "version"):  # it was written anew
        monkeypatch.setattr("cnnlab.run_folders.listing.scanning._row", None)
        assert outcome(out) == expected
