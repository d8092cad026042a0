"""A crash at every file operation of what is written besides runs; the same again ends in the same files."""

import contextlib
import hashlib
import http.server
import io
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnlab
from cnnlab.cli import run
from cnnlab.datasets import DataPaths, load_dataset
from cnnlab.datasets.data_paths import RemoteFile
from cnnlab.datasets.reading.download import download

FULL = os.environ.get("CHAOS") == "full"
POINTS = 3


def command(*arguments: str) -> None:
    """Run a command in this process; it must succeed."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        code = run(list(arguments))
    assert code == 0, stderr.getvalue()


def content(folder: Path) -> dict[str, bytes]:
    """Every file but the locks, which stay empty."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(".lock")
    }


def survive(root: Path, call: Callable[[], None], watched: Any, sample: Any, table: Any) -> None:
    """Repeat a call on every disk below `root` that it has gone through; the files end the same."""
    seen = watched(root, call)
    expected = content(root)
    assert expected
    table.points += seen.count

    def again() -> None:
        call()
        found = content(root)
        assert found.keys() == expected.keys()
        assert [name for name in expected if found[name] != expected[name]] == []

    for disk in sample([*seen.disks.values()], POINTS):
        disk.put(root)
        table.attempt(disk.moment, again)
    table.close()


@pytest.fixture
def place(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(finished, tmp_path / "place")
    monkeypatch.chdir(tmp_path / "place")
    return tmp_path / "place"


@pytest.mark.parametrize("name", ["compare", "report"] if FULL else ["compare"])
def test_compare_and_report(name: str, place: Path, watched, sample, tally) -> None:
    root = place / "experiments" / "comparisons"
    survive(
        root,
        lambda: command(name, "best.yaml", "schedule.yaml", "--quiet"),
        watched, sample, tally(f"crash points of {name}"),
    )  # fmt: skip


@pytest.mark.parametrize("technique", ["filters", "mistakes", "confusion"] if FULL else ["filters"])
def test_explain(technique: str, place: Path, watched, sample, tally) -> None:
    [folder] = place.glob("experiments/best-*/seed-0")
    survive(
        folder, lambda: command("explain", technique, str(folder)), watched, sample,
        tally("crash points of explain"),
    )  # fmt: skip


def test_runs_rm(place: Path, watched, sample, tally) -> None:
    """A run is there as a whole or not at all, and can be removed again, or trained again."""
    [folder] = place.glob("experiments/best-*/seed-0")
    out = place / "experiments"
    expected = content(folder)

    def remove() -> None:
        command("runs", "rm", str(folder), "--yes")

    table = tally("crash points of runs rm")
    seen = watched(out, remove)
    table.points += seen.count

    def again() -> None:
        assert len(cnnlab.runs("schedule", out=out)) == 1
        if folder.exists():
            assert content(folder) == expected
            remove()
        assert [run.folder for run in cnnlab.runs(out=out) if run.name == "best"] == []

    for disk in sample([*seen.disks.values()], POINTS):
        disk.put(out)
        table.attempt(disk.moment, again)
    table.close()


def test_the_cache_of_decoded_images(watched, sample, tally, tmp_path: Path, monkeypatch) -> None:
    from PIL import Image

    from cnnlab.datasets.sources.folder import ImageFolder

    rng = np.random.default_rng(0)
    for label in ("cat", "dog"):
        (tmp_path / "pets" / label).mkdir(parents=True)
        for index in range(6):
            pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / label / f"{index}.png")
    cache = tmp_path / "cache"
    digests = []

    def load() -> None:
        paths = DataPaths(data_dir=None, cache=cache, keras_cache=tmp_path / "keras")
        data = load_dataset(ImageFolder(folder=str(tmp_path / "pets")), paths)
        digests.append((data.provenance.digest, data.train.images.tobytes()))

    survive(cache, load, watched, sample, tally("crash points of the image cache"))
    assert len(set(digests)) == 1


FILE = np.random.default_rng(0).bytes(600_000)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        if start >= len(FILE):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(FILE) - 1}/{len(FILE)}")
        self.send_header("Content-Length", str(len(FILE) - start))
        self.end_headers()
        self.wfile.write(FILE[start:])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def remote() -> Iterator[RemoteFile]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield RemoteFile(
            f"http://127.0.0.1:{server.server_port}/set.bin", hashlib.sha256(FILE).hexdigest(), "sha256"
        )
        server.shutdown()
        thread.join()


def test_downloads(remote: RemoteFile, watched, sample, tally, tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "set"

    def fetch() -> None:
        assert download(remote, folder).read_bytes() == FILE

    survive(folder, fetch, watched, sample, tally("crash points of downloads"))
