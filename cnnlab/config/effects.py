"""Settings that change nothing or miss their purpose, and settings that no training survives.

All are told from the config alone.

Some need to know how many images there are. Of a set with a fixed number that is known when the config is
read, of others when the images are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cnnlab.config.optimizers import Optimizer
from cnnlab.config.schedules import Constant, Schedule
from cnnlab.config.sections import LARGEST_FLOAT32, TrainingConfig
from cnnlab.datasets import DatasetConfig
from cnnlab.datasets.sizes import split_sizes
from cnnlab.errors import UserError
from cnnlab.language.fields import as_written
from cnnlab.language.source import Path_
from cnnlab.layers.graph import GraphNode
from cnnlab.wording import counted

Finding = tuple[Path_, str]
"""Which setting, and what is wrong with it."""

SMALLEST_FLOAT32 = 1.1754943508222875e-38
"""Subnormal numbers aside, which many processors take for 0."""


@dataclass(frozen=True)
class ImageCounts:
    """How many images train and validate."""

    train: int
    validation: int
    by_class: tuple[int, ...] | None = None
    """Of the training images; None before they are read."""


def known_counts(dataset: DatasetConfig) -> ImageCounts | None:
    """The counts of a set whose size needs no file to be read; None of others."""
    kind = type(dataset)
    fixed = isinstance(getattr(kind, "train_count", None), int) or "train_count" in kind.model_fields
    if not fixed or dataset.classes is not None or dataset.fold is not None:
        return None
    available = dataset.train_count
    try:
        used, validation = split_sizes(dataset, available=available)
    except UserError:  # loading says so
        return None
    return ImageCounts(used if used + validation <= available else used - validation, validation)


def impossible_settings(
    training: TrainingConfig, dataset: DatasetConfig, counts: ImageCounts | None
) -> Iterator[Finding]:
    """What no training comes through, or what keeps every weight as it is."""
    yield from _out_of_float32(training.optimizer)
    weights = _weights_by_class(training, dataset)
    if weights and not any(weights):
        yield ("training", "class_weights"), "all weights are 0, so nothing is learned; expected one above 0"
    elif weights and counts and counts.by_class and not _any_counts(weights, counts.by_class):
        message = "every class with training images has the weight 0, so nothing is learned"
        yield ("training", "class_weights"), message
    for section in ("early_stopping", "reduce_on_plateau"):
        rule = getattr(training, section)
        if rule and rule.monitor.endswith("accuracy") and rule.min_delta >= 1:
            message = (
                f"no accuracy rises by {rule.min_delta:g}, because 1 is the highest; expected less than 1"
            )
            yield ("training", section, "min_delta"), message
    if counts is None:
        return
    yield from _without_validation(training, dataset, counts)
    if training.drop_last and counts.train < training.batch_size:
        verb = "does" if counts.train == 1 else "do"
        message = (
            f"the {counted(counts.train, 'training image')} {verb} not fill a batch of "
            f"{training.batch_size:,}, so no "
            "batch is left; lower training.batch_size"
        )
        yield ("training", "drop_last"), message
        return
    steps = training.epochs * training.steps_per_epoch(counts.train)
    accumulated = training.optimizer.gradient_accumulation_steps
    if accumulated and accumulated > steps:
        message = (
            f"expected at most {steps:,}, the batches of the whole training, found {accumulated:,}; "
            "the weights would never change"
        )
        yield ("training", "optimizer", "gradient_accumulation_steps"), message


def idle_settings(
    training: TrainingConfig, dataset: DatasetConfig, counts: ImageCounts | None
) -> Iterator[Finding]:
    """What changes nothing, or next to nothing, about the result."""
    yield from _idle_patience(training)
    yield from _idle_schedule(training.optimizer.learning_rate, training.epochs)
    yield from _idle_optimizer(training, counts)
    yield from _idle_weights(training, dataset, counts)
    test_size = type(dataset).model_fields.get("test_size")
    if dataset.fold is not None and test_size and getattr(dataset, "test_size", None) != test_size.default:
        yield ("dataset", "test_size"), "has no effect: a fold tests (dataset.fold); leave it out"
    if getattr(dataset, "noise", 0) == 1:
        yield ("dataset", "noise"), "images of nothing but noise; there is nothing to learn"
    if counts is None:
        return
    if dataset.validation_size and not counts.validation:
        message = f"{as_written(dataset.validation_size)} of the images used is less than one; none validates"
        yield ("dataset", "validation_size"), message
    if training.drop_last and counts.train % training.batch_size == 0:
        message = f"the {counts.train:,} training images fill whole batches of {training.batch_size:,}"
        yield ("training", "drop_last"), message
    if training.batch_size > counts.train:
        uses = "all of them" if counts.train > 1 else "it"
        images = counted(counts.train, "training image")
        message = f"{training.batch_size:,} is more than the {images}; each step uses {uses}"
        yield ("training", "batch_size"), message


def idle_layers(nodes: Sequence[GraphNode]) -> Iterator[Finding]:
    """Layers that pass their input on unchanged."""
    for where, layer in ((node.where, node.layer) for node in nodes if node.layer.is_idle):
        fields = " or ".join(layer.idle_at)
        yield where, f"{layer.type()} passes its input on unchanged; change {fields}, or leave it out"


def scattering_layers(nodes: Sequence[GraphNode], dataset: DatasetConfig) -> Iterator[Finding]:
    """Layers that move images whose pixels are permuted: each pixel ends up among strangers."""
    if dataset.permute_pixels is None:
        return
    for where, layer in ((node.where, node.layer) for node in nodes if node.layer.moves_pixels):
        message = (
            f"{layer.type()} moves images after dataset.permute_pixels, so what they show is not moved as a "
            "whole; leave it out"
        )
        yield where, message


def silent_layers(nodes: Sequence[GraphNode]) -> Iterator[Finding]:
    """Layers that pass on the same numbers whatever they get."""
    for where, layer in ((node.where, node.layer) for node in nodes if node.layer.is_silent):
        fields = " or ".join(layer.silent_at)
        yield where, f"{layer.type()} passes on the same numbers for every image; change {fields}"


def _out_of_float32(optimizer: Optimizer) -> Iterator[Finding]:
    """Numbers that are infinite, or 0 where they must not be, once the network computes with them."""
    rate = optimizer.learning_rate
    where: Path_ = ("training", "optimizer", "learning_rate")
    found: list[tuple[Path_, float]] = [(where, rate.initial)]
    if not isinstance(rate, Constant) or rate.warm_up:
        names = [name for name in ("initial", "peak", "final") if hasattr(rate, name)]
        found = [((*where, name), getattr(rate, name)) for name in names]
    found += [
        (("training", "optimizer", name), value)
        for name in type(optimizer).model_fields
        if isinstance(value := getattr(optimizer, name), float)
    ]
    for path, value in found:
        if value > LARGEST_FLOAT32:
            yield path, f"{value:g} is infinite in float32; expected at most 3.4e38"
        elif 0 < value < SMALLEST_FLOAT32:
            yield path, f"{value:g} is 0 in float32; expected at least 1.2e-38"


def _weights_by_class(training: TrainingConfig, dataset: DatasetConfig) -> list[float]:
    """The weights that are given by name, one for each class; empty where there are none."""
    wanted = training.class_weights
    return [wanted.get(name, 1.0) for name in dataset.class_names] if isinstance(wanted, dict) else []


def _any_counts(weights: Sequence[float], counts: Sequence[int]) -> bool:
    return any(weight and count for weight, count in zip(weights, counts, strict=True))


def _without_validation(
    training: TrainingConfig, dataset: DatasetConfig, counts: ImageCounts
) -> Iterator[Finding]:
    """A fraction so small that it is no image, where validation images are needed."""
    if counts.validation or not dataset.validation_size:
        return
    monitors = [getattr(training, each) for each in ("early_stopping", "reduce_on_plateau")]
    needed = training.keep == "best" or any(rule and rule.monitor.startswith("val_") for rule in monitors)
    if needed:
        message = f"{as_written(dataset.validation_size)} of the images used is less than one"
        yield ("dataset", "validation_size"), f"{message}; the training needs validation images"


def _idle_patience(training: TrainingConfig) -> Iterator[Finding]:
    """Rules that first act after the last epoch; the first epoch always counts as an improvement."""
    stopping, plateau = training.early_stopping, training.reduce_on_plateau
    latest = training.epochs - 2
    for section, rule, act in (
        ("early_stopping", stopping, "training is never stopped early"),
        ("reduce_on_plateau", plateau, "the learning rate is never reduced"),
    ):
        if rule and rule.patience > latest:
            message = f"has no effect in {counted(training.epochs, 'epoch')}: {act}"
            way_out = f"; expected at most {latest}" if latest >= 1 else ""
            yield ("training", section, "patience"), message + way_out
    if (
        stopping and plateau and stopping.patience <= plateau.patience
        and (stopping.monitor, stopping.min_delta) == (plateau.monitor, plateau.min_delta)
    ):  # fmt: skip
        message = (
            "has no effect: training.early_stopping, whose patience is not longer, stops before the learning "
            "rate is reduced"
        )
        yield ("training", "reduce_on_plateau", "patience"), message


def _idle_schedule(rate: Schedule, epochs: int) -> Iterator[Finding]:
    if not rate.changes:
        return
    from cnnlab.config.changing_rates import Cosine, OneCycle, Step

    where: Path_ = ("training", "optimizer", "learning_rate")
    left = epochs - rate.warm_up
    match rate:
        case Step() if rate.every >= left > 0:
            message = f"has no effect: the rate first changes after {counted(rate.every, 'epoch')}"
            after = " after the warm-up" if rate.warm_up else ""
            yield (*where, "every"), f"{message}; the training has {left:g}{after}"
        case Cosine() if rate.final == rate.initial:
            yield (*where, "final"), "has no effect: the rate begins and ends the same"
        case OneCycle() if rate.peak <= rate.initial:
            yield (*where, "peak"), f"the rate does not rise; expected more than initial, {rate.initial:g}"
        case _:
            pass


def _idle_optimizer(training: TrainingConfig, counts: ImageCounts | None) -> Iterator[Finding]:
    optimizer, where = training.optimizer, ("training", "optimizer")
    for name in ("weight_decay", "adam_weight_decay"):
        off = type(optimizer).model_fields[name].default is None if hasattr(optimizer, name) else False
        if off and getattr(optimizer, name) == 0:
            yield (*where, name), "has no effect at 0; leave it out"
    if optimizer.use_ema and not optimizer.ema_momentum:
        yield (*where, "ema_momentum"), "at 0 the moving average is the weights themselves; leave use_ema out"
    if counts is None:
        return
    steps = training.steps_per_epoch(counts.train)
    total = steps * training.epochs
    accumulated = optimizer.gradient_accumulation_steps
    if accumulated and steps < accumulated <= total:
        message = (
            f"an epoch has only {steps:,} batches; the weights change "
            f"{counted(total // accumulated, 'time')} in the whole training"
        )
        yield (*where, "gradient_accumulation_steps"), message
    updates = total // (accumulated or 1)
    if optimizer.use_ema and (every := optimizer.ema_overwrite_frequency) and every > total:
        message = f"has no effect: the training has {counted(total, 'step')}"
        yield (*where, "ema_overwrite_frequency"), message
    if optimizer.use_ema and (reach := 1 / (1 - optimizer.ema_momentum)) > updates > 0:
        message = (
            f"the average reaches back over {reach:,.0f} steps, but the training has {updates:,}; it would "
            "still be near the first weights"
        )
        yield (*where, "ema_momentum"), message


def _idle_weights(
    training: TrainingConfig, dataset: DatasetConfig, counts: ImageCounts | None
) -> Iterator[Finding]:
    where: Path_ = ("training", "class_weights")
    weights = _weights_by_class(training, dataset)
    if weights and all(weight == 1 for weight in weights):
        yield where, "has no effect: every class has the weight 1"
    elif weights and sum(weight > 0 for weight in weights) == 1:
        only = dataset.class_names[next(index for index, weight in enumerate(weights) if weight > 0)]
        yield where, f"only {only} has a weight above 0; the network learns to predict nothing else"
    if counts is None or counts.by_class is None:
        return
    if training.class_weights == "balanced" and len(set(counts.by_class)) == 1:
        yield where, "has no effect: every class has the same number of training images"
    if isinstance(training.class_weights, dict):
        for name, count in zip(dataset.class_names, counts.by_class, strict=True):
            if name in training.class_weights and not count:
                yield (*where, name), "has no effect: this class has no training images"
