"""The harness: the disk at every file operation, configs with state, a table of what survived.

`CHAOS=full` (`make chaos`) tries everything; otherwise a few points of each kind are tried.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import cnnlab
from cnnlab.verification.same_bits import differences

FULL = os.environ.get("CHAOS") == "full"


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever this machine has set, there are empty caches only."""
    for name in ("CNNLAB_DATA_DIR", "CNNLAB_EXPERIMENTS", "CNNLAB_TRACEBACK", "KERAS_BACKEND"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CNNLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


@pytest.fixture(scope="session")
def configs() -> dict[str, Path]:
    """Configs with whatever has a state that a run takes from epoch to epoch, by name."""
    return {path.stem: path for path in Path(__file__).parent.glob("configs/*.yaml")}


@pytest.fixture(scope="session")
def whole(backend: Any, configs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The folder of a run of a config that nothing has disturbed: whole("best")."""
    folders: dict[str, Path] = {}

    def train(name: str) -> Path:
        if name not in folders:
            [run] = cnnlab.train(str(configs[name]), out=tmp_path_factory.mktemp(name))
            folders[name] = run.folder
        return folders[name]

    return train


@pytest.fixture(scope="session")
def finished(backend: Any, configs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two configs and their finished runs."""
    folder = tmp_path_factory.mktemp("finished")
    for name in ("best", "schedule"):
        shutil.copy(configs[name], folder / f"{name}.yaml")
        cnnlab.train(str(folder / f"{name}.yaml"), out=folder / "experiments")
    return folder


# What is left on the disk by a kill


@dataclass(frozen=True)
class Disk:
    """The files below a folder, at one moment. A folder's content is None."""

    moment: str
    files: Mapping[str, bytes | None]

    def put(self, root: Path) -> None:
        """Make the folder be like this."""
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        for name, content in self.files.items():
            path = root / name
            if content is None:
                path.mkdir(parents=True, exist_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal where resuming must do the same: times and locks do not count."""
        return tuple(
            (name, _timeless(name, content))
            for name, content in sorted(self.files.items())
            if not name.endswith(".lock")
        )

    @classmethod
    def of(cls, root: Path, moment: str) -> Disk:
        files: dict[str, bytes | None] = {}
        for folder, folders, names in os.walk(root):
            place = Path(folder).relative_to(root)
            files |= {str(place / name): None for name in folders}
            for name in names:
                files[str(place / name)] = (Path(folder) / name).read_bytes()
        return cls(moment, files)


def _timeless(name: str, content: bytes | None) -> object:
    if name.endswith("run.json") and content:
        try:
            status = json.loads(content)
        except ValueError:
            return content
        return tuple(
            (key, str(value)) for key, value in status.items() if key not in ("updated", "seconds", "started")
        )
    return content


_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PATHS = {
    "os.rename": 2, "os.remove": 1, "os.mkdir": 1, "os.rmdir": 1, "os.link": 2, "os.symlink": 2,
    "os.truncate": 1, "os.chmod": 1,
}  # fmt: skip
"""Events of the interpreter ahead of an operation on files, and how many of their arguments are paths."""

CLEARING = "clearing a folder,"

_watching: list[Watch] = []


@dataclass
class Watch:
    """Sees every operation on files below a folder, ahead of it."""

    root: Path
    count: int = 0
    disks: dict[tuple[Any, ...], Disk] = field(default_factory=dict)
    fails_at: int | None = None
    """The operation that finds the disk full, counted from 1; then no disks are kept."""

    failed: str = ""
    _written: list[str] = field(default_factory=list)
    _before: Disk | None = None

    def operation(self, event: str, path: Path) -> None:
        self.count += 1
        name = str(path.relative_to(self.root))
        if self.fails_at is not None:
            if self.count >= self.fails_at and "remove" not in event and "rmdir" not in event:
                self.failed = self.failed or f"{event} {name}"
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            return
        self.look(f"{self.count}: before {event} {name}")
        if event == "open":
            self._written.append(name)

    def look(self, moment: str) -> None:
        """Keep the disk as it is, and as it was while what has changed was being written."""
        now = Disk.of(self.root, moment)
        before = self._before.files if self._before else {}
        for name in dict.fromkeys(self._written):
            content, old = now.files.get(name), before.get(name) or b""
            if content is not None and content != old:
                kept = len(old) if content.startswith(old) else 0  # appended to, or written anew
                for share in (0, (len(content) - kept) // 2):
                    torn = Disk(
                        f"{moment}, {name} torn after {kept + share} bytes",
                        {**before, name: content[: kept + share]},
                    )
                    self.disks.setdefault(torn.key, torn)
        self._written.clear()
        self._before = now
        self.disks.setdefault(now.key, now)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching or (event != "open" and event not in _PATHS):
        return
    if event == "open" and not (arguments[2] or 0) & _WRITES:
        return
    watch = _watching.pop()  # what looking does is not seen
    try:
        for path in arguments[: _PATHS.get(event, 1)]:
            if not isinstance(path, str | bytes | os.PathLike):
                continue  # a descriptor
            place = Path(os.fsdecode(path))
            if event in ("os.remove", "os.rmdir") and arguments[1] != -1:
                # shutil.rmtree names what it removes by its folder's descriptor.
                place = Path(f"/proc/self/fd/{arguments[1]}").readlink() / place
                event = f"{CLEARING} {event}"
            if watch.root in (place := place.absolute(), *place.parents):
                watch.operation(event, place)
                return
    finally:
        _watching.append(watch)


sys.addaudithook(_hook)


@pytest.fixture
def order(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The order in which a file system names the files of a folder, and shutil.rmtree removes them."""
    real = os.scandir

    class Scan(contextlib.AbstractContextManager["Scan"]):
        def __init__(self, *place: Any) -> None:
            with real(*place) as entries:
                reverse = request.param == "descending"
                self.entries = iter(sorted(entries, key=lambda entry: entry.name, reverse=reverse))

        def __iter__(self) -> Iterator[os.DirEntry[str]]:
            return self.entries

        def __next__(self) -> os.DirEntry[str]:
            return next(self.entries)

        def __exit__(self, *_: object) -> None:
            pass

    if request.param != "as it is":
        monkeypatch.setattr(os, "scandir", Scan)
    return str(request.param)


@pytest.fixture
def watched() -> Iterator[Callable[..., Watch]]:
    """watched(root, call): calls, and returns what was seen of the files below root meanwhile."""

    def watch(root: Path, call: Callable[[], object], *, fails_at: int | None = None) -> Watch:
        root.mkdir(parents=True, exist_ok=True)
        seen = Watch(root.resolve(), fails_at=fails_at)
        _watching.append(seen)
        try:
            call()
        finally:
            _watching.clear()
        if fails_at is None:
            seen.look("at the end")
        return seen

    yield watch
    _watching.clear()


def some(everything: list[Any], small: int) -> list[Any]:
    """All of them in a full run, otherwise so many, spread evenly over all."""
    if FULL or len(everything) <= small:
        return everything
    return [everything[(2 * index + 1) * len(everything) // (2 * small)] for index in range(small)]


# What has survived


@dataclass
class Tally:
    """What was done to a command, and what was lost by it."""

    kind: str
    record: Callable[[str, object], None]
    points: int = 0
    tried: int = 0
    lost: list[str] = field(default_factory=list)

    def attempt(self, moment: str, check: Callable[[], object]) -> None:
        """One resumption; what goes wrong is noted, and the next one is tried."""
        self.tried += 1
        try:
            check()
        except Exception as error:  # noqa: BLE001  # whatever it is, it is a finding
            self.lost.append(f"{moment}: {type(error).__name__}: {error}")

    def close(self) -> None:
        self.record("chaos", (self.kind, self.points, self.tried, len(self.lost)))
        assert not self.lost, f"{len(self.lost)} of {self.tried} lost:\n" + "\n".join(self.lost)


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Callable[[str], Tally]:
    return lambda kind: Tally(kind, record_property)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A row for each kind of disturbance: how many, on how many different disks, how many were lost."""
    rows: dict[str, list[int]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == "chaos" and getattr(report, "when", "") == "call":
                    kind, *numbers = value
                    row = rows.setdefault(kind, [0, 0, 0])
                    row[:] = [total + number for total, number in zip(row, numbers, strict=True)]
    if not rows:
        return
    terminalreporter.section("chaos")
    terminalreporter.write_line(f"{'disturbance':<40} {'points':>8} {'tried':>8} {'lost':>8}")
    for kind, numbers in sorted(rows.items()):
        terminalreporter.write_line(f"{kind:<40} " + " ".join(f"{number:>8,}" for number in numbers))
    total = [sum(column) for column in zip(*rows.values(), strict=True)]
    terminalreporter.write_line(f"{'all':<40} " + " ".join(f"{number:>8,}" for number in total))


# Runs that are compared


def assert_same_run(run: Path, expected: Path) -> None:
    """Finished, equal bit for bit, and nothing left over."""
    status = json.loads((run / "run.json").read_text())
    assert status["state"] == "finished"
    assert status["error"] is None
    assert [str(each) for each in differences(expected, run)] == []
    names = {path.name for path in run.iterdir()}
    assert names == {path.name for path in expected.iterdir()}


@pytest.fixture(scope="session")
def same_run() -> Callable[[Path, Path], None]:
    return assert_same_run


@pytest.fixture(scope="session")
def sample() -> Callable[[list[Any], int], list[Any]]:
    return some
