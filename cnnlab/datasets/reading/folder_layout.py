"""What lies in a folder of images, told by names alone: classes, files, and which of them are test images."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cnnlab.errors import UserError
from cnnlab.files import can_be_path, expanded

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
TEST_FOLDERS = ("test", "val", "validation")
"""Beside train/, the first of these that is there has the test images."""


@dataclass(frozen=True)
class Layout:
    """The folders of the classes, by name. `test` is None where the test images must be split off."""

    root: Path
    train: dict[str, Path]
    test: dict[str, Path] | None


def find_layout(folder: str) -> Layout:
    """Tell FOLDER/train/CLASS/* with FOLDER/test/CLASS/* from FOLDER/CLASS/*, and FOLDER/train/CLASS/* alone.

    Relative paths start at the current directory. Hidden folders are left out.

    Raises:
        UserError: no such folder, or not two class folders or more in it.
    """
    root = expanded(folder)
    if not can_be_path(root) or not root.is_dir():
        found = "a file" if can_be_path(root) and root.exists() else "nothing"
        hint = (
            "" if root.is_absolute() else f"\n   relative paths start at the current directory, {Path.cwd()}"
        )
        raise UserError(f"expected a folder, found {found} at {folder!r}{hint}")
    train_root, test_root = root, None
    if _folders(root / "train"):
        train_root = root / "train"
        test_root = next((root / name for name in TEST_FOLDERS if _folders(root / name)), None)
    train = _folders(train_root)
    if len(train) < 2:
        found = f"only {next(iter(train))!r}" if train else "none"
        raise UserError(
            f"expected two folders or more in {str(train_root)!r}, one for each class, found {found}\n"
            "   put the images of each class into a folder that has the class's name"
        )
    test = None if test_root is None else _folders(test_root)
    strange = sorted(set(test or ()) - set(train))
    if strange:
        raise UserError(f"{test_root}: class {strange[0]!r} has test images but no folder in {train_root}")
    return Layout(root, train, test)


def image_files(folder: Path) -> list[os.DirEntry[str]]:
    """The images directly in a folder, by their endings, sorted by name; hidden files are left out.

    Raises:
        UserError: the folder cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            found = [
                entry
                for entry in entries
                if not entry.name.startswith(".") and entry.name.lower().endswith(SUFFIXES)
            ]
    except OSError as error:
        raise UserError(f"{folder}: expected a readable folder, found: {error.strerror}") from None
    return sorted(found, key=lambda entry: entry.name)


def _folders(folder: Path) -> dict[str, Path]:
    """The folders in a folder by name, sorted; empty where it is none. Links to folders count."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if not entry.name.startswith(".") and _is_dir(entry)]
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise UserError(f"{folder}: expected a readable folder, found: {error.strerror}") from None
    return {name: folder / name for name in sorted(names)}


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False
