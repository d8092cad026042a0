"""What was read of thousands of runs, kept for the next listing. Derived, never the truth.

A hidden SQLite file below OUT, one for each user: what one may read, another may not. An entry counts only
while the files that it was read from are the very same: their inodes, sizes and times. Where the file is
damaged, locked, of another version or cannot be written, the runs are read as if there were none.
"""

from __future__ import annotations

import json
import os
import stat
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cnnlab.version import __version__

if TYPE_CHECKING:
    import sqlite3

SCHEMA = 1
"""Of the tables; together with the version it says who can read them."""

FEWEST = 1000
"""With fewer entries, plain reading takes a tenth of a second: there is no index."""

_SETTLED = 2.0
"""Seconds for which files must have been left alone: sooner, a change may leave their times as they are."""

_PATIENCE = 0.5
"""Seconds to wait for a process that writes to the index."""

Kind = Literal["run", "config"]


class Index:
    """Contents by the folder, relative to OUT, and the stamp of the files that they were read from."""

    def __init__(self, out: Path, kind: Kind, *, version: str = "") -> None:
        """Read the index, if there is one that can be used.

        Args:
            version: of what the entries hold; entries of other versions are not used.
        """
        self._path = out / f".runs-{os.getuid()}.sqlite"
        self._kind = kind
        self._version = f"{SCHEMA} {__version__} {version}"
        self._now = time.time()
        self._old: dict[str, tuple[str, str, int]] = {}
        self._new: dict[str, tuple[str, str, int]] = {}
        self._seen: set[str] = set()
        with _quiet(), self._opened("ro") as database:
            self._old = {
                key: (stamp, content, check)
                for key, stamp, content, check in database.execute(
                    "SELECT key, stamp, content, sum FROM entries WHERE kind = ? AND version = ?",
                    (kind, self._version),
                )
            }

    def get(self, key: str, stamp: str) -> Any:
        """What was read from files with this stamp; None where nothing is known of them."""
        found = self._old.get(key)
        if found is None or found[0] != stamp or found[2] != _sum(key, stamp, found[1]):
            return None
        self._seen.add(key)
        return json.loads(found[1])

    def put(self, key: str, stamp: str, content: Any) -> None:
        """Keep what was read, unless the files have just been written or JSON would not give it back."""
        if stamp and newest(stamp) < self._now - _SETTLED:
            with suppress(TypeError, ValueError, RecursionError):
                text = json.dumps(content, allow_nan=False)
                if json.loads(text) == content:
                    self._new[key] = stamp, text, _sum(key, stamp, text)

    def save(self, *, forget: bool) -> None:
        """Write what is new; quietly not at all where that cannot be done.

        Args:
            forget: also remove all that is kept of folders that nobody has asked for since it was read.
        """
        gone = [key for key in self._old if key not in self._seen and key not in self._new] if forget else []
        if not self._new and not gone:
            return
        with _quiet():
            try:
                self._write(gone)
            except _database_errors() as error:
                if _is_locked(error):
                    return
                self._path.unlink(missing_ok=True)  # damaged, or no database: begin anew
                self._journal.unlink(missing_ok=True)
                self._write([])

    @property
    def _journal(self) -> Path:
        return self._path.with_name(f"{self._path.name}-journal")

    def _write(self, gone: Iterable[str]) -> None:
        new = [(self._kind, key, self._version, *entry) for key, entry in self._new.items()]
        with self._opened("rwc") as database, database:
            database.execute("BEGIN IMMEDIATE")
            database.execute(
                "CREATE TABLE IF NOT EXISTS entries (kind TEXT, key TEXT, version TEXT, stamp TEXT, "
                "content TEXT, sum INTEGER, PRIMARY KEY (kind, key)) WITHOUT ROWID"
            )
            database.executemany("DELETE FROM entries WHERE key = ?", [(key,) for key in gone])
            database.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?)", new)

    @contextmanager
    def _opened(self, mode: Literal["ro", "rwc"]) -> Iterator[sqlite3.Connection]:
        """The database, if its file is this user's own and no link that leads elsewhere.

        Raises:
            OSError, sqlite3.Error: it cannot be opened.
        """
        import sqlite3
        from urllib.parse import quote

        for path in (self._path, self._journal):
            with suppress(FileNotFoundError):
                there = path.lstat()
                if not stat.S_ISREG(there.st_mode) or there.st_uid != os.getuid() or there.st_nlink > 1:
                    raise PermissionError(f"{path} is not this user's index")
        if mode == "rwc":
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        uri = f"file:{quote(os.fsencode(self._path.absolute()))}?mode={mode}"
        connection = sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None)
        with closing(connection):
            yield connection


def stamp_of(*paths: str) -> str:
    """What tells these files from any others that were or will be there; "" where one of them is missing.

    Their times of change cannot be set by anybody, unlike those of modification.
    """
    parts = []
    for path in paths:
        try:
            known = os.stat(path)  # noqa: PTH116  # two hundred thousand of them
        except OSError:
            return ""
        parts.append(f"{known.st_dev}:{known.st_ino}:{known.st_size}:{known.st_mtime_ns}:{known.st_ctime_ns}")
    return " ".join(parts)


def newest(stamp: str) -> float:
    """When the files with this stamp were last changed, in seconds since 1970."""
    return max(int(each) for part in stamp.split() for each in part.split(":")[-2:]) / 1e9


def key_of(folder: str) -> str:
    """A run's folder in the index, NAME-DIGEST/seed-N: the same however OUT is written."""
    experiment, _, seed = folder.rpartition(os.sep)
    return f"{experiment.rpartition(os.sep)[2]}/{seed}"


def _sum(key: str, stamp: str, content: str) -> int:
    text = f"{key}\n{stamp}\n{content}".encode(errors="surrogatepass")
    return zlib.crc32(text)


@cache
def _database_errors() -> type[Exception]:
    import sqlite3

    return sqlite3.Error


def _is_locked(error: Exception) -> bool:
    """Whether another process is using the index, or it cannot be written; then it is left as it is."""
    import sqlite3

    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    return code not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)


@contextmanager
def _quiet() -> Iterator[None]:
    """Whatever is wrong with the index: the runs themselves are read."""
    try:
        yield
    except (OSError, ValueError, TypeError, OverflowError, ImportError):
        pass
    except Exception as error:
        if not isinstance(error, _database_errors()):
            raise


def many(folders: Sequence[object]) -> bool:
    """Whether an index pays for so many folders."""
    return len(folders) >= FEWEST
