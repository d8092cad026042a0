"""The cache of decoded images: raw pixels in files that are mapped, under a key that says what is in them."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import filelock
import numpy as np

from cnnlab.datasets.content import Content, Provenance, digest
from cnnlab.errors import CnnlabError

FORMAT = "1"
"""Counts up when decoding changes: older caches are then left alone."""


@dataclass(frozen=True)
class Decoded:
    """What decoding gives besides the pixels: labels (N,) int64, and what is wrong with images left out."""

    labels: np.ndarray
    bad: list[str]


def key_of(*facts: str) -> str:
    """A folder's name that stands for everything the pixels depend on."""
    sha = hashlib.sha256(FORMAT.encode())
    for fact in facts:
        sha.update(b"\n" + os.fsencode(fact))
    return sha.hexdigest()[:32]


def cached(
    folder: Path,
    *,
    origin: str,
    image_shape: tuple[int, ...],
    train: Callable[[BinaryIO], Decoded],
    test: Callable[[BinaryIO], Decoded],
) -> Content:
    """The images in a folder of the cache; where it is not there, `train` and `test` write its pixels.

    The folder takes its name once it is whole. A second process waits for the first.

    Raises:
        CnnlabError: the cache cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder.parent / f".{folder.name}.lock"):
            if not folder.is_dir():
                partial = folder.parent / f".{folder.name}.partial"
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir()
                try:
                    _write(partial, image_shape, train, test)
                    partial.rename(folder)
                finally:
                    shutil.rmtree(partial, ignore_errors=True)
        return _mapped(folder, origin)
    except OSError as error:
        raise CnnlabError(
            f"{folder}: the cache of decoded images cannot be written: {error.strerror or error}\n"
            "   free some disk space, or set CNNLAB_CACHE to another folder"
        ) from error


def _write(
    folder: Path,
    image_shape: tuple[int, ...],
    train: Callable[[BinaryIO], Decoded],
    test: Callable[[BinaryIO], Decoded],
) -> None:
    shapes, bad, arrays = {}, [], []
    for part, decode in (("train", train), ("test", test)):
        with (folder / f"{part}_images.u8").open("wb") as file:
            decoded = decode(file)
        shapes[part] = [len(decoded.labels), *image_shape]
        bad += decoded.bad
        np.save(folder / f"{part}_labels.npy", decoded.labels)
        arrays += [_images(folder, part, shapes[part]), decoded.labels]
    facts = {
        "shapes": shapes,
        "digest": digest(*arrays),
        "test_digest": digest(*arrays[2:]),
        "bad": bad,
    }
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


def _mapped(folder: Path, origin: str) -> Content:
    try:
        return _read(folder, origin)
    except (ValueError, LookupError, TypeError, EOFError, RecursionError) as error:
        raise CnnlabError(
            f"{folder}: this cache of decoded images is damaged; remove the folder, and it is made anew"
        ) from error


def _read(folder: Path, origin: str) -> Content:
    facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    parts = []
    for part in ("train", "test"):
        parts += [_images(folder, part, facts["shapes"][part]), np.load(folder / f"{part}_labels.npy")]
    bad = facts["bad"]
    warning = f"{len(bad)} images cannot be used and were left out; the first: {bad[0]}" if bad else None
    provenance = Provenance(origin, "unverified", facts["digest"], facts["test_digest"], warning)
    return Content(parts[0], parts[1], parts[2], parts[3], provenance)


def _images(folder: Path, part: str, shape: list[int]) -> np.ndarray:
    """(N, H, W, C) uint8, mapped; an empty file cannot be."""
    if not math.prod(shape):
        return np.empty(shape, dtype=np.uint8)
    return np.memmap(folder / f"{part}_images.u8", dtype=np.uint8, mode="r", shape=tuple(shape))
