"""The images of one class: all that its folder holds, folders inside it included, and what is left out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cnnlab.datasets.left_out import LeftOut, grouped
from cnnlab.datasets.reading.image_formats import is_image, why_unread
from cnnlab.errors import UserError

_CLUTTER = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini", "$RECYCLE.BIN", "lost+found"})
"""What systems leave in folders; nobody misses it."""

_NO_IMAGE = "not an image"


@dataclass(frozen=True)
class ClassImages:
    """What a folder of a class holds, sorted by names."""

    images: tuple[tuple[str, str], ...]
    """(name below the folder, with / between folders; path) of each image."""

    left_out: tuple[LeftOut, ...]
    folders: tuple[str, ...]
    """The names of the folders in it."""

    @property
    def nested(self) -> int:
        """How many images lie in folders inside the folder."""
        return sum("/" in name for name, _ in self.images)


def entries(folder: str | Path) -> Iterator[os.DirEntry[str]]:
    """What is in a folder, but for hidden things and what systems leave there.

    Raises:
        UserError: the folder cannot be read.
    """
    try:
        with os.scandir(folder) as found:
            listed = [entry for entry in found if entry.name[0] != "." and entry.name not in _CLUTTER]
    except OSError as error:
        raise UserError(f"{folder}: expected a readable folder, found: {error.strerror}") from None
    yield from listed


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder, or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def class_images(folder: Path, shown: str, root: Path) -> ClassImages:
    """Look through a class's folder and all folders inside it.

    Links to other folders are followed, unless they lead back into the set, where their images are read
    already, or around it.

    Args:
        shown: how the folder is called in messages.
        root: the folder of the set.

    Raises:
        UserError: a folder cannot be read.
    """
    images: list[tuple[str, str]] = []
    unread: list[tuple[str, str, str, bool]] = []
    seen = {os.path.realpath(folder)}
    waiting: list[tuple[str | Path, str]] = [(folder, "")]
    while waiting:
        place, below = waiting.pop()
        for entry in entries(place):
            name = below + entry.name
            if is_folder(entry):
                real = os.path.realpath(entry.path)
                if real in seen or (entry.is_symlink() and _overlap(real, root)):
                    unread.append((shown, name, "a link to a folder that is read elsewhere", False))
                else:
                    seen.add(real)
                    waiting.append((entry.path, f"{name}/"))
            elif is_image(entry.name, entry.path):
                images.append((name, entry.path))
            else:
                reason = why_unread(entry.name)
                unread.append((shown, name, reason or _NO_IMAGE, reason is not None))
    inside = tuple(entry.name for entry in entries(folder) if is_folder(entry)) if len(seen) > 1 else ()
    return ClassImages(tuple(sorted(images)), tuple(grouped(unread)), inside)


def _overlap(folder: str, root: Path) -> bool:
    """Whether one of the two holds the other."""
    one, two = Path(folder), Path(os.path.realpath(root))
    return one.is_relative_to(two) or two.is_relative_to(one)
