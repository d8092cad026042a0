"""Folders of results, written: files appear whole or not at all, and never outside of their folder."""

from __future__ import annotations

import errno
import json
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnlab.errors import CnnlabError
from cnnlab.run_folders.states import held

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

PARTIAL = ".partial-"
"""How the names of files begin that are being written."""

LONGEST_WRITING = 60.0
"""Seconds that one process waits until another has written the same results."""


class Folder:
    """A folder that results are written to, one whole file at a time.

    `written`: the names of the files that were written by way of this object, in their order. Others that are
    there are older.
    """

    def __init__(self, path: Path, *, inside: Path | None = None) -> None:
        """Make the folder, where it is not there.

        Args:
            inside: a folder that `path` is in and that nothing is written outside of: no part of the path
                below it may be a symbolic link.

        Raises:
            CnnlabError: the folder cannot be made, or is a link.
        """
        self.path = path
        self.written: list[str] = []
        if inside is not None:
            refuse_links(path, inside=inside)
        with disk(path):
            path.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Write while no other process does, so that files of two results are never mixed.

        Raises:
            CnnlabError: another process has been writing there for a minute.
        """
        import filelock

        with ExitStack() as lock:
            with disk(self.path):
                try:
                    lock.enter_context(held(self.path, timeout=LONGEST_WRITING))
                except filelock.Timeout:
                    raise CnnlabError(
                        f"{self.path}: another process is writing there; try again later"
                    ) from None
            self.remove_partial_files()
            yield

    def remove_partial_files(self) -> None:
        """Remove what killed processes left; only for whoever is alone in the folder."""
        with disk(self.path):
            for partial in self.path.glob(f"{PARTIAL}*"):
                _remove(partial)

    def save_with(self, name: str, save: Callable[[Path], object]) -> None:
        """Let `save` write a file under a temporary name, then give it its own: a reader never sees half."""
        partial = self.partial(name)
        with disk(self.path / name):
            try:
                save(partial)
                self._before_naming(name, partial)
                partial.replace(self.path / name)
            finally:
                partial.unlink(missing_ok=True)  # on a full disk it would take the room of the next file
        if name not in self.written:
            self.written.append(name)

    def move_in(self, name: str, made: Path) -> None:
        """Move in a file, or a folder of files, that was made elsewhere; what has its name goes only then.

        Raises:
            CnnlabError: the disk is full, or something else has this name.
        """
        partial, old = self.partial(name), self.partial(f"old-{name}")
        target = self.path / name
        with disk(target):
            try:
                shutil.move(made, partial)
                if partial.is_dir() and target.is_dir() and not target.is_symlink():
                    target.rename(old)  # a folder does not give way to another
                partial.replace(target)
            finally:
                _remove(partial)
                _remove(old)
        if name not in self.written:
            self.written.append(name)

    def partial(self, name: str) -> Path:
        """Where a file is while it is written: nobody else has this name.

        The ending stays: some writers choose the format by it.
        """
        return self.path / f"{PARTIAL}{secrets.token_hex(4)}-{name}"

    def _before_naming(self, name: str, partial: Path) -> None:
        """Called with each file that is whole, before it takes its name; subclasses look at it there."""

    def write_text(self, name: str, text: str) -> None:
        # Names of files need not be text: what is none is escaped, in JSON in its own way.
        self.save_with(name, lambda path: path.write_text(text, encoding="utf-8", errors="backslashreplace"))

    def write_json(self, name: str, data: Mapping[str, Any]) -> None:
        self.write_text(name, json.dumps(data, indent=2, ensure_ascii=False) + "\n")

    def write_arrays(self, name: str, /, **arrays: np.ndarray) -> None:
        import numpy as np

        self.save_with(name, lambda path: np.savez_compressed(path, **arrays))  # type: ignore[arg-type]

    def write_figure(self, name: str, figure: Figure) -> None:
        self.save_with(name, lambda path: figure.savefig(path))

    def remove(self, name: str) -> None:
        """Remove a file that is out of date, if it is there.

        Raises:
            ValueError: this is no file's name, but a path.
        """
        if Path(name).name != name:
            raise ValueError(f"{name!r} is not the name of a file in {self.path}")
        with disk(self.path / name):
            (self.path / name).unlink(missing_ok=True)
        self.written = [each for each in self.written if each != name]


def _remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def refuse_links(path: Path, *, inside: Path) -> None:
    """Refuse a path that a symbolic link leads out of the folder `inside`.

    Raises:
        CnnlabError: part of the path, below `inside`, is a link.
    """
    for part in (path, *path.parents):
        if part == inside:
            return
        if part.is_symlink():
            raise CnnlabError(
                f"{part}: expected a folder, found a symbolic link; results are never written through links"
            )


@contextmanager
def disk(path: Path, what: str = "written") -> Iterator[None]:
    """Errors of the disk in the user's words."""
    try:
        yield
    except OSError as error:
        hint = (
            "; free some space, and the run resumes from its last epoch"
            if error.errno == errno.ENOSPC
            else ""
        )
        raise CnnlabError(f"{path}: cannot be {what}: {error.strerror or error}{hint}") from None
