"""A folder of images → uint8 arrays: decoded in parallel once, then mapped from the cache.

What is in the files decides whether the cache has their pixels, not their names, sizes and times. Each start
therefore reads all files, which takes a fraction of the time that decoding them takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import BinaryIO

import numpy as np

from cnnlab.datasets.base import DownloadProgress
from cnnlab.datasets.content import Content, PartName
from cnnlab.datasets.data_paths import DataPaths
from cnnlab.datasets.left_out import left_out_warning
from cnnlab.datasets.own_paths import placed
from cnnlab.datasets.reading.decoded_cache import Decoded, Part, cached, key_of
from cnnlab.datasets.reading.folder_layout import find_layout
from cnnlab.datasets.reading.folder_parts import TITLES, File, FolderOptions, folder_files
from cnnlab.datasets.reading.image_files import fingerprints, pixels, sizes
from cnnlab.datasets.reading.images import BadImage, OtherSize, decoder
from cnnlab.errors import UserError
from cnnlab.foreign_text import composed
from cnnlab.language.fields import Shape
from cnnlab.wording import counted

NAMED = 10
"""So many images are named in an error; a warning names the first."""

TOLD_EVERY = 64
"""After so many files that were read, the user is told."""


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
    found = folder_files(layout, options)
    parts = {name: _fingerprinted(TITLES[name], files, progress) for name, files in found.parts.items()}
    on_error = "skip" if options.skips_bad_images else "stop"
    settings = f"{options.image_shape} {options.resize} {on_error}"
    listed = (f"{name} {file.label} {file.fingerprint}" for name, files in parts.items() for file in files)
    cache = data_paths.cache / "folders" / key_of(decoder(), settings, *listed)

    def part(name: PartName, files: Sequence[File]) -> Part:
        return Part(
            [file.path for file in files],
            [file.name for file in files],
            lambda written: _decode(TITLES[name], files, written, folder, options, progress),
        )

    try:
        content = cached(
            cache,
            origin=placed(folder),
            image_shape=options.image_shape,
            parts={name: part(name, files) for name, files in parts.items()},
        )
    except OtherSize:
        files = [file for each in parts.values() for file in each]
        raise _of_other_sizes(files, folder, options.image_shape) from None
    _check_classes(content, folder, options)
    doubtful = _doubtful(
        name for name in layout.doubtful_classes if name in map(composed, options.class_names)
    )
    warnings = filter(None, (content.provenance.warning, doubtful, left_out_warning(found.left_out)))
    provenance = replace(content.provenance, warning="\n".join(warnings) or None)
    return replace(content, provenance=provenance, left_out=found.left_out, notes=found.notes)


def _doubtful(classes: Iterable[str]) -> str | None:
    """What to say of classes that are called as folders of test images, and the like, are."""
    if not (names := [repr(name) for name in classes]):
        return None
    found = (
        f"folder {names[0]} is a class" if len(names) == 1 else f"folders {' and '.join(names)} are classes"
    )
    return (
        f"the {found} by the layout; if the images are for validation or testing, sort them into "
        "folders of the classes, and move the classes' training images into a folder 'train'"
    )


def _fingerprinted(part: str, files: Sequence[File], progress: DownloadProgress | None) -> list[File]:
    """The same files with the fingerprints of what is in them now."""
    found: list[File] = []
    done, total = 0, sum(file.bytes for file in files)
    for file, fingerprint in zip(files, fingerprints([file.path for file in files]), strict=True):
        found.append(replace(file, fingerprint=fingerprint))
        done += file.bytes
        if progress is not None and (len(found) % TOLD_EVERY == 0 or len(found) == len(files)):
            progress(f"reading {counted(len(files), f'{part} image')}", done, total)
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
    with closing(decoded):  # an error ends the decoding, too
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
                progress(f"decoding {counted(len(files), f'{part} image')}", done, total)
    if bad and not options.skips_bad_images:
        raise UserError(
            f"{folder}: {len(bad)} of {counted(len(files), f'{part} image')} cannot be used"
            + _listed([f"{files[index].path}: {reason}" for index, reason in bad])
            + "\n   repair or remove them, or set dataset.on_error: skip"
        )
    return Decoded(np.array(labels, dtype=np.int64), bad)


def _of_other_sizes(files: Sequence[File], folder: str, image_shape: Shape) -> UserError:
    """Which images are not of the size that all must have."""
    height, width, _ = image_shape
    others = [
        f"{file.path}: {size[1]}×{size[0]}"
        for file, size in zip(files, sizes([file.path for file in files]), strict=True)
        if size is not None and size != (height, width)
    ]
    verb = "is" if len(others) == 1 else "are"
    return UserError(
        f"{folder}: {len(others)} of {counted(len(files), 'image')} {verb} not of "
        f"{width}×{height} pixels (width × height)"
        + _listed(sorted(others))
        + f"\n   to bring all images to one size, by cropping or as dataset.resize says, set dataset.size: "
        f"[{height}, {width}] ([height, width]), or for a check --size {width}x{height}"
    )


def _listed(lines: Sequence[str]) -> str:
    """The first lines of a list that may be long, each on its own."""
    more = [f"and {len(lines) - NAMED} more"] if len(lines) > NAMED else []
    return "".join(f"\n   {line}" for line in (*lines[:NAMED], *more))


def _check_classes(content: Content, folder: str, options: FolderOptions) -> None:
    """Where bad images were skipped, a class may have lost all of its own."""
    for label, name in enumerate(options.class_names):
        if not np.any(content.train_labels == label):
            raise UserError(f"{folder}: class {name!r} has no training image that can be used")
    for part, images in content.parts.items():
        if not len(images) and not (part == "test" and options.test_size is None):
            raise UserError(f"{folder}: no {TITLES[part]} image can be used")
