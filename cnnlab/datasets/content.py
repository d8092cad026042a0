"""What loading gives: raw arrays with their provenance, then splits with their pixel scale. Values only."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from cnnlab.datasets.left_out import LeftOut

Status = Literal["official", "unverified", "different", "generated"]
"""official: a published or known checksum matches. different: the set's official content is known and
this is not it. unverified: no checksum matches, but none of the decoded content is known either.
generated: cnnlab drew it."""

PartName = Literal["train", "validation", "test"]
"""What images are for."""


@dataclass(frozen=True)
class Provenance:
    """Where the images come from and what exactly they are: what a run records of its data."""

    origin: str
    """A path, a URL, or "generated"."""

    status: Status

    digest: str
    """SHA-256 of all decoded arrays: shapes, pixels and labels of training and test images, and between them
    of validation images where the source has them apart."""

    test_digest: str
    """SHA-256 of the raw test images and labels: equal where two experiments have the same test set."""

    warning: str | None = None
    """What the user should know: the content is not known to be the official one, or images are left out."""

    permute_pixels: Mapping[str, int] | None = None
    """The setting, where the pixels of the splits are permuted; the digests are those of the raw images."""

    label_noise: Mapping[str, float] | None = None
    """The setting, and how many training labels are `changed`; the digests are those of the true labels."""

    fold: Mapping[str, int] | None = None
    """The setting, where a fold of the training images tests; the digests are those of its images."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON, without what was not done."""
        done = asdict(self)
        return {key: each for key, each in done.items() if each is not None or key == "warning"}


@dataclass(frozen=True, eq=False)
class Content:
    """A source as decoded, before splits. Images are (N, H, W, C) uint8, labels (N,) int64."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    provenance: Provenance
    validation: Split | None = None
    """Images that the source sets apart for validation; None where they are split off the training images."""

    places: Mapping[PartName, np.ndarray] = field(default_factory=dict)
    """(N,) where each image lies in the source: a file such as "train/cat/001.png", or its index there; of a
    part that is missing, the indices are those of its images."""

    pictures: np.ndarray | None = None
    """(N,) int64, equal for training images that are the same picture, before they are distorted; only where
    folds are made of them."""

    left_out: tuple[LeftOut, ...] = ()
    """Files of the source that are not read."""

    notes: tuple[str, ...] = ()
    """How the files were understood, in sentences, where that is not the only way."""

    @property
    def parts(self) -> dict[PartName, Split]:
        """The images by what they are for; training images first, test images last."""
        parts: dict[PartName, Split] = {"train": Split(self.train_images, self.train_labels)}
        if self.validation is not None:
            parts["validation"] = self.validation
        return parts | {"test": Split(self.test_images, self.test_labels)}

    @classmethod
    def generated(
        cls, *, train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]
    ) -> Content:
        """Images and labels that cnnlab drew, with their digests."""
        provenance = Provenance(
            origin="generated", status="generated", digest=digest(*train, *test), test_digest=digest(*test)
        )
        return cls(*train, *test, provenance=provenance)


@dataclass(frozen=True, eq=False)
class Split:
    """Images of one use and their classes.

    images: (N, *input_shape) uint8, raw pixels; a view of the decoded set where the images are
    neighbours in it. labels: (N,) int64, class indices.
    """

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True, eq=False)
class PixelScale:
    """How raw pixels become what the network sees: images / 255 · factor + offset, in float32.

    factor, offset: float32, broadcastable to one image in the dataset's data format: (1, 1, C), or
    (C, 1, 1) with channels first. By default factor is 1 and offset 0, and pixels are in [0, 1].
    """

    factor: np.ndarray
    offset: np.ndarray

    def apply(self, images: np.ndarray) -> np.ndarray:
        """Scale a batch.

        Args:
            images: (N, *input_shape) uint8.

        Returns:
            (N, *input_shape) float32.
        """
        scaled: np.ndarray = np.divide(images, np.float32(255), dtype=np.float32)
        scaled *= self.factor
        scaled += self.offset
        return scaled


@dataclass(frozen=True, eq=False)
class Dataset:
    """What a run trains, validates and tests on. Pixels stay uint8 until `pixels` scales a batch."""

    train: Split
    validation: Split
    """May be empty."""

    test: Split
    class_names: tuple[str, ...]
    pixels: PixelScale
    provenance: Provenance


def part_digests(parts: Mapping[PartName, Split]) -> tuple[str, str]:
    """`Provenance.digest` and `Provenance.test_digest` of images and labels."""
    arrays = [array for part in parts.values() for array in (part.images, part.labels)]
    return digest(*arrays), digest(*arrays[-2:])


def digest(*arrays: np.ndarray) -> str:
    """SHA-256 over dtype, shape and bytes of the arrays, in order, as lower-case hex."""
    sha = hashlib.sha256()
    for array in arrays:
        # The heading keeps arrays apart: moving a row from one to the next changes the digest.
        sha.update(f"{array.dtype.str} {array.shape}\n".encode())
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()
