"""A folder of images → uint8 arrays: decoded in parallel once, then mapped from the cache.

What is in the files decides whether the cache has their pixels, not their names, sizes and times. Each start
therefore reads all files, which takes a fraction of the time that decoding them takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from cnnlab.datasets.base import DownloadProgress
from cnnlab.datasets.content import Content
from cnnlab.datasets.data_paths import DataPaths
from cnnlab.datasets.reading.decoded_cache import Decoded, Part, cached, key_of
from cnnlab.datasets.reading.folder_layout import find_layout, image_files
from cnnlab.datasets.reading.image_files import fingerprints, pixels, sizes
from cnnlab.datasets.reading.images import BadImage, OtherSize, decoder
from cnnlab.datasets.splits import stratified
from cnnlab.errors import UserError
from cnnlab.language.fields import Shape

NAMED = 10
"""So many images are named in an error; a warning names the first."""

TOLD_EVERY = 64
"""After so many files that were read, the user is told."""


@dataclass(frozen=True)
class File:
    """An image file."""

    path: str
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

    test_size: int | float
    """A count, or a share, of the images: split off where the folder has no test images."""

    seed: int


def read_folder(
    folder: str, options: FolderOptions, data_paths: DataPaths, *, progress: DownloadProgress | None = None
) -> Content:
    """Find the images and decode them, unless the cache has them.

    Raises:
        UserError: no folder, a class without images, or images that cannot be used.
        CnnlabError: the cache cannot be written.
    """
    try:
        layout = find_layout(folder)
    except UserError as error:
        raise UserError(f"dataset.folder: {error}") from None
    train = _files(layout.train, options.class_names)
    if layout.test is None:
        train, test = _split(train, folder, options)
    else:
        test = _files(layout.test, options.class_names)
    # In the order of the names, the first N would all be of one class.
    tickets = np.random.PCG64(options.seed).random_raw(len(train))
    train = [train[index] for index in np.argsort(tickets, kind="stable")]
    train = _fingerprinted("training", train, progress)
    test = _fingerprinted("test", test, progress)
    on_error = "skip" if options.skips_bad_images else "stop"
    settings = f"{options.image_shape} {options.resize} {on_error}"
    listed = (
        f"{part} {file.label} {file.fingerprint}"
        for part, files in (("train", train), ("test", test))
        for file in files
    )
    cache = data_paths.cache / "folders" / key_of(decoder(), settings, *listed)

    def part(name: str, files: Sequence[File]) -> Part:
        paths = [file.path for file in files]
        return Part(paths, lambda written: _decode(name, files, written, folder, options, progress))

    try:
        content = cached(
            cache,
            origin=str(layout.root),
            image_shape=options.image_shape,
            train=part("training", train),
            test=part("test", test),
        )
    except OtherSize:
        raise _of_other_sizes([*train, *test], folder, options.image_shape) from None
    _check_classes(content, folder, options.class_names)
    return content


def _files(folders: dict[str, Path], class_names: Sequence[str]) -> list[File]:
    """All images of the chosen classes, in the order of class and name.

    Raises:
        UserError: a class has no images.
    """
    files = []
    for label, name in enumerate(class_names):
        entries = image_files(folders[name]) if name in folders else []
        if not entries:
            where = folders.get(name, next(iter(folders.values())).parent / name)
            raise UserError(
                f"{where}: expected images of class {name!r}, found none (.png, .jpg, .jpeg, .bmp, .gif, "
                ".webp)\n   add some, or leave the class out with dataset.classes"
            )
        for entry in entries:
            try:
                size = entry.stat().st_size
            except OSError:  # a link to nowhere, or to itself: opening it will say so
                size = 0
            files.append(File(entry.path, label, size))
    return files


def _split(files: list[File], folder: str, options: FolderOptions) -> tuple[list[File], list[File]]:
    """Split off the test images: of each class its share, drawn with the dataset's seed."""
    labels = np.array([file.label for file in files], dtype=np.int64)
    size = options.test_size
    count = max(1, round(size * len(files))) if isinstance(size, float) else size
    if count >= len(files):
        raise UserError(
            f"dataset.test_size: expected fewer than the {len(files)} images of {folder}, found {count}"
        )
    drawn = stratified(labels, count, seed=options.seed)
    return (
        [file for file, is_test in zip(files, drawn, strict=True) if not is_test],
        [file for file, is_test in zip(files, drawn, strict=True) if is_test],
    )


def _fingerprinted(part: str, files: Sequence[File], progress: DownloadProgress | None) -> list[File]:
    """The same files with the fingerprints of what is in them now."""
    found: list[File] = []
    done, total = 0, sum(file.bytes for file in files)
    for file, fingerprint in zip(files, fingerprints([file.path for file in files]), strict=True):
        found.append(replace(file, fingerprint=fingerprint))
        done += file.bytes
        if progress is not None and (len(found) % TOLD_EVERY == 0 or len(found) == len(files)):
            progress(f"reading {len(files):,} {part} images", done, total)
    return found


def _decode(
    part: str,
    files: Sequence[File],
    written: BinaryIO,
    folder: str,
    options: FolderOptions,
    progress: DownloadProgress | None,
) -> Decoded:
    """Write the pixels of all files, one image after the other, as they come.

    Raises:
        UserError: images cannot be used, or a file has changed since its fingerprint was taken.
        OtherSize: an image is not of the size that all must have.
    """
    labels: list[int] = []
    bad: list[tuple[int, str]] = []
    done, total = 0, sum(file.bytes for file in files)
    height, width, channels = options.image_shape
    decoded = pixels(
        [file.path for file in files],
        [file.fingerprint for file in files],
        size=(height, width),
        channels=channels,
        resize=options.resize,
    )
    for index, (file, found) in enumerate(zip(files, decoded, strict=True)):
        if isinstance(found, OtherSize):
            raise found
        if isinstance(found, BadImage):
            bad.append((index, str(found)))
        else:
            written.write(found.data)
            labels.append(file.label)
        done += file.bytes
        if progress is not None:
            progress(f"decoding {len(files):,} {part} images", done, total)
    if bad and not options.skips_bad_images:
        raise UserError(
            f"{folder}: {len(bad)} of {len(files)} {part} images cannot be used"
            + _listed([f"{files[index].path}: {reason}" for index, reason in bad])
            + "\n   repair or remove them, or set dataset.on_error: skip"
        )
    return Decoded(np.array(labels, dtype=np.int64), bad)


def _of_other_sizes(files: Sequence[File], folder: str, image_shape: Shape) -> UserError:
    """Which images are not of the size that all must have."""
    height, width, _ = image_shape
    others = [
        f"{file.path}: {size[0]}×{size[1]}"
        for file, size in zip(files, sizes([file.path for file in files]), strict=True)
        if size is not None and size != (height, width)
    ]
    return UserError(
        f"{folder}: {len(others)} of {len(files)} images are not of {height}×{width} pixels"
        + _listed(sorted(others))
        + "\n   set dataset.size: [height, width] to bring all images to one size, by cropping or as "
        "dataset.resize says"
    )


def _listed(lines: Sequence[str]) -> str:
    """The first lines of a list that may be long, each on its own."""
    more = [f"and {len(lines) - NAMED} more"] if len(lines) > NAMED else []
    return "".join(f"\n   {line}" for line in (*lines[:NAMED], *more))


def _check_classes(content: Content, folder: str, class_names: Sequence[str]) -> None:
    """Where bad images were skipped, a class may have lost all of its own."""
    for part, labels in (("training", content.train_labels), ("test", content.test_labels)):
        for label, name in enumerate(class_names):
            if part == "training" and not np.any(labels == label):
                raise UserError(f"{folder}: class {name!r} has no {part} image that can be used")
        if not len(labels):
            raise UserError(f"{folder}: no {part} image can be used")
