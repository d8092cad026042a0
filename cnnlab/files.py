"""Files as they are opened for reading: regular ones only, and never more of them than is expected."""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path


def open_regular(path: str | Path) -> io.BufferedReader:
    """Open a file for reading bytes, unless reading it might never end.

    Raises:
        OSError: it cannot be opened, or it is a device, a pipe or a folder.
    """
    # Without O_NONBLOCK, opening a pipe waits for somebody who writes to it.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "Not a regular file", str(path))
        return open(descriptor, "rb")  # noqa: PTH123  # pathlib opens no descriptors
    except BaseException:
        os.close(descriptor)
        raise


def expanded(path: str | Path) -> Path:
    """A path with ~ written out; a user whom this machine does not know stays as he is."""
    return Path(os.path.expanduser(path))  # noqa: PTH111  # pathlib raises for users it does not know


def can_be_path(path: str | Path) -> bool:
    """Whether a file could have this name."""
    return name_problem(path) is None


def name_problem(path: str | Path) -> str | None:
    """Why no file can have this name, such as "a name that is too long"; None where one could."""
    try:
        Path(path).stat()
    except ValueError:
        return "a name with a NUL character" if "\0" in str(path) else "a name that is not valid text"
    except OSError as error:
        return "a name that is too long" if error.errno == errno.ENAMETOOLONG else None
    return None


def absence(path: str | Path) -> str:
    """What to say of a path at which there is no regular file."""
    return "not a regular file" if can_be_path(path) and os.path.lexists(path) else "no such file"


def read_bytes(path: str | Path, *, most: int) -> bytes:
    """The content of a file of at most so many bytes.

    Raises:
        OSError: it cannot be opened or read, is no regular file, or is larger.
    """
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"Larger than {most:,} bytes", str(path))
    return content
