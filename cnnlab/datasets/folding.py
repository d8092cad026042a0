"""Training images → folds: stratified, and with all copies of a picture in one of them."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cnnlab.datasets.base import DatasetConfig
from cnnlab.datasets.content import Content, PartName, Split, part_digests
from cnnlab.datasets.memory_mapped import taken
from cnnlab.errors import UserError
from cnnlab.wording import counted

_STREAM = 0xF01D
"""Keeps these random numbers apart from those that images are drawn, distorted and permuted with."""


def one_fold(content: Content, config: DatasetConfig) -> Content:
    """The images of one fold as test images, those of the others as training images, each in their order.

    Test images that the source has of its own are left out; its own validation images stay.

    Args:
        content: the chosen classes, with its `pictures`.

    Raises:
        UserError: a class has fewer different pictures than there are folds.
    """
    fold, pictures, labels = config.fold, content.pictures, content.train_labels
    if fold is None or pictures is None:
        raise ValueError("neither a fold nor pictures to tell apart")
    _check_classes(labels, pictures, config.class_names, fold.of)
    is_test = draw_folds(labels, pictures, of=fold.of, seed=config.seed) == fold.index

    def part(chosen: np.ndarray) -> Split:
        return Split(taken(content.train_images, np.flatnonzero(chosen)), labels[chosen])

    train, test = part(~is_test), part(is_test)
    if len(untrained := np.setdiff1d(labels, train.labels)):
        raise UserError(
            f"dataset.fold: all images of class {config.class_names[untrained[0]]!r} are in one fold, since "
            "copies of them are in other classes\n   cnnlab data check lists equal images; remove them"
        )
    source = content.places.get("train", np.arange(len(labels)))
    places: dict[PartName, np.ndarray] = {"train": source[~is_test], "test": source[is_test]}
    parts: dict[PartName, Split] = {"train": train}
    if content.validation is not None:
        parts["validation"] = content.validation
    whole, tested = part_digests(parts | {"test": test})
    return replace(
        content,
        train_images=train.images,
        train_labels=train.labels,
        test_images=test.images,
        test_labels=test.labels,
        places={**content.places, **places},
        pictures=None,
        provenance=replace(content.provenance, digest=whole, test_digest=tested, fold=fold.model_dump()),
    )


def draw_folds(labels: np.ndarray, pictures: np.ndarray, *, of: int, seed: int) -> np.ndarray:
    """Divide images into folds that have as many of each class as possible.

    Copies of a picture come first, the most frequent picture before the others, each in the fold that has the
    fewest images of its classes. The other images of a class then fill the folds to one level. So folds
    differ by at most one image of a class, unless copies of a picture make it impossible.

    Args:
        labels: (N,) int64.
        pictures: (N,) int64, equal for copies of one picture.
        of: how many folds.

    Returns:
        (N,) int64, the fold of each image, from 0 to of - 1.
    """
    # The raw output of PCG64 is the same in all versions of NumPy (NEP 19).
    tickets = np.random.PCG64(np.random.SeedSequence((seed, _STREAM))).random_raw(len(labels))
    folds = np.full(len(labels), -1, dtype=np.int64)
    counts = np.zeros((int(labels.max()) + 1, of), dtype=np.int64)  # [class, fold]
    for copies in _copies(pictures, tickets):
        classes = labels[copies]
        fold = int(np.lexsort((counts.sum(axis=0), counts[classes].sum(axis=0)))[0])
        folds[copies] = fold
        np.add.at(counts, (classes, fold), 1)
    sizes = counts.sum(axis=0).tolist()
    for label, of_class in enumerate(counts.tolist()):
        members = np.flatnonzero((labels == label) & (folds < 0))
        members = members[np.argsort(tickets[members], kind="stable")]
        level = [(count, size, fold) for fold, (count, size) in enumerate(zip(of_class, sizes, strict=True))]
        heapq.heapify(level)
        for image in members.tolist():
            count, size, fold = level[0]
            folds[image] = fold
            heapq.heapreplace(level, (count + 1, size + 1, fold))
        for _, size, fold in level:
            sizes[fold] = size
    return folds


def _copies(pictures: np.ndarray, tickets: np.ndarray) -> list[np.ndarray]:
    """The images of each picture that is there more than once, ascending; most copies first, then drawn."""
    order = np.argsort(pictures, kind="stable")
    starts = np.flatnonzero(np.diff(pictures[order])) + 1
    several = [group for group in np.split(order, starts) if len(group) > 1]
    return sorted(several, key=lambda group: (-len(group), int(tickets[group[0]])))


def _check_classes(labels: np.ndarray, pictures: np.ndarray, class_names: Sequence[str], of: int) -> None:
    """Every fold tests, and every training learns, each class.

    Raises:
        UserError: a class has too few images, or too few that are no copies of another.
    """
    images = np.bincount(labels, minlength=len(class_names)).tolist()
    shown = np.unique(np.stack([labels, pictures], axis=1), axis=0)[:, 0]
    different = np.bincount(shown, minlength=len(class_names)).tolist()
    most = min(different)
    remedy = f"use at most {most} folds, or add" if most >= 2 else "add"
    for name, count, pictures_shown in zip(class_names, images, different, strict=True):
        if pictures_shown < of:
            has = counted(count, "training image")
            if pictures_shown < count:
                has += f" of {counted(pictures_shown, 'different picture')}, whose copies stay in one fold"
            raise UserError(
                f"dataset.fold: class {name!r} has {has}: fewer than the {of} folds\n"
                f"   {remedy} images of this class"
            )
