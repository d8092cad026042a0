"""A stranger's zip → the files of runs in it, in a temporary folder: within bounds, and nowhere else."""

from __future__ import annotations

import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from cnnlab.files import open_regular
from cnnlab.foreign_text import one_line, shortened
from cnnlab.run_folders.integrity import DIGESTED
from cnnlab.user_files import temporary_folder

MOST_MEMBERS = 20_000
MOST_EXPANSION = 50
"""Weights hardly shrink; a run as a whole is never packed to a fiftieth."""

SMALL = 64 << 20
"""Bytes that any zip may unpack to: texts shrink a lot, and do no harm."""

LONGEST_NAME = 200
"""Characters of a folder or file within a zip."""

MOST_LEVELS = 32

_AT_ONCE = 1 << 20
_WANTED = frozenset((*DIGESTED, "run.json"))
"""What a run is checked by; all else in a zip stays there."""


class NotUnpacked(Exception):
    """What is wrong with a zip, in words that follow its name."""


@contextmanager
def unpacked(file: Path) -> Iterator[Path]:
    """The runs in a zip, and the zips in it, in a folder that is removed at the end of the block.

    Only files that a run is checked by are unpacked, and folders, so that empty ones are seen.

    Raises:
        NotUnpacked: it is damaged or encrypted, would write elsewhere, holds links, or unpacks to too much.
        CnnlabError: no temporary folder can be made.
    """
    with temporary_folder("cnnlab-hand-in-") as folder:
        try:
            with open_regular(file) as opened, zipfile.ZipFile(opened) as archive:
                _unpack(archive, folder, most=max(SMALL, MOST_EXPANSION * file.stat().st_size))
        except zipfile.BadZipFile:
            raise NotUnpacked("is no zip file, or a damaged one") from None
        except RuntimeError:  # NotImplementedError: a way of packing that Python does not know
            raise NotUnpacked("is packed in a way that is unknown here; pack it as a plain zip") from None
        except (EOFError, ValueError, lzma.LZMAError, zlib.error):
            raise NotUnpacked("is a damaged zip file") from None
        except OSError as error:
            raise NotUnpacked(f"cannot be unpacked: {error.strerror or error}") from None
        yield folder


def _unpack(archive: zipfile.ZipFile, folder: Path, *, most: int) -> None:
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise NotUnpacked(f"holds {len(members):,} files; expected at most {MOST_MEMBERS:,}")
    places = {each.filename: _place(each) for each in members}
    if len(places) < len(members):
        raise NotUnpacked("holds two files of the same name")
    left = most
    for member in members:
        place = places[member.filename]
        if place is None:
            continue
        target = folder / place
        if member.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if place.name not in _WANTED and place.suffix.lower() != ".zip":
            continue
        # What the zip says of its sizes is a claim; what comes out is counted.
        with archive.open(member) as packed, target.open("xb") as written:
            while portion := packed.read(_AT_ONCE):
                left -= len(portion)
                if left < 0:
                    raise NotUnpacked(f"unpacks to more than {most // 2**20:,} MiB")
                written.write(portion)


def _place(member: zipfile.ZipInfo) -> PurePosixPath | None:
    """Where a member goes, relative; None for what a file manager adds.

    Raises:
        NotUnpacked: nowhere.
    """
    name = member.filename.replace("\\", "/")
    shown = shortened(one_line(name))
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or any(":" in part for part in path.parts[:1]):
        raise NotUnpacked(f"would write outside of its folder: {shown}")
    if len(path.parts) > MOST_LEVELS or any(len(part.encode()) > LONGEST_NAME for part in path.parts):
        raise NotUnpacked(f"holds a name that is too long: {shown}")
    if member.flag_bits & 0x1:
        raise NotUnpacked("is encrypted; hand it in without a password")
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        what = "a symbolic link" if kind == stat.S_IFLNK else "what is neither file nor folder"
        raise NotUnpacked(f"holds {what}: {shown}")
    is_added = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return None if is_added or not path.parts else path
