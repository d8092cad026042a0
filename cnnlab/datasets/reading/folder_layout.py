"""How a folder of images is laid out: where the classes are, and which images train, validate and test."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cnnlab.datasets.left_out import LeftOut, grouped
from cnnlab.datasets.own_paths import absent
from cnnlab.datasets.reading.class_images import entries, is_folder
from cnnlab.datasets.reading.image_formats import is_archive, is_image, why_unread
from cnnlab.errors import UserError
from cnnlab.files import can_be_path, expanded
from cnnlab.foreign_text import composed

TRAINING = ("train", "training")
VALIDATION = ("valid", "val", "validation", "dev")
TEST = ("test", "testing")
"""What the folders of the parts are called, in small letters or capitals."""

_PARTS = {"training": TRAINING, "validation": VALIDATION, "test": TEST}


@dataclass(frozen=True)
class Layout:
    """The folders of the classes, by name. `validation` and `test` are None where there are none."""

    root: Path
    train: dict[str, Path]
    validation: dict[str, Path] | None
    test: dict[str, Path] | None
    left_out: tuple[LeftOut, ...] = ()
    """What lies in no folder of a class."""

    @property
    def validation_root(self) -> Path | None:
        """The folder of the validation images."""
        return next(iter(self.validation.values())).parent if self.validation else None

    @property
    def doubtful_classes(self) -> tuple[str, ...]:
        """Classes that are called as parts are, beside classes that are not: they may be no classes."""
        parts = tuple(name for name in self.train if _part_of(name)) if self.is_flat else ()
        return parts if len(parts) < len(self.train) else ()

    @property
    def is_flat(self) -> bool:
        """Whether the folders of the classes are in the root itself."""
        return next(iter(self.train.values())).parent == self.root

    def shown(self, folder: Path) -> str:
        """How a folder is called in messages: by its name below the root."""
        return str(folder.relative_to(self.root))


def find_layout(folder: str) -> Layout:
    """Tell FOLDER/train/CLASS/* from FOLDER/CLASS/*; beside train/ may be validation and test images.

    The parts may be called `TRAINING`, `VALIDATION` and `TEST`. Hidden folders are left out. Class names are
    in Unicode's composed form, whatever the file system's is.

    Raises:
        UserError: no such folder, not two class folders or more in it, or folders that do not fit together.
    """
    root = expanded(folder)
    if not can_be_path(root) or not root.is_dir():
        raise UserError(_no_folder(folder, root))
    found_parts = _parts(root)
    if "training" not in found_parts:
        return _flat(root, [place for places in found_parts.values() for place in places])
    parts = {part: _only(part, places) for part, places in found_parts.items()}
    train_root = parts.pop("training")
    train = _class_folders(train_root)
    if len(train) < 2:
        raise _too_few(train_root, train)
    others = {part: _class_folders(place) for part, place in parts.items()}
    for part, found in others.items():
        _check_names(part, parts[part], found, train_root, train)
    left_out = [*_loose(root, root), *_loose(train_root, root)]
    for place in parts.values():
        left_out += _loose(place, root)
    known = {train_root.name, *(place.name for place in parts.values())}
    unread = (
        (".", name, "not a folder of training, validation or test images", True) for name in _names(root)
    )
    left_out += grouped(each for each in unread if each[1] not in known)
    # A part without class folders has no images to speak of: what lies in it is listed as left out.
    return Layout(root, train, others.get("validation") or None, others.get("test") or None, tuple(left_out))


def check_levels(place: Path, inside: Iterable[str], root: Path) -> None:
    """Refuse FOLDER/CLASS/train/* and FOLDER/CLASS/test/*: all of it would be taken for one class.

    Args:
        inside: the names of the folders in a class's folder.

    Raises:
        UserError: it is laid out so.
    """
    named = {_part_in(name) for name in inside}
    parts = [part for part in _PARTS if part in named]
    if len(parts) > 1:
        found = f"folders of {' and '.join(parts)} images"
        raise UserError(
            f"{place}: expected images of class {place.name!r}, found {found}\n"
            f"   exchange the levels: {root / 'train' / place.name} and so on"
        )


def images_below(folder: Path) -> Iterator[str]:
    """The images in a folder, sorted by name, then those in the folders inside it; no hidden ones.

    They include files that cannot be read. Links to folders are followed, but no folder is read twice.

    Raises:
        UserError: the folder cannot be read.
    """

    def wanted(entry: os.DirEntry[str]) -> bool:
        unread = why_unread(entry.name) and not is_archive(entry.name)
        return not is_folder(entry) and (bool(unread) or is_image(entry.name, entry.path))

    seen = set()
    waiting = [str(folder)]
    while waiting:
        place = waiting.pop()
        if (real := os.path.realpath(place)) in seen:
            continue
        seen.add(real)
        found = sorted(entries(place), key=lambda entry: entry.name)
        yield from (entry.path for entry in found if wanted(entry))
        waiting += reversed([entry.path for entry in found if is_folder(entry)])


def _parts(root: Path) -> dict[str, list[Path]]:
    """The folders that are called as parts, by part."""
    found: dict[str, list[Path]] = {}
    for name in _names(root):
        part = _part_of(name)
        # A folder `train` without folders is a class of trains, or has no images at all.
        if part is not None and (part != "training" or _names(root / name)):
            found.setdefault(part, []).append(root / name)
    return found


def _only(part: str, places: Sequence[Path]) -> Path:
    """The folder of a part.

    Raises:
        UserError: two folders could be it.
    """
    if len(places) > 1:
        one, other = (place.name for place in places[:2])
        raise UserError(
            f"{places[0].parent}: expected one folder of {part} images, found {one!r} and {other!r}\n"
            "   merge or rename one of them"
        )
    return places[0]


def _part_of(name: str) -> str | None:
    """The part that a folder of this name holds; None where it says nothing of the kind."""
    return next((part for part, names in _PARTS.items() if name.strip().lower() in names), None)


def _part_in(name: str) -> str | None:
    """The part that a word of a folder's name tells, as in `test_images`, `val2017` or `training set`."""
    return next(filter(None, map(_part_of, re.split(r"[\W\d_]+", name))), None)


def _flat(root: Path, parts: Sequence[Path]) -> Layout:
    """FOLDER/CLASS/*.

    Args:
        parts: the folders in it that are called as parts, which they may still be.

    Raises:
        UserError: fewer than two classes, or folders that are no classes by their names.
    """
    classes = _class_folders(root)
    if len(classes) > 1 and all(_part_of(name) for name in classes) and "train" in map(str.lower, classes):
        raise UserError(
            f"{root / 'train'}: expected a folder for each class, found none\n"
            "   put the images of each class into a folder that has the class's name"
        )
    names = {composed(place.name) for place in parts}
    if names and (names == classes.keys() or any(_holds_classes(place, classes) for place in parts)):
        found = " and ".join(repr(name) for name in sorted(names))
        raise UserError(
            f"{root}: expected a folder 'train' beside {found}, found none\n"
            "   put the folders of the classes with their training images into a folder 'train'"
        )
    if len(classes) < 2:
        raise _too_few(root, classes)
    _check_not_parts(root, classes)
    return Layout(root, classes, None, None, tuple(_loose(root, root)))


def _check_not_parts(root: Path, classes: Mapping[str, Path]) -> None:
    """Refuse what seem to be parts of other names, such as `train_images`, each with the same classes in it.

    Raises:
        UserError: the classes would be one level too high.
    """
    if not any(map(_part_in, classes)):
        return  # without listing what may be many files
    alike: dict[tuple[str, ...], list[str]] = {}
    for name, place in classes.items():
        alike.setdefault(tuple(sorted(map(composed, _names(place)))), []).append(name)
    for inside, names in alike.items():
        if len(inside) > 1 and len(names) > 1 and any(map(_part_in, names)):
            found = " and ".join(map(repr, names))
            raise UserError(
                f"{root}: expected a folder for each class, found {found}, which have the same folders in "
                "them\n   call the folder of the training images 'train' and the others 'valid' and 'test'"
            )


def _holds_classes(folder: Path, classes: Mapping[str, Path]) -> bool:
    """Whether what looks like a class has folders of other classes in it."""
    return any(composed(name) in classes for name in _names(folder))


def _class_folders(folder: Path) -> dict[str, Path]:
    """The folders in a folder by their names, sorted.

    Raises:
        UserError: two of them have the same name, but for the form of its Unicode characters.
    """
    found: dict[str, Path] = {}
    for name in _names(folder):
        if composed(name) in found:
            raise UserError(
                f"{folder}: two folders are called {composed(name)!r}, spelled with different Unicode "
                "characters (NFC and NFD)\n   merge them"
            )
        found[composed(name)] = folder / name
    return dict(sorted(found.items()))


def _names(folder: Path) -> list[str]:
    """The names of the folders in a folder, sorted. Links to folders count."""
    return sorted(entry.name for entry in entries(folder) if is_folder(entry))


def _loose(folder: Path, root: Path) -> list[LeftOut]:
    """Images that lie directly in a folder that should only hold folders of classes."""
    shown, reason = str(folder.relative_to(root)), "not in the folder of a class"
    files = [entry for entry in entries(folder) if not is_folder(entry)]
    unread = [
        (shown, entry.name, "an archive; unpack it" if is_archive(entry.name) else reason, True)
        for entry in files
        if is_image(entry.name, entry.path) or why_unread(entry.name)
    ]
    return grouped(unread)


def _check_names(
    part: str, place: Path, found: Iterable[str], train_root: Path, train: Mapping[str, Path]
) -> None:
    """Classes of a part must be trained.

    Raises:
        UserError: one is not.
    """
    alike = {name.strip().casefold(): name for name in train}
    for name in found:
        if name in train:
            continue
        other = alike.get(name.strip().casefold())
        where = f"{place}: class {name!r} has {part} images but no folder in {train_root}"
        if other is None:
            raise UserError(where)
        difference = "capital letters" if name.strip() != other.strip() else "spaces"
        raise UserError(
            f"{where}, which has {other!r}\n   the names differ in {difference}; rename one of them"
        )


def _too_few(folder: Path, classes: Mapping[str, Path]) -> UserError:
    only = next(iter(classes.values()), None)
    message = (
        f"expected two folders or more in {str(folder)!r}, one for each class, found "
        f"{'none' if only is None else f'only {composed(only.name)!r}'}"
    )
    if only is not None and (len(_names(only)) > 1 or "training" in map(_part_of, _names(only))):
        return UserError(f"{message}\n   did you mean {str(only)!r}?")
    loose = sum(each.count for each in _loose(folder, folder))
    if loose and only is None:
        message += f" and {loose:,} loose {'image' if loose == 1 else 'images'}"
    return UserError(f"{message}\n   put the images of each class into a folder that has the class's name")


def _no_folder(folder: str, root: Path) -> str:
    """What is there in place of a folder."""
    if can_be_path(root) and root.exists():
        if is_archive(root.name):
            return (
                f"expected a folder, found an archive at {str(folder)!r}\n   unpack it, and give the folder"
            )
        return absent(folder, "a folder", "a file")
    return absent(folder, "a folder")
