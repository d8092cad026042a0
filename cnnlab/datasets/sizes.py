"""How many images train and validate, told without reading any: the config reader asks, too. No NumPy."""

from __future__ import annotations

from cnnlab.datasets.base import DatasetConfig
from cnnlab.errors import UserError


def split_sizes(config: DatasetConfig, *, available: int) -> tuple[int, int]:
    """(training images used, validation images) out of so many available training images.

    Raises:
        UserError: more are wanted than there are.
    """
    used = used_size(config, available=available)
    size = config.validation_size
    validating = round(size * used) if isinstance(size, float) else size
    if used + validating > available and validating >= used:
        raise UserError(
            f"dataset.validation_size: expected fewer than the {used} training images used, "
            f"found {validating}\n"
            "   lower it: some images must be left to train on"
        )
    return used, validating


def used_size(config: DatasetConfig, *, available: int) -> int:
    """How many of the available training images are used; validation images not counted.

    Raises:
        UserError: more are wanted than there are.
    """
    used = available if config.train_size is None else config.train_size
    if used > available:
        there = (
            f"the files of this {config.title} hold no more"
            if config.fold is None
            else f"the other folds of this {config.title} hold no more"
        )
        raise UserError(
            f"dataset.train_size: expected at most {available} training images, found {used}\n"
            f"   {there}; lower train_size, or leave it out to use all"
        )
    return used
