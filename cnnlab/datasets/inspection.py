"""What is in a dataset: counts, values and duplicates."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cnnlab.datasets.content import Content
from cnnlab.datasets.splits import channel_statistics


@dataclass(frozen=True)
class ClassCount:
    """How many images a class has."""

    name: str
    train: int
    test: int


@dataclass(frozen=True)
class Duplicates:
    """Images that equal another one, pixel for pixel."""

    train: int
    """Training images that equal an earlier training image."""

    test: int
    """Test images that equal an earlier test image."""

    test_in_train: int
    """Test images that equal a training image: what a network saw in training cannot test it."""

    contradicting: int
    """Images that equal an earlier one of another class."""

    examples: tuple[tuple[int, int], ...]
    """(index of the test image, index of the training image) of the first ones in both."""


@dataclass(frozen=True)
class Inspection:
    """What all images of a dataset say of it; pixel values are raw, from 0 to 255."""

    image_shape: tuple[int, ...]
    classes: tuple[ClassCount, ...]
    lowest: int
    highest: int
    mean: tuple[float, ...]
    """Of each channel, over the training images."""

    std: tuple[float, ...]
    duplicates: Duplicates

    @property
    def warnings(self) -> list[str]:
        """What a user should know before training, in sentences."""
        found = []
        counts = [each.train for each in self.classes]
        if max(counts) >= 3 * max(1, min(counts)):
            largest, smallest = max(self.classes, key=_train), min(self.classes, key=_train)
            found.append(
                f"classes differ in size: {largest.train:,} training images of {largest.name}, "
                f"{smallest.train:,} of {smallest.name}; accuracy favors the larger ones"
            )
        found += [f"no test images of {each.name}" for each in self.classes if not each.test]
        if self.duplicates.test_in_train:
            found.append(
                f"test images that are also training images: {self.duplicates.test_in_train:,}; the test "
                "accuracy will be too high"
            )
        if self.duplicates.contradicting:
            found.append(f"equal images of different classes: {self.duplicates.contradicting:,}")
        if self.lowest == self.highest:
            found.append(f"all pixels have the value {self.lowest}")
        return found

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "warnings": self.warnings}


def _train(count: ClassCount) -> int:
    return count.train


def inspect_content(content: Content, class_names: Sequence[str]) -> Inspection:
    """Look through all images of a dataset."""
    train, test = content.train_images, content.test_images
    counts = [
        np.bincount(labels, minlength=len(class_names))
        for labels in (content.train_labels, content.test_labels)
    ]
    mean, std = channel_statistics(train)
    return Inspection(
        image_shape=tuple(int(side) for side in train.shape[1:]),
        classes=tuple(
            ClassCount(name, int(counts[0][index]), int(counts[1][index]))
            for index, name in enumerate(class_names)
        ),
        lowest=int(min(part.min() for part in (train, test))),
        highest=int(max(part.max() for part in (train, test))),
        mean=tuple(mean.tolist()),
        std=tuple(std.tolist()),
        duplicates=find_duplicates(content),
    )


def find_duplicates(content: Content) -> Duplicates:
    """Compare all images with each other, by a hash of their pixels."""
    first: dict[bytes, tuple[str, int, int]] = {}  # hash → part, index and label of the first such image
    train = test = contradicting = 0
    shared: list[tuple[int, int]] = []
    for part, images, labels in (
        ("train", content.train_images, content.train_labels),
        ("test", content.test_images, content.test_labels),
    ):
        seen: set[bytes] = set()
        for index, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
            key = hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()
            earlier = first.setdefault(key, (part, index, label))
            contradicting += earlier[2] != label
            if key in seen:
                train, test = train + (part == "train"), test + (part == "test")
            seen.add(key)
            if part == "test" and earlier[0] == "train":
                shared.append((index, earlier[1]))
    return Duplicates(train, test, len(shared), contradicting, tuple(shared[:10]))
