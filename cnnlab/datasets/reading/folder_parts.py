"""Which files of a folder train, which validate and which test, and what is left out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnnlab.datasets.content import PartName
from cnnlab.datasets.left_out import LeftOut
from cnnlab.datasets.reading.class_images import ClassImages, class_images
from cnnlab.datasets.reading.folder_layout import VALIDATION, Layout, check_levels
from cnnlab.datasets.reading.image_formats import COMMON
from cnnlab.datasets.splits import stratified
from cnnlab.errors import UserError
from cnnlab.foreign_text import composed
from cnnlab.language.fields import Shape

TITLES: Mapping[PartName, str] = {"train": "training", "validation": "validation", "test": "test"}
"""What messages call the parts."""


@dataclass(frozen=True)
class File:
    """An image file."""

    path: str
    name: str
    """Below the folder of the set, such as train/cat/001.png."""

    label: int
    bytes: int
    """How much there is to read."""

    fingerprint: str = ""
    """Of what is in it, which decides whether it has changed; empty until it was read."""


@dataclass(frozen=True)
class FolderOptions:
    """How a folder of images is read."""

    image_shape: Shape
    """(height, width, channels) that all images are brought to."""

    class_names: tuple[str, ...]
    """The folders that are read; label k is called class_names[k]."""

    resize: str
    """crop, pad, stretch or exact."""

    skips_bad_images: bool
    """Leave out what cannot be used, instead of an error."""

    test_size: int | float | None
    """A count, or a share, of the images: split off where the folder has no test images; None: none are."""

    own_validation: bool
    """The folder's own validation images validate; else they are left out."""

    seed: int


@dataclass(frozen=True)
class FolderFiles:
    """The files of a folder by what they are for, in the order in which they are read."""

    parts: dict[PartName, list[File]]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    """How the folder was understood, in sentences."""


def folder_files(layout: Layout, options: FolderOptions) -> FolderFiles:
    """Find the files of all parts; test images are split off the training images where there are none.

    Raises:
        UserError: a class without images, or no validation images where the folder should have some.
    """
    folders: dict[PartName, dict[str, Path] | None] = {"train": layout.train}
    unused: list[LeftOut] = []
    if options.own_validation:
        if layout.validation is None:
            raise UserError(
                f"{layout.root}: expected validation images in a folder {', '.join(VALIDATION[:-1])} or "
                f"{VALIDATION[-1]}, found none\n   add it, or set dataset.validation_size"
            )
        folders["validation"] = layout.validation
    elif layout.validation_root is not None:
        reason = "dataset.validation_size splits the validation images off the training images"
        unused.append(LeftOut(".", (layout.validation_root.name,), 1, reason, holds_images=True))
    folders["test"] = layout.test
    found = {
        part: {
            name: class_images(classes[composed(name)], layout.shown(classes[composed(name)]), layout.root)
            for name in options.class_names
            if composed(name) in classes
        }
        for part, classes in folders.items()
        if classes is not None
    }
    for place, images in ((layout.train[composed(name)], found["train"][name]) for name in found["train"]):
        check_levels(place, images.folders, layout.root)
    parts = {part: _files(by_class, part, layout, options.class_names) for part, by_class in found.items()}
    if "test" not in parts:
        parts["train"], parts["test"] = _split(parts["train"], layout.root, options)
    # In the order of the names, the first N would all be of one class.
    tickets = np.random.PCG64(options.seed).random_raw(len(parts["train"]))
    parts["train"] = [parts["train"][index] for index in np.argsort(tickets, kind="stable")]
    within = [each for by_class in found.values() for images in by_class.values() for each in images.left_out]
    return FolderFiles(parts, (*layout.left_out, *unused, *within), tuple(_notes(found, layout, options)))


def _files(
    found: Mapping[str, ClassImages], part: PartName, layout: Layout, class_names: Sequence[str]
) -> list[File]:
    """All images of the chosen classes, in the order of class and name.

    Raises:
        UserError: a class has no images; only validation images need not be of all classes.
    """
    folders = {"train": layout.train, "validation": layout.validation, "test": layout.test}[part] or {}
    root = next(iter(folders.values())).parent
    files = []
    for label, name in enumerate(class_names):
        folder = folders.get(composed(name), root / name)
        images = found[name].images if name in found else ()
        if not images and part != "validation":
            left_out = found[name].left_out if name in found else ()
            there = "".join(f"\n   left out: {each}" for each in left_out)
            raise UserError(
                f"{folder}: expected images of class {name!r}, found none ({COMMON}){there}\n"
                "   add some, or leave the class out with dataset.classes"
            )
        shown = layout.shown(folder)
        for below, path in images:
            try:
                size = os.stat(path).st_size  # noqa: PTH116  # a Path for each of many files takes longer
            except OSError:  # a link to nowhere, or to itself: opening it will say so
                size = 0
            files.append(File(path, f"{shown}/{below}", label, size))
    return files


def _split(files: list[File], root: Path, options: FolderOptions) -> tuple[list[File], list[File]]:
    """Split off the test images: of each class its share, drawn with the dataset's seed.

    Raises:
        UserError: too many, or all of a class.
    """
    labels = np.array([file.label for file in files], dtype=np.int64)
    size = options.test_size
    if size is None:
        return files, []
    count = max(1, round(size * len(files))) if isinstance(size, float) else size
    if count >= len(files):
        raise UserError(
            f"dataset.test_size: expected fewer than the {len(files)} images of {root}, found {count}"
        )
    drawn = stratified(labels, count, seed=options.seed)
    for label, name in enumerate(options.class_names):
        of_class = labels == label
        if drawn[of_class].all():
            number = int(of_class.sum())
            has = (
                "1 image, which becomes a test image" if number == 1 else f"{number} images, all to test with"
            )
            raise UserError(
                f"{root}: class {name!r} has {has}: none is left for training\n"
                "   add images of this class, lower dataset.test_size, or put test images of your own into "
                f"test/{name}, beside train/{name}"
            )
    return (
        [file for file, is_test in zip(files, drawn, strict=True) if not is_test],
        [file for file, is_test in zip(files, drawn, strict=True) if is_test],
    )


def _notes(
    found: Mapping[PartName, Mapping[str, ClassImages]], layout: Layout, options: FolderOptions
) -> list[str]:
    notes = []
    if options.own_validation and layout.validation_root is not None:
        notes.append(f"the validation images are those in {layout.validation_root.name}/")
    for part, by_class in found.items():
        for name, images in by_class.items():
            if images.nested:
                where = name if len(found) == 1 else f"{name} ({TITLES[part]})"
                number = "1 image is" if images.nested == 1 else f"{images.nested:,} images are"
                notes.append(f"class {where}: {number} in folders inside the class's folder")
    alike: dict[str, str] = {}
    for name in options.class_names:
        other = alike.setdefault(" ".join(name.split()).casefold(), name)
        if other != name:
            notes.append(f"the classes {other!r} and {name!r} differ only in capital letters or spaces")
    return notes
