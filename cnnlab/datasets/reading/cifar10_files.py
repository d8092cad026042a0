"""Finding and decoding CIFAR-10: six batches, binary or pickled, in a folder or an archive.

A digest of the official pixels has never been published, so official content is recognised by the
published MD5 sums of whole files: of both archives, and of the pickled batches. The batches of an
unpacked binary archive have none; they are always "unverified".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cnnlab.datasets.base import DatasetConfig, DownloadProgress
from cnnlab.datasets.content import Content, Provenance, digest
from cnnlab.datasets.data_paths import DataPaths
from cnnlab.datasets.reading.archive import members
from cnnlab.datasets.reading.download import download_all
from cnnlab.datasets.reading.files import broken, check_labels, checksum, incomplete, is_file, read_whole
from cnnlab.datasets.reading.plain_pickle import ArrayRecord, PlainPickleError, load_plain

BATCHES = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch")
BATCH_COUNT = 10_000
"""Images in each batch. The binary layout states no count: a shorter file is a truncated one."""

SIDE = 32
CHANNELS = 3
PIXEL_BYTES = CHANNELS * SIDE * SIDE
LARGEST_PICKLE = 1 << 26
"""Bytes; a pickled batch has 31 million."""

OFFICIAL_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
OFFICIAL_ARCHIVE_MD5 = frozenset({"c58f30108f718f92721af3b95e74349a", "c32a1d4ab5d03f1284b67883e8d87530"})

FOLDERS = (".", "cifar10", "cifar-10", "CIFAR10")
# What can be verified comes first. The names with "target" are those of newer Keras versions.
LAYOUTS = (
    "cifar-10-batches-py",
    "cifar-10-batches-py-target/cifar-10-batches-py",
    "cifar-10-python.tar.gz",
    "cifar-10-batches-py.tar.gz",
    "cifar-10-batches-py-target_archive",
    "cifar-10-batches-py-target.tar.gz",
    "cifar-10-binary.tar.gz",
    "cifar-10-batches-bin",
    ".",
)


class Batch(NamedTuple):
    """The bytes of one batch as stored; `path` is the file to name when they are wrong."""

    name: str
    data: bytes
    binary: bool
    path: Path


def read_cifar10(
    config: DatasetConfig, data_paths: DataPaths, *, progress: DownloadProgress | None = None
) -> Content:
    """Find the set in one of its layouts, or download it, and decode it.

    Raises:
        UserError: a file is broken, incomplete, or a pickle that is not plain data.
        DownloadError: nothing is found and the download fails.
    """
    found = find(data_paths)
    if found is None:
        (found,) = download_all(
            config.remote_files,
            data_paths,
            folder=config.name,
            title=config.title,
            looked_for="cifar-10-python.tar.gz or cifar-10-binary.tar.gz, or what is in them",
            progress=progress,
        )
    return decode(found, config)


def find(data_paths: DataPaths) -> Path | None:
    """A folder with six batches, or an archive; None if no place has one.

    Raises:
        UserError: the user's own folder has some of the batches, but not all.
    """
    for place in data_paths.searched:
        parts: list[tuple[Path, list[str]]] = []
        for candidate in (place / folder / layout for folder in FOLDERS for layout in LAYOUTS):
            if is_file(candidate):
                return candidate
            for suffix in ("", ".bin"):
                present = [f"{name}{suffix}" for name in BATCHES if is_file(candidate / f"{name}{suffix}")]
                if len(present) == len(BATCHES):
                    return candidate
                if present:
                    parts.append((candidate, present))
        # In a cache, a part is the trace of an unpacking that was broken off.
        if place == data_paths.data_dir and parts:
            folder, present = parts[0]
            suffix = ".bin" if present[0].endswith(".bin") else ""
            missing = [f"{name}{suffix}" for name in BATCHES if f"{name}{suffix}" not in present]
            raise incomplete(folder, present=present, missing=missing)
    return None


def matches_checksums(data_paths: DataPaths) -> bool:
    """Whether what is found is official, told by the MD5 sums of whole files; nothing is decoded.

    Raises:
        UserError: a file cannot be read, or the user's own folder has some of the batches, but not all.
    """
    found = find(data_paths)
    if found is None:
        return False
    if is_file(found):
        return checksum(found, "md5") in OFFICIAL_ARCHIVE_MD5
    return all(
        is_file(found / name) and checksum(found / name, "md5") == md5 for name, md5 in OFFICIAL_MD5.items()
    )


def decode(found: Path, config: DatasetConfig) -> Content:
    """Decode and verify a folder or an archive.

    One batch at a time is in memory besides the result.
    """
    is_archive, num_classes = is_file(found), len(config.all_classes)
    train_images = np.empty((5 * BATCH_COUNT, SIDE, SIDE, CHANNELS), dtype=np.uint8)
    test_images = np.empty((BATCH_COUNT, SIDE, SIDE, CHANNELS), dtype=np.uint8)
    train_labels = np.empty(5 * BATCH_COUNT, dtype=np.int64)
    test_labels = np.empty(BATCH_COUNT, dtype=np.int64)
    official = is_archive and checksum(found, "md5") in OFFICIAL_ARCHIVE_MD5
    matching = 0
    for batch in _archive_batches(found) if is_archive else _folder_batches(found):
        if not is_archive:
            matching += hashlib.md5(batch.data, usedforsecurity=False).hexdigest() == OFFICIAL_MD5[batch.name]
        if batch.name == "test_batch":
            _decode(batch, test_images, test_labels, num_classes)
        else:
            start = BATCHES.index(batch.name) * BATCH_COUNT
            part = slice(start, start + BATCH_COUNT)
            _decode(batch, train_images[part], train_labels[part], num_classes)
        del batch  # before the next one is read
    arrays = (train_images, train_labels, test_images, test_labels)
    official = official or matching == len(BATCHES)
    warning = (
        f"{config.title} in {found} is not known to be the official content (no published checksum "
        "matches); accuracies may differ from published ones"
    )
    provenance = Provenance(
        origin=str(found),
        status="official" if official else "unverified",
        digest=digest(*arrays),
        test_digest=digest(test_images, test_labels),
        warning=None if official else warning,
    )
    return Content(*arrays, provenance=provenance)


def _decode(batch: Batch, images: np.ndarray, labels: np.ndarray, num_classes: int) -> None:
    """Write the images (N, H, W, C) and labels (N,) of a batch into their part of the result."""
    found_labels, planes = _decode_binary(batch) if batch.binary else _decode_pickle(batch)
    labels[:] = check_labels(found_labels, num_classes, batch.path)
    images[:] = planes.reshape(-1, CHANNELS, SIDE, SIDE).transpose(0, 2, 3, 1)


def _folder_batches(folder: Path) -> Iterator[Batch]:
    binary = not is_file(folder / BATCHES[0])
    for name in BATCHES:
        path = folder / f"{name}.bin" if binary else folder / name
        yield Batch(name, _read_batch(path, binary=binary), binary, path)


def _read_batch(path: Path, *, binary: bool) -> bytes:
    if binary:
        return read_whole(path, limit=BATCH_COUNT * (1 + PIXEL_BYTES), expected=_binary_size())
    return read_whole(path, limit=LARGEST_PICKLE, expected="a pickled CIFAR-10 batch")


def _archive_batches(path: Path) -> Iterator[Batch]:
    """The batches of an archive, in its order, whichever of the two layouts it holds."""
    wanted = {f"{name}{suffix}": (name, bool(suffix)) for name in BATCHES for suffix in ("", ".bin")}
    missing = set(BATCHES)
    for member, data in members(path, wanted, largest=LARGEST_PICKLE):
        name, binary = wanted[member]
        if name in missing:
            missing.remove(name)
            yield Batch(name, data, binary, path / member)
        if not missing:
            return
    raise broken(path, expected="six CIFAR-10 batches", found=f"none named {', '.join(sorted(missing))}")


def _binary_size() -> str:
    return f"{BATCH_COUNT * (1 + PIXEL_BYTES)} bytes ({BATCH_COUNT} images of {1 + PIXEL_BYTES} bytes)"


def _decode_binary(batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    """Labels (N,) uint8 and planes (N, 3072) uint8 of records of one label and 3,072 pixels."""
    if len(batch.data) != BATCH_COUNT * (1 + PIXEL_BYTES):
        raise broken(batch.path, expected=_binary_size(), found=f"{len(batch.data)} bytes")
    records = np.frombuffer(batch.data, dtype=np.uint8).reshape(BATCH_COUNT, 1 + PIXEL_BYTES)
    return records[:, 0], records[:, 1:]


def _decode_pickle(batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    """Labels (N,) int64 and planes (N, 3072) uint8 of a pickled dict with `labels` and `data`."""
    expected = "a pickled CIFAR-10 batch"
    try:
        content = load_plain(batch.data)
        if not isinstance(content, dict):
            raise PlainPickleError("another object")
        # Keys are text or bytes, depending on the Python that wrote them.
        pixels = content.get(b"data", content.get("data"))
        labels = content.get(b"labels", content.get("labels"))
        if isinstance(labels, ArrayRecord):
            labels = labels.numpy().tolist()
        if not isinstance(pixels, ArrayRecord) or not isinstance(labels, list):
            raise PlainPickleError("a dict without an array 'data' and a list 'labels'")
        planes = pixels.numpy()
    except PlainPickleError as error:
        raise broken(batch.path, expected=expected, found=str(error)) from error
    if planes.shape != (BATCH_COUNT, PIXEL_BYTES) or planes.dtype != np.uint8:
        shape = f"({BATCH_COUNT}, {PIXEL_BYTES}) uint8"
        raise broken(batch.path, expected=f"data of shape {shape}", found=f"{planes.shape} {planes.dtype}")
    if len(labels) != BATCH_COUNT or not all(type(label) is int and 0 <= label < 256 for label in labels):
        raise broken(batch.path, expected=f"{BATCH_COUNT} labels from 0 to 9", found="other labels")
    return np.array(labels, dtype=np.int64), planes
