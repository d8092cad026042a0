"""Whether a training learns, told from what is seen at the end of each epoch. Pure functions of numbers.

Every rule asks for more than one sign, because a warning about a training that is well costs more trust than
a missing one: bench/false_alarms.py counts them over the shipped configs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from cnnlab.run_folders.contents import RunWarning
from cnnlab.run_folders.records import EpochRow

DEAD_SHARE = 0.95
"""From this share of silent units on, a ReLU layer counts as dead."""

STANDARD_ERRORS = 3.0
"""So far above the share of the most frequent class an accuracy counts as more than guessing."""

STILL = 1e-3
"""Weights that move by less, relative to their norm, in every epoch have not been trained."""

LARGE_MOVE = 0.1
"""Weights that have moved by less in every epoch have not been thrown about."""

EPOCHS_TO_JUDGE = 5
"""Slow starts are over by then; before, labels are not doubted."""

UPDATES_TO_JUDGE = 100
"""Nor are they after fewer changes of the weights, where nothing is learned yet."""

CLEAR_FALL = 0.05
"""An accuracy that is lower by less may have fallen by chance."""

SAME_FOR_ALL = 0.05
"""Probabilities that differ by less between any two images do not depend on the image."""


Warn = Callable[[str, str], RunWarning]
"""Kind, message → the warning of an epoch."""


@dataclass(frozen=True)
class Observation:
    """What was seen at the end of an epoch; NaN where it was not looked at."""

    same_class: float
    """The share of the class that is predicted most often, over the images that are watched."""

    spread: float
    """The largest difference between two images in the probability of one class."""

    moved: float
    """How far the weights have moved in the epoch, relative to their norm before it."""

    dead: tuple[float, ...]
    """By ReLU layer the share of units that are 0 for every image looked at."""

    def as_array(self) -> np.ndarray:
        """(3 + layers,) float64, as a checkpoint holds it."""
        return np.array([self.same_class, self.spread, self.moved, *self.dead])

    @classmethod
    def from_array(cls, values: Sequence[float] | np.ndarray) -> Self:
        """What `as_array` gave."""
        same_class, spread, moved, *dead = (float(each) for each in values)
        return cls(same_class, spread, moved, tuple(dead))

    @property
    def any_dead(self) -> bool:
        """Whether a ReLU layer is dead."""
        return any(share >= DEAD_SHARE for share in self.dead)


@dataclass(frozen=True)
class LabelCounts:
    """Images of one use, by class."""

    by_class: tuple[int, ...]

    @classmethod
    def of(cls, labels: np.ndarray, num_classes: int) -> Self:
        """Count labels: (N,) int."""
        return cls(tuple(np.bincount(labels, minlength=num_classes).tolist()))

    @property
    def images(self) -> int:
        return sum(self.by_class)

    @property
    def guessing(self) -> float:
        """The accuracy of whoever always predicts the most frequent class."""
        return max(self.by_class) / self.images if self.images else 1.0

    @property
    def bar(self) -> float:
        """The accuracy that guessing does not exceed; halfway to 1 at most, which is no guessing any more."""
        return min(self._highest_by_chance, (1 + self.guessing) / 2)

    @property
    def can_judge(self) -> bool:
        """Whether the images are so many, and so even by class, that guessing is told from learning."""
        return self._highest_by_chance < 1

    @property
    def _highest_by_chance(self) -> float:
        share = self.guessing
        return share + STANDARD_ERRORS * math.sqrt(share * (1 - share) / max(self.images, 1))


@dataclass(frozen=True)
class Circumstances:
    """What the rules need to know of a run besides its history."""

    train: LabelCounts
    validation: LabelCounts
    watched: LabelCounts
    """The images behind `Observation.same_class`."""

    class_names: tuple[str, ...]
    relu_layers: tuple[str, ...]
    entropy_loss: bool
    """Whether the loss is the plain cross-entropy, so that guessing costs log(num_classes)."""

    updates_per_epoch: float
    """How often the weights change in an epoch."""

    schedule: bool
    """Whether the learning rate changes by itself: it may begin low."""

    keeps_best: bool
    labels_are_known: bool = False
    """Whether nobody has to check the labels: they are drawn with the images, or wrong on purpose."""

    @property
    def guessing_loss(self) -> float:
        """The loss of whoever gives every class the same probability; infinite where that is not known."""
        return math.log(len(self.class_names)) if self.entropy_loss else math.inf


def predictions_seen(probabilities: np.ndarray) -> tuple[float, float]:
    """`Observation.same_class` and `spread` of some answers.

    Args:
        probabilities: (N, num_classes) float32, N ≥ 1.
    """
    predicted = np.bincount(probabilities.argmax(axis=1))
    with np.errstate(invalid="ignore"):  # a network that has diverged says so elsewhere
        spread = np.ptp(probabilities, axis=0).max()
    return float(predicted.max() / len(probabilities)), float(spread)


def looks_suspicious(row: EpochRow, seen: tuple[float, float], circumstances: Circumstances) -> bool:
    """Whether an epoch gives reason to look into the layers."""
    same_class, spread = seen
    return same_class == 1.0 or spread < SAME_FOR_ALL or _accuracy(row) <= circumstances.train.bar


def diagnose(
    history: Sequence[EpochRow],
    observations: Sequence[Observation],
    circumstances: Circumstances,
    *,
    ended: bool,
    before: Sequence[RunWarning] | None = None,
) -> tuple[RunWarning, ...]:
    """Everything that is wrong with a training so far, each with the first epoch in which it was seen.

    The same numbers give the same warnings, also in a run that was interrupted in between.

    Args:
        observations: one for each row of the history.
        ended: whether no epoch follows.
        before: what was found up to the last epoch but one; None: all epochs are judged, not only the last.
    """
    found = {(warning.kind, warning.layer): warning for warning in before or ()}
    for epoch in range(1 if before is None else len(history), len(history) + 1):
        last = ended and epoch == len(history)
        for warning in _of_epoch(history[:epoch], observations[:epoch], circumstances, last):
            found.setdefault((warning.kind, warning.layer), warning)
    return tuple(found.values())


def _of_epoch(
    history: Sequence[EpochRow],
    observations: Sequence[Observation],
    circumstances: Circumstances,
    last: bool,
) -> Iterator[RunWarning]:
    epoch = len(history)

    def warning(kind: str, message: str, layer: str | None = None) -> RunWarning:
        return RunWarning(kind=kind, epoch=epoch, layer=layer, message=message)

    if sum(count > 0 for count in circumstances.train.by_class) == 1:
        name = circumstances.class_names[int(np.argmax(circumstances.train.by_class))]
        yield warning(
            "constant_labels",
            f"all training images are of the class {name}, so there is nothing to learn; check the labels",
        )
        return
    rate = f"training.optimizer.learning_rate (it is {history[-1]['learning_rate']:g})"
    for layer, share in zip(circumstances.relu_layers, observations[-1].dead, strict=True):
        if share >= DEAD_SHARE:
            units = "all units are" if share == 1 else f"{share:.0%} of the units are"
            yield warning(
                "dead_relu",
                f"{layer}: {units} 0 for every image looked at; a ReLU that is always 0 gets no gradient. "
                f"Lower {rate}, use kernel_initializer: he_normal, or LeakyReLU instead of ReLU",
                layer,
            )
    if _constant_predictions(observations, circumstances, last):
        yield warning(
            "constant_predictions",
            f"the same class is predicted for every image. Change {rate}: lower it if the loss jumps, raise "
            "it if the loss stands still",
        )
    if risen := _exploded(history, circumstances):
        yield warning("exploding_loss", f"the loss {risen}. Lower {rate}, or set clipnorm")
    dead = any(each.any_dead for each in observations)
    if _too_slow(history, observations, circumstances, last) and not dead:
        yield warning(
            "learning_rate_low",
            f"the weights hardly change: by {_largest_move(observations):.2g} of their norm in an epoch, and "
            f"the loss stays at {_loss(history[-1]):.4g}. Raise {rate}",
        )
    elif thrown := _thrown_about(history, observations, circumstances, last):
        yield warning("learning_rate_high", f"{thrown}. Lower {rate}")
    elif not dead:
        yield from _without_relation(history, observations, circumstances, last, warning)


def _constant_predictions(
    observations: Sequence[Observation], circumstances: Circumstances, last: bool
) -> bool:
    """One epoch may stray, where another follows or the best is kept."""
    if circumstances.watched.guessing > 0.9 or observations[-1].same_class != 1.0:  # NaN: not looked at
        return False
    again = len(observations) > 1 and observations[-2].same_class == 1.0
    return again or (last and not circumstances.keeps_best)


def _exploded(history: Sequence[EpochRow], circumstances: Circumstances) -> str | None:
    """How the loss has risen far above what it was, or above what guessing costs; None where it has not."""
    loss, guessing = _loss(history[-1]), circumstances.guessing_loss
    if len(history) == 1:
        return f"is {loss:.4g}; guessing would cost {guessing:.3g}" if loss > 10 * guessing else None
    lowest = min(_loss(row) for row in history[:-1])
    floor = 1.5 * (guessing if circumstances.entropy_loss else _loss(history[0]))
    if loss > max(5 * lowest, floor) and _has_fallen(history, circumstances.train):
        return f"has risen from {lowest:.4g} to {loss:.4g}"
    return None


def _has_fallen(history: Sequence[EpochRow], train: LabelCounts) -> bool:
    """Whether the accuracy is clearly below what it was: small losses rise many times without that."""
    accuracy, highest = _accuracy(history[-1]), max(map(_accuracy, history[:-1]))
    at_guessing = train.can_judge and accuracy <= train.bar
    return accuracy < highest - (0.0 if at_guessing else CLEAR_FALL)


def _too_slow(
    history: Sequence[EpochRow], observations: Sequence[Observation], circumstances: Circumstances, last: bool
) -> bool:
    """Nothing has moved so far, in the weights or in the loss."""
    early = len(history) >= 3 and not circumstances.schedule
    if not (early or last) or not _largest_move(observations) < STILL:
        return False
    first = circumstances.guessing_loss if len(history) == 1 else _loss(history[0])
    return _loss(history[-1]) > 0.98 * (0.0 if math.isinf(first) else first)


def _thrown_about(
    history: Sequence[EpochRow], observations: Sequence[Observation], circumstances: Circumstances, last: bool
) -> str | None:
    """Signs of steps that are too large: worse than guessing for long, or large steps into a dead end."""
    loss, guessing = _loss(history[-1]), circumstances.guessing_loss
    bar = circumstances.train.bar
    if not circumstances.train.can_judge:
        return None
    stuck = _accuracy(history[-1]) <= bar
    before = len(history) > 1 and _accuracy(history[-2]) <= bar and _loss(history[-2]) > 1.5 * guessing
    moved = _largest_move(observations)
    if stuck and loss > 1.5 * guessing and (before or last) and moved > LARGE_MOVE:
        return f"the loss is {loss:.4g}, more than guessing would cost ({guessing:.3g})"
    in_a_dead_end = observations[-1].any_dead or _constant_predictions(observations, circumstances, last)
    if stuck and in_a_dead_end and moved > 1:
        return (
            f"the weights changed by {moved:.3g} times their norm in one epoch, and nothing is learned since"
        )
    return None


def _without_relation(
    history: Sequence[EpochRow],
    observations: Sequence[Observation],
    circumstances: Circumstances,
    last: bool,
    warning: Warn,
) -> Iterator[RunWarning]:
    """Nothing that helps on other images is learned, although the weights move."""
    validated = [float(row["val_accuracy"]) for row in history if row["val_accuracy"] is not None]
    train, validation = circumstances.train, circumstances.validation
    if len(history) < EPOCHS_TO_JUDGE or not train.can_judge:
        return
    if validated and (not validation.can_judge or max(validated) > validation.bar):
        return
    doubted = not circumstances.labels_are_known
    bar = train.bar
    margin = min(0.05, (1 - bar) / 2)
    learned = max(map(_accuracy, history))
    reached = f"{max(validated):.2%}" if validated else ""
    if validated and learned > bar + margin:
        if doubted and (learned > bar + 4 * margin or last):
            yield warning(
                "shuffled_labels",
                f"the training images are memorized ({learned:.2%}), but on validation images the accuracy "
                f"stays at that of guessing (at best {reached}). The labels look shuffled; check that each "
                "image has its own label, and that training and validation images are of the same kind",
            )
    elif len(history) * circumstances.updates_per_epoch < UPDATES_TO_JUDGE:
        return
    elif last and learned <= bar + margin and not math.isnan(observations[-1].spread):
        if learned <= bar and observations[-1].spread < SAME_FOR_ALL:
            yield warning(
                "not_learning",
                f"the accuracy stays at that of guessing ({learned:.2%}), and all images get nearly the same "
                "probabilities. Try another learning rate, kernel_initializer: he_normal, or "
                "BatchNormalization" + ("; check the labels" if doubted else ""),
            )
        elif doubted and (learned <= bar or validated):
            yield warning(
                "shuffled_labels",
                f"the weights change, but the accuracy stays at that of guessing ({learned:.2%}). The labels "
                "look shuffled; check that each image has its own label",
            )


def _largest_move(observations: Sequence[Observation]) -> float:
    """NaN, which is neither small nor large, where an epoch was not seen."""
    return float(np.max([each.moved for each in observations]))


def _loss(row: EpochRow) -> float:
    return float(row["loss"] or 0.0)


def _accuracy(row: EpochRow) -> float:
    return float(row["accuracy"] or 0.0)
