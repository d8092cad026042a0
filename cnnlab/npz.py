"""An .npz file, read safely: no pickle is run, and no memory is taken for sizes that a header only claims."""

from __future__ import annotations

import ast
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

MOST_EXPANSION = 1032
"""Deflate makes at most so many bytes of one: an array that claims more is not in the file."""

_MAGIC = b"\x93NUMPY\x01\x00"
"""NPY format 1.0; its headers have at most 64 KiB, those of later versions up to 4 GiB."""


class NpzError(Exception):
    """The file is damaged, or does not hold what it should: "expected …, found …"."""

    def __init__(self, *, expected: str, found: str) -> None:
        super().__init__(f"expected {expected}, found {found}")
        self.expected = expected
        self.found = found


@dataclass(frozen=True)
class ArrayHeader:
    """What a file says of one of its arrays."""

    dtype: str
    """As NumPy writes it, such as <f4 or |u1."""

    shape: tuple[int, ...]
    fortran_order: bool

    @property
    def num_bytes(self) -> int | None:
        """How many bytes the array takes; None where it does not hold plain numbers."""
        plain = re.fullmatch(r"[|<>]([biufc])(\d{1,2})", self.dtype)
        return math.prod(self.shape) * int(plain[2]) if plain else None


class NpzReader:
    """An open .npz file. Headers are read without NumPy: a config is checked before it is imported."""

    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        self._archive = archive
        self._size = size

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the arrays."""
        return tuple(name.removesuffix(".npy") for name in self._archive.namelist())

    def header(self, name: str) -> ArrayHeader:
        """Type and shape of an array.

        Raises:
            NpzError: there is no such array, or the file is damaged.
        """
        with self._member(name) as stream:
            return _header(stream, name)

    def content(self, name: str) -> bytearray:
        """The bytes of an array.

        Raises:
            NpzError: there is no such array, it is not what its header says, or the file is damaged.
        """
        with self._member(name) as stream:
            header = _header(stream, name)
            wanted = header.num_bytes
            if wanted is None:
                raise NpzError(expected=f"{name} to hold plain numbers", found=f"type {header.dtype}")
            held = self._archive.getinfo(f"{name}.npy").file_size - stream.tell()
            if held != wanted:
                raise NpzError(expected=f"{wanted} bytes after the header", found=str(held))
            if wanted > MOST_EXPANSION * self._size:
                raise NpzError(expected=f"{wanted} bytes in {name}", found=f"a file of {self._size} bytes")
            data = bytearray(wanted)
            memory = memoryview(data)
            filled = 0
            while filled < wanted:
                got = stream.readinto(memory[filled:])  # type: ignore[attr-defined]  # missing in IO
                if not got:
                    raise NpzError(expected=f"{wanted} bytes after the header", found=str(filled))
                filled += got
            return data

    def array(self, name: str) -> np.ndarray:
        """An array, writable, in the file's type and shape.

        Raises:
            NpzError: as `content`.
        """
        import numpy as np

        header = self.header(name)
        flat: np.ndarray = np.frombuffer(self.content(name), dtype=header.dtype)
        return flat.reshape(header.shape, order="F" if header.fortran_order else "C")

    @contextmanager
    def _member(self, name: str) -> Iterator[IO[bytes]]:
        if name not in self.names:
            raise NpzError(expected=f"an array {name}", found="none")
        with _damage(), self._archive.open(f"{name}.npy") as stream:
            yield stream


@contextmanager
def open_npz(path: Path) -> Iterator[NpzReader]:
    """Open an .npz file.

    Raises:
        NpzError: it is damaged, or something else.
        OSError: it cannot be opened.
    """
    with _damage():
        archive = zipfile.ZipFile(path)
    with archive:
        yield NpzReader(archive, path.stat().st_size)


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """All arrays of an .npz file by name.

    Raises:
        NpzError: it is damaged, or something else.
        OSError: it cannot be opened.
    """
    with open_npz(path) as npz:
        return {name: npz.array(name) for name in npz.names}


@contextmanager
def _damage() -> Iterator[None]:
    """Inside, whatever zipfile raises for a damaged file becomes an `NpzError`."""
    try:
        yield
    # RuntimeError: an encrypted member; its child NotImplementedError: an unknown compression.
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError) as error:
        raise NpzError(expected="a whole .npz file", found=f"a damaged one ({error})") from error


def _header(stream: IO[bytes], name: str) -> ArrayHeader:
    start = stream.read(10)
    text = stream.read(struct.unpack("<H", start[8:])[0]) if start[:8] == _MAGIC and len(start) == 10 else b""
    try:
        fields = ast.literal_eval(text.decode("latin-1"))
        dtype, shape, fortran_order = fields["descr"], tuple(fields["shape"]), fields["fortran_order"]
        plain = isinstance(dtype, str) and all(type(size) is int and size >= 0 for size in shape)
    except (SyntaxError, ValueError, KeyError, TypeError, RecursionError, MemoryError):
        plain = False
    if not plain:
        raise NpzError(expected=f"{name} as an array in NPY format 1.0", found="something else")
    return ArrayHeader(dtype, shape, bool(fortran_order))
