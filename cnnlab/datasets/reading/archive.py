"""Members of a .tar.gz, read in memory: nothing is ever unpacked onto the disk."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from cnnlab.datasets.reading.files import broken, open_plain_or_gzip

LARGEST_ARCHIVE = 1 << 28
"""Bytes after unzipping; CIFAR-10 has 186 million."""


def members(path: Path, names: Collection[str], *, largest: int) -> Iterator[tuple[str, bytes]]:
    """The wanted files of an archive, in its order, from whatever folder inside it they are in.

    Args:
        path: a .tar.gz (or .tar).
        names: file names without folders.
        largest: bytes; a larger wanted file is an error.

    Yields:
        (name, content).

    Raises:
        UserError: the archive is damaged, or unzips to more than `LARGEST_ARCHIVE` bytes.
    """
    with open_plain_or_gzip(path) as stream:
        try:
            with tarfile.open(fileobj=_Bounded(stream, path), mode="r|", bufsize=1 << 18) as archive:
                for member in archive:
                    name = PurePosixPath(member.name).name
                    # Links are not followed: a file is wanted, not what an archive says about other files.
                    if name not in names or not member.isreg():
                        continue
                    if member.size > largest:
                        raise broken(path / name, expected=f"at most {largest} bytes", found=f"{member.size}")
                    content = archive.extractfile(member)
                    data = b"" if content is None else content.read()
                    if len(data) < member.size:
                        raise broken(path, expected=f"{member.size} bytes of {name}", found=f"{len(data)}")
                    yield name, data
        except tarfile.TarError as error:
            raise broken(path, expected="a whole .tar.gz file", found=f"a damaged one ({error})") from error


class _Bounded(io.RawIOBase):
    """A stream that refuses to go on beyond `LARGEST_ARCHIVE` bytes: tar headers may claim any size."""

    def __init__(self, stream: io.BufferedIOBase, path: Path) -> None:
        self._stream = stream
        self._path = path
        self._left = LARGEST_ARCHIVE

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size if 0 <= size <= self._left else self._left + 1)
        self._left -= len(data)
        if self._left < 0:
            raise broken(self._path, expected=f"at most {LARGEST_ARCHIVE} bytes unzipped", found="more")
        return data
