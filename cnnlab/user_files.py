"""Files that a user asks for, and temporary ones: what keeps them from being written is told in one way."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cnnlab.errors import CnnlabError, UserError

_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO}
"""Errors that another path would not have spared the user."""


@contextmanager
def written(path: Path) -> Iterator[None]:
    """Errors of writing a file that the user has named, in the user's words.

    Raises:
        UserError: the path is wrong: no such folder, no permission, a folder itself.
        CnnlabError: the disk is full or broken.
    """
    try:
        yield
    except OSError as error:
        missing = next((each for each in reversed(path.parents) if each.name and not each.exists()), None)
        if error.errno == errno.ENOENT and missing is not None:
            raise UserError(f"{path}: cannot be written: there is no folder {missing}") from None
        kind = CnnlabError if error.errno in _OF_THE_DISK else UserError
        raise kind(f"{path}: cannot be written: {error.strerror or error}") from None


def check_folder_of(path: Path) -> None:
    """Refuse a file in a folder that is not there, before the work for it is done.

    Raises:
        UserError: there is no such folder.
    """
    with written(path):
        if not path.parent.exists():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        if not path.parent.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))


def check_can_be_made(folder: Path) -> None:
    """Refuse a folder that cannot be made or written to, before hours are spent on what goes there.

    Raises:
        UserError: a file is in its way, or there is no permission.
    """
    with written(folder):
        there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(there, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """A folder that is removed at the end of the block.

    Raises:
        CnnlabError: none can be made.
    """
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix=prefix))
        except OSError as error:
            raise CnnlabError(
                f"no temporary folder can be made: {error.strerror or error}; set TMPDIR to a folder with "
                "room"
            ) from None
        yield Path(folder)
