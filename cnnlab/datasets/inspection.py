"""What is in a dataset: counts, values and duplicates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cnnlab.datasets.content import Content, PartName
from cnnlab.datasets.equal_images import pixel_hash
from cnnlab.datasets.splits import channel_statistics
from cnnlab.foreign_text import printable

NAMED = 10
"""So many pairs of equal images are named, of each kind."""


@dataclass(frozen=True)
class ClassCount:
    """How many images a class has."""

    name: str
    train: int
    validation: int | None
    """None where validation images are split off the training images."""

    test: int


@dataclass(frozen=True)
class EqualPair:
    """Two images that are equal, pixel for pixel."""

    part: PartName
    place: str | int
    """The file, or the index in the source's arrays."""

    earlier_part: PartName
    earlier_place: str | int
    same_class: bool

    def __str__(self) -> str:
        equal = f"{_shown(self.part, self.place)} = {_shown(self.earlier_part, self.earlier_place)}"
        return equal if self.same_class else f"{equal} (of different classes)"


@dataclass(frozen=True)
class Duplicates:
    """Images that equal another one, pixel for pixel."""

    train: int
    """Training images that equal an earlier training image."""

    validation: int
    """Validation images that equal an earlier validation image."""

    test: int
    """Test images that equal an earlier test image."""

    validation_in_train: int
    """Validation images that equal a training image: the validation accuracy is then too high."""

    test_in_train: int
    """Test images that equal a training image: what a network saw in training cannot test it."""

    test_in_validation: int
    """Test images that equal a validation image, and so helped to choose the network."""

    contradicting: int
    """Images that equal an earlier one of another class."""

    examples: tuple[tuple[str | int, str | int], ...]
    """(test image, training image) of the first ones in both: files, or indices in the source's arrays."""

    pairs: tuple[EqualPair, ...]
    """The first pairs within each part and between each two, of one class and of different classes."""

    def listed(self) -> list[list[EqualPair]]:
        """The first pairs of each two parts, those between different parts first."""
        found: dict[tuple[PartName, PartName], list[EqualPair]] = {}
        for each in sorted(self.pairs, key=lambda pair: pair.part == pair.earlier_part):
            found.setdefault((each.part, each.earlier_part), []).append(each)
        return list(found.values())


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
    def has_validation(self) -> bool:
        """Whether the source has validation images of its own."""
        return self.classes[0].validation is not None

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
        found += [f"no validation images of {each.name}" for each in self.classes if each.validation == 0]
        for part, other, count in (
            ("test", "training", self.duplicates.test_in_train),
            ("test", "validation", self.duplicates.test_in_validation),
            ("validation", "training", self.duplicates.validation_in_train),
        ):
            if count:
                found.append(
                    f"{part} images that are also {other} images: {count:,}; the {part} accuracy will be too "
                    "high"
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


def inspect_content(content: Content, class_names: Sequence[str], duplicates: Duplicates) -> Inspection:
    """Look through all images of a dataset, in which `duplicates` have been found."""
    parts = content.parts
    counts = {
        name: np.bincount(part.labels, minlength=len(class_names)).tolist() for name, part in parts.items()
    }
    mean, std = channel_statistics(content.train_images)
    return Inspection(
        image_shape=tuple(int(side) for side in content.train_images.shape[1:]),
        classes=tuple(
            ClassCount(
                name,
                train=counts["train"][index],
                validation=counts["validation"][index] if "validation" in counts else None,
                test=counts["test"][index],
            )
            for index, name in enumerate(class_names)
        ),
        lowest=int(min(part.images.min() for part in parts.values())),
        highest=int(max(part.images.max() for part in parts.values())),
        mean=tuple(mean.tolist()),
        std=tuple(std.tolist()),
        duplicates=duplicates,
    )


def find_duplicates(content: Content) -> Duplicates:
    """Compare all images with each other, by a hash of their pixels."""
    seen: dict[
        bytes, dict[PartName, tuple[int, int]]
    ] = {}  # hash → index and label of its first in each part
    counts: Counter[tuple[PartName, PartName]] = Counter()
    pairs: dict[tuple[PartName, PartName, bool], list[EqualPair]] = {}
    examples: list[tuple[str | int, str | int]] = []
    contradicting = 0

    def place(part: PartName, index: int) -> str | int:
        return content.places[part].item(index) if part in content.places else index

    for name, part in content.parts.items():
        for index, (image, label) in enumerate(zip(part.images, part.labels.tolist(), strict=True)):
            earlier = seen.setdefault(pixel_hash(image), {})
            for other, (first, other_label) in earlier.items():
                counts[name, other] += 1
                some = pairs.setdefault((name, other, label == other_label), [])
                if len(some) < NAMED:
                    equal = EqualPair(
                        name, place(name, index), other, place(other, first), label == other_label
                    )
                    some.append(equal)
                    if (name, other) == ("test", "train") and len(examples) < NAMED:
                        examples.append((equal.place, equal.earlier_place))
            contradicting += bool(earlier) and next(iter(earlier.values()))[1] != label
            earlier.setdefault(name, (index, label))
    return Duplicates(
        train=counts["train", "train"],
        validation=counts["validation", "validation"],
        test=counts["test", "test"],
        validation_in_train=counts["validation", "train"],
        test_in_train=counts["test", "train"],
        test_in_validation=counts["test", "validation"],
        contradicting=contradicting,
        examples=tuple(examples),
        pairs=tuple(each for some in pairs.values() for each in some),
    )


def _shown(part: PartName, place: str | int) -> str:
    if isinstance(place, int):
        return f"{'training' if part == 'train' else part} {place}"
    return printable(place, keep="")
