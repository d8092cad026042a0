"""Which images train, which validate: sizes, then indices, then the scale that the training images set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cnnlab.datasets.base import DatasetConfig
from cnnlab.datasets.content import Content, Dataset, PartName, PixelScale, Split, part_digests
from cnnlab.datasets.folding import one_fold
from cnnlab.datasets.memory_mapped import taken
from cnnlab.datasets.sizes import split_sizes, used_size
from cnnlab.errors import UserError

PIXELS_AT_ONCE = 1 << 20
"""Statistics go through the images in portions, so that no wider copy of the whole set is ever made."""


def split(content: Content, config: DatasetConfig) -> Dataset:
    """Divide a source into training, validation and test images as the config asks.

    Where a fold tests, the training images are those of the other folds.

    The first `train_size` images train, or with `stratified` as many drawn with `seed`. The images that
    follow them validate where enough follow, or as many drawn from the rest; else a stratified part of the
    `train_size` is cut out. Where the source has validation images of its own, these validate, and nothing is
    cut out. Contiguous parts are views.

    Raises:
        UserError: the source has fewer images than the config wants.
    """
    content = chosen_images(content, config)
    images, labels = content.train_images, content.train_labels
    if content.validation is None:
        used, validating = split_sizes(config, available=len(images))
    else:
        used, validating = used_size(config, available=len(images)), 0
    if config.stratified and used < len(images):
        chosen = stratified(labels, used, seed=config.seed)
        enough_left = validating <= len(images) - used
        pool = np.flatnonzero(~chosen if enough_left else chosen)
        cut = np.zeros_like(chosen)
        cut[pool[stratified(labels[pool], validating, seed=config.seed)]] = True
        train, validation = _part(images, labels, chosen & ~cut), _part(images, labels, cut)
    elif used + validating <= len(images):
        train = Split(images[:used], labels[:used])
        validation = Split(images[used : used + validating], labels[used : used + validating])
    else:
        cut = stratified(labels[:used], validating, seed=config.seed)
        train = _part(images[:used], labels[:used], ~cut)
        validation = _part(images[:used], labels[:used], cut)
        if len(lost := np.setdiff1d(validation.labels, train.labels)):
            raise UserError(
                f"dataset.validation_size: takes all training images of class "
                f"{config.class_names[lost[0]]!r}: none is left to train on\n"
                "   lower it, set it to 0, or add images of this class"
            )
    return Dataset(
        train=_in_format(train, config),
        validation=_in_format(validation if content.validation is None else content.validation, config),
        test=_in_format(Split(content.test_images, content.test_labels), config),
        class_names=config.class_names,
        pixels=pixel_scale(train.images, config),
        provenance=content.provenance,
    )


def chosen_images(content: Content, config: DatasetConfig) -> Content:
    """The images of the chosen classes, and of these the config's fold as test images, where it has one.

    Raises:
        UserError: a class has too few images.
    """
    if config.class_names != config.all_classes:
        content = only_classes(content, config)
    return content if config.fold is None else one_fold(content, config)


def only_classes(content: Content, config: DatasetConfig) -> Content:
    """The images of the chosen classes, in their order, with new labels and digests of their own.

    Raises:
        UserError: a chosen class has no training image, or the choice no test image.
    """
    numbers = [config.all_classes.index(name) for name in config.class_names]
    renumbered = np.full(len(config.all_classes), -1, dtype=np.int64)
    renumbered[numbers] = np.arange(len(numbers))
    parts: dict[PartName, Split] = {}
    places: dict[PartName, np.ndarray] = {}
    for name, part in content.parts.items():
        labels = renumbered[part.labels]
        kept = labels >= 0
        parts[name] = _part(part.images, labels, kept)
        places[name] = content.places[name][kept] if name in content.places else np.flatnonzero(kept)
    train, test = parts["train"], parts["test"]
    for index, class_name in enumerate(config.class_names):
        if not np.any(train.labels == index):
            raise UserError(
                f"dataset.classes: {config.title} has no training images of {class_name!r}; leave this class "
                "out"
            )
    for name, part in parts.items():
        if not len(part) and not (name == "test" and config.fold is not None):
            raise UserError(f"dataset.classes: {config.title} has no {name} images of these classes")
    whole, tested = part_digests(parts)
    return replace(
        content,
        train_images=train.images,
        train_labels=train.labels,
        test_images=test.images,
        test_labels=test.labels,
        validation=parts.get("validation"),
        places=places,
        pictures=None
        if content.pictures is None
        else content.pictures[renumbered[content.train_labels] >= 0],
        provenance=replace(content.provenance, digest=whole, test_digest=tested),
    )


def stratified(labels: np.ndarray, count: int, *, seed: int) -> np.ndarray:
    """Draw images so that every class keeps its share: quotas by largest remainder, then at random.

    The draw uses the raw output of PCG64, which NumPy keeps the same in all versions (NEP 19), so a
    seed means the same images everywhere.

    Args:
        labels: (N,) int64.
        count: how many to draw, 0 ≤ count ≤ N.

    Returns:
        (N,) bool, True for `count` images.
    """
    drawn = np.zeros(len(labels), dtype=bool)
    tickets = np.random.PCG64(seed).random_raw(len(labels))
    classes, class_counts = np.unique(labels, return_counts=True)
    for class_index, quota in zip(classes, _quotas(class_counts, count), strict=True):
        members = np.flatnonzero(labels == class_index)
        order = np.argsort(tickets[members], kind="stable")
        drawn[members[order[:quota]]] = True
    return drawn


def _quotas(class_counts: np.ndarray, count: int) -> np.ndarray:
    """count · share per class, rounded so that the sum is count. Integers only: no rounding surprises."""
    total = int(class_counts.sum())
    quotas, remainders = np.divmod(class_counts.astype(np.int64) * count, total)
    most_cut_short = np.argsort(-remainders, kind="stable")[: count - int(quotas.sum())]
    quotas[most_cut_short] += 1
    return np.asarray(quotas)


def pixel_scale(images: np.ndarray, config: DatasetConfig) -> PixelScale:
    """The scale that the config asks for.

    Args:
        images: (N, H, W, C) uint8, the training images, whose statistics `standardize` uses.
    """
    channels = images.shape[-1]
    if config.standardize:
        mean, deviation = channel_statistics(images)
        deviation[deviation < 1e-6] = 255.0  # a channel of one value has nothing to stretch
        mean, deviation = mean / 255, deviation / 255
        factor, offset = 1 / deviation, -mean / deviation
    else:
        low, high = config.scale
        factor, offset = np.full(channels, high - low), np.full(channels, low)
    shape = (channels, 1, 1) if config.data_format == "channels_first" else (1, 1, channels)
    return PixelScale(factor.astype(np.float32).reshape(shape), offset.astype(np.float32).reshape(shape))


def channel_statistics(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each channel, from exact integer sums: (C,) float64 each, 0 to 255.

    Args:
        images: (N, H, W, C) uint8.
    """
    pixels = images.reshape(-1, images.shape[-1])  # (N·H·W, C)
    total = np.zeros(pixels.shape[1], dtype=np.int64)
    squares = np.zeros(pixels.shape[1], dtype=np.int64)
    for start in range(0, len(pixels), PIXELS_AT_ONCE):
        portion = pixels[start : start + PIXELS_AT_ONCE].astype(np.int32)
        total += portion.sum(axis=0, dtype=np.int64)
        squares += np.square(portion).sum(axis=0, dtype=np.int64)
    mean = total / len(pixels)
    return mean, np.sqrt(np.maximum(squares / len(pixels) - mean**2, 0.0))


def sample(part: Split, *, count: int, seed: int) -> np.ndarray:
    """At most so many images of a part, of each class its share, drawn with `seed`: ascending indices."""
    return np.flatnonzero(stratified(part.labels, min(count, len(part)), seed=seed))


def _part(images: np.ndarray, labels: np.ndarray, chosen: np.ndarray) -> Split:
    """The images that are `chosen`, (N,) bool; on the disk where the images are and memory would be short."""
    return Split(taken(images, np.flatnonzero(chosen)), labels[chosen])


def _in_format(part: Split, config: DatasetConfig) -> Split:
    """The images in the config's data format; a view, since only the axes change places."""
    if config.data_format == "channels_first":
        return Split(part.images.transpose(0, 3, 1, 2), part.labels)
    return part
