"""An .npz or .npy file, read safely: no pickle is run, no memory taken for what a header only claims."""

from __future__ import annotations

import math
import os
import re
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, TYPE_CHECKING

from cnnlab.files import open_regular

if TYPE_CHECKING:
    import numpy as np

MOST_EXPANSION = 1032
"""Deflate makes at most so many bytes of one: an array that claims more is not in the file."""

AT_ONCE = 1 << 22
"""Bytes read in one piece, the table of contents included: some fifty thousand arrays."""

LONGEST_HEADER = 4096
MOST_AXES = 32
LARGEST_ARRAY = 1 << 62
"""Bytes, counting empty axes as one: NumPy makes no array beyond."""

_MAGIC = b"\x93NUMPY\x01\x00"
"""NPY format 1.0; its headers have at most 64 KiB, those of later versions up to 4 GiB."""

_PLAIN = re.compile(r"[|<>](?:b1|[iu][1248]|f[248]|c(?:8|16))")
_KEY = r"""\s*['"](descr|fortran_order|shape)['"]\s*"""
_VALUE = r"""\s*('[^'\\]{0,20}'|"[^"\\]{0,20}"|True|False|\(\s*(?:\d{1,19}\s*,\s*)*(?:\d{1,19}\s*)?\))\s*"""
_HEADER = re.compile(rf"\{{{','.join([f'{_KEY}:{_VALUE}'] * 3)}(?:,\s*)?\}}\s*")
"""Python's notation of a dict with three keys: what NumPy reads with Python's own parser."""


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
        return math.prod(self.shape) * int(self.dtype[2:]) if _PLAIN.fullmatch(self.dtype) else None


class NpzReader:
    """An open .npz file. Headers are read without NumPy: a config is checked before it is imported."""

    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        self._archive = archive
        self._size = size

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the arrays."""
        return tuple(name.removesuffix(".npy") for name in self._archive.namelist() if name.endswith(".npy"))

    def header(self, name: str) -> ArrayHeader:
        """Type and shape of an array whose bytes the file has, as far as can be told without reading them.

        Raises:
            NpzError: there is no such array, it is not what its header says, or the file is damaged.
        """
        with self._member(name) as stream:
            return self._header(stream, name)

    def content(self, name: str) -> bytearray:
        """The bytes of an array.

        Raises:
            NpzError: there is no such array, it is not what its header says, or the file is damaged.
        """
        with self._member(name) as stream:
            header = self._header(stream, name)
            wanted = header.num_bytes
            if wanted is None:
                raise NpzError(expected=f"{name} to hold plain numbers", found=f"type {header.dtype}")
            data = bytearray(wanted)
            memory = memoryview(data)
            filled = 0
            while got := stream.read(min(AT_ONCE, wanted - filled)):
                memory[filled : filled + len(got)] = got
                filled += len(got)
            # Only at a member's end does zipfile compare its checksum.
            if filled < wanted or stream.read(1):
                raise NpzError(expected=f"{wanted} bytes after the header", found=str(filled))
            return data

    def array(self, name: str) -> np.ndarray:
        """An array, writable, in the file's type and shape.

        Raises:
            NpzError: as `content`.
        """
        return _shaped(self.content(name), self.header(name))

    def _header(self, stream: IO[bytes], name: str) -> ArrayHeader:
        header = _parsed(stream, f"{name} as an array")
        wanted = header.num_bytes
        if wanted is None:
            return header
        held = self._archive.getinfo(f"{name}.npy").file_size - stream.tell()
        if held != wanted:
            raise NpzError(expected=f"{wanted} bytes after the header", found=str(held))
        if wanted > MOST_EXPANSION * self._size:
            raise NpzError(expected=f"{wanted} bytes in {name}", found=f"a file of {self._size} bytes")
        return header

    @contextmanager
    def _member(self, name: str) -> Iterator[IO[bytes]]:
        if name not in self.names:
            raise NpzError(expected=f"an array {name}", found="none")
        with _damage():
            info = self._archive.getinfo(f"{name}.npy")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise NpzError(
                    expected=f"{name} as numpy.savez writes it",
                    found=f"compression method {info.compress_type}",
                )
            with self._archive.open(info) as stream:
                yield stream


@contextmanager
def open_npz(path: Path) -> Iterator[NpzReader]:
    """Open an .npz file.

    Raises:
        NpzError: it is damaged, or something else.
        OSError: it cannot be opened.
    """
    with open_regular(path) as file:
        with _damage():
            archive = zipfile.ZipFile(_InPieces(file))
        with archive:
            _check_members(archive)
            yield NpzReader(archive, path.stat().st_size)


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """All arrays of an .npz file by name.

    Raises:
        NpzError: it is damaged, or something else.
        OSError: it cannot be opened.
    """
    with open_npz(path) as npz:
        return {name: npz.array(name) for name in npz.names}


def read_npy(path: Path, *, most: int) -> np.ndarray:
    """The array of a .npy file, writable, in the file's type and shape.

    Args:
        most: bytes that it may take.

    Raises:
        NpzError: it is damaged, holds no plain numbers, is too large, or is something else.
        OSError: it cannot be opened.
    """
    with open_regular(path) as file:
        header = _parsed(file, "an array")
        wanted, held = header.num_bytes, os.fstat(file.fileno()).st_size - file.tell()
        if wanted is None:
            found = "Python objects" if header.dtype == "|O" else f"type {header.dtype}"
            raise NpzError(expected="an array of plain numbers", found=found)
        if held != wanted:
            raise NpzError(expected=f"{wanted} bytes after the header", found=str(held))
        if wanted > most:
            raise NpzError(expected=f"an array of at most {most:,} bytes", found=f"{wanted:,}")
        return _shaped(bytearray(file.read(wanted)), header)


def _shaped(content: bytearray, header: ArrayHeader) -> np.ndarray:
    import numpy as np

    flat: np.ndarray = np.frombuffer(content, dtype=header.dtype)
    return flat.reshape(header.shape, order="F" if header.fortran_order else "C")


class _InPieces:
    """A file of which no more is read at once than is good for the memory, whatever an archive claims."""

    def __init__(self, file: IO[bytes]) -> None:
        self.seek, self.tell, self._read = file.seek, file.tell, file.read

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size > AT_ONCE:
            raise NpzError(expected=f"a table of contents of at most {AT_ONCE} bytes", found=str(size))
        return self._read(size)


def _check_members(archive: zipfile.ZipFile) -> None:
    """Each array has its own name and its own bytes, so that the file's size bounds what they unzip to."""
    for name, times in Counter(archive.namelist()).items():
        if times > 1:
            raise NpzError(expected="each array once", found=f"{name} {times} times")
    infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
    for info, following in pairwise(infos):
        if info.header_offset + info.compress_size > following.header_offset:
            raise NpzError(
                expected="arrays one behind the other", found=f"{following.filename} within {info.filename}"
            )


@contextmanager
def _damage() -> Iterator[None]:
    """Inside, whatever zipfile raises for a damaged file becomes an `NpzError`."""
    try:
        yield
    # RuntimeError: an encrypted member; its child NotImplementedError: an unknown compression.
    except (
        zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, OverflowError
    ) as error:  # fmt: skip
        raise NpzError(expected="a whole .npz file", found=f"a damaged one ({error})") from error


def _parsed(stream: IO[bytes], what: str) -> ArrayHeader:
    start = stream.read(10)
    length = struct.unpack("<H", start[8:])[0] if start[:8] == _MAGIC and len(start) == 10 else 0
    found = _HEADER.fullmatch(stream.read(length).decode("latin-1")) if length <= LONGEST_HEADER else None
    fields = dict(zip(found.groups()[::2], found.groups()[1::2], strict=True)) if found else {}
    dtype, order, sizes = (fields.get(key, "") for key in ("descr", "fortran_order", "shape"))
    shape = tuple(int(size) for size in re.findall(r"\d+", sizes))
    plain = dtype[:1] in ("'", '"') and order in ("True", "False") and sizes[:1] == "("
    if not plain or len(shape) > MOST_AXES or math.prod(max(size, 1) for size in shape) * 16 > LARGEST_ARRAY:
        raise NpzError(expected=f"{what} in NPY format 1.0", found="something else")
    return ArrayHeader(dtype[1:-1], shape, order == "True")
