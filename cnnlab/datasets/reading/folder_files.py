"""A folder of images → uint8 arrays: decoded in parallel once, then mapped from the cache."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from cnnlab.datasets.base import DownloadProgress
from cnnlab.datasets.content import Content
from cnnlab.datasets.data_paths import DataPaths
from cnnlab.datasets.reading.decoded_cache import Decoded, cached, key_of
from cnnlab.datasets.reading.folder_layout import find_layout, image_files
from cnnlab.datasets.reading.images import BadImage, OtherSize, bombs_are_errors, decode
from cnnlab.datasets.splits import stratified
from cnnlab.errors import UserError
from cnnlab.language.fields import Shape

AT_ONCE = 64
"""Files for one call into a thread."""

NAMED = 10
"""So many bad images are named in an error; a warning names the first."""


@dataclass(frozen=True)
class File:
    """An image file; size and time tell whether it has changed."""

    path: str
    name: str  # with its class's folder
    label: int
    bytes: int
    modified: int  # nanoseconds


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
    on_error = "skip" if options.skips_bad_images else "stop"
    settings = f"{options.image_shape} {options.resize} {on_error}"
    listed = (
        f"{part} {file.name} {file.label} {file.bytes} {file.modified}"
        for part, files in (("train", train), ("test", test))
        for file in files
    )
    cache = data_paths.cache / "folders" / key_of(settings, *listed)

    def decode_all(part: str, files: Sequence[File], file: BinaryIO) -> Decoded:
        return _decode(part, files, file, folder, options, progress)

    content = cached(
        cache,
        origin=str(layout.root),
        image_shape=options.image_shape,
        train=lambda file: decode_all("training", train, file),
        test=lambda file: decode_all("test", test, file),
    )
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
                facts = entry.stat()
                modified = facts.st_mtime_ns
                files.append(File(entry.path, f"{name}/{entry.name}", label, facts.st_size, modified))
            except OSError:  # a link to nowhere, or to itself: opening it will say so
                files.append(File(entry.path, f"{name}/{entry.name}", label, 0, 0))
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


def _decode(
    part: str,
    files: Sequence[File],
    file: BinaryIO,
    folder: str,
    options: FolderOptions,
    progress: DownloadProgress | None,
) -> Decoded:
    """Write the pixels of all files, one image after the other, as they come."""
    labels: list[int] = []
    bad: list[str] = []
    done, total = 0, sum(each.bytes for each in files)
    for each, pixels in zip(files, _pixels(files, options), strict=True):
        if isinstance(pixels, OtherSize):
            height, width, _ = options.image_shape
            raise UserError(
                f"{each.path}: expected {height}×{width} pixels like the first image, found "
                f"{pixels}\n   set dataset.size: [height, width] to bring all images to one size"
            )
        if isinstance(pixels, BadImage):
            bad.append(f"{each.path}: {pixels}")
        else:
            file.write(pixels.data)
            labels.append(each.label)
        done += each.bytes
        if progress is not None:
            progress(f"decoding {len(files):,} {part} images", done, total)
    if bad and not options.skips_bad_images:
        more = f"\n   and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
        listed = "\n   ".join(bad[:NAMED])
        raise UserError(
            f"{folder}: {len(bad)} of {len(files)} {part} images cannot be used\n   {listed}{more}\n"
            "   repair or remove them, or set dataset.on_error: skip"
        )
    return Decoded(np.array(labels, dtype=np.int64), bad)


def _pixels(files: Sequence[File], options: FolderOptions) -> Iterator[np.ndarray | BadImage]:
    """The pixels of each file in order, (height, width, channels) uint8, or what is wrong with it."""
    height, width, channels = options.image_shape

    def decode_some(some: Sequence[File]) -> list[np.ndarray | BadImage]:
        found: list[np.ndarray | BadImage] = []
        for file in some:
            try:
                found.append(
                    decode(Path(file.path), size=(height, width), channels=channels, resize=options.resize)
                )
            except BadImage as error:
                found.append(error)
        return found

    some = [files[start : start + AT_ONCE] for start in range(0, len(files), AT_ONCE)]
    with bombs_are_errors(), ThreadPoolExecutor(os.cpu_count()) as pool:
        for results in pool.map(decode_some, some):
            yield from results


def _check_classes(content: Content, folder: str, class_names: Sequence[str]) -> None:
    """Where bad images were skipped, a class may have lost all of its own."""
    for part, labels in (("training", content.train_labels), ("test", content.test_labels)):
        for label, name in enumerate(class_names):
            if part == "training" and not np.any(labels == label):
                raise UserError(f"{folder}: class {name!r} has no {part} image that can be used")
        if not len(labels):
            raise UserError(f"{folder}: no {part} image can be used")
