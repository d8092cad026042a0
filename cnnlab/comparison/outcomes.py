"""What one experiment reached over its seeds, and over the folds of a cross-validation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from statistics import fmean
from typing import Any

import numpy as np

from cnnlab.comparison.corrected import corrected_spread
from cnnlab.comparison.experiments import ExperimentRuns
from cnnlab.comparison.spread import Spread, spread
from cnnlab.run_folders.predictions import Predictions, joined
from cnnlab.run_folders.records import Record


@dataclass(frozen=True)
class ClassAccuracy:
    """The test accuracy on the images of one class, over the seeds."""

    name: str
    images: int
    accuracy: Spread

    def as_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {"class": self.name, "images": self.images, "accuracy": self.accuracy.as_dict()}


@dataclass(frozen=True)
class Outcome:
    """What one experiment reached. Accuracies are shares from 0 to 1.

    A quantity that was not measured in every run is None: validation without validation images, and times and
    memory where runs were trained side by side.
    """

    name: str  # unique in its comparison
    digest: str
    seeds: tuple[int, ...]
    params: int
    macs: int | None
    train_accuracy: Spread | None
    validation_accuracy: Spread | None
    test_accuracy: Spread
    train_loss: Spread | None
    validation_loss: Spread | None
    test_loss: Spread | None
    seconds: Spread | None  # the whole run
    seconds_per_epoch: Spread | None
    images_per_second: Spread | None
    peak_memory_bytes: Spread | None
    classes: tuple[ClassAccuracy, ...] | None  # by class index; None where a run's predictions are gone
    records: tuple[Record, ...] = field(repr=False)
    folds: int | None = None
    """With folds, there are values and records for each seed and fold: seed by seed, fold by fold; but of
    `classes`, whose images are those of all folds, for each seed."""

    @property
    def points_per_1000_params(self) -> float | None:
        """Percentage points of test accuracy for each thousand parameters; None without parameters."""
        return 1e5 * self.test_accuracy.mean / self.params if self.params else None

    @property
    def unlearned_seeds(self) -> tuple[int, ...]:
        """Seeds whose network cannot be told from always answering the most frequent class.

        On test and on training images it is right no more often than that class's share of the test images
        and two standard errors; with folds, on average over these. None where the predictions are gone: they
        say how frequent the classes are.
        """
        if not self.classes or self.train_accuracy is None:
            return ()
        images = [each.images for each in self.classes]
        guess = max(images) / sum(images)
        bar = guess + 2 * math.sqrt(guess * (1 - guess) / sum(images))
        tested, trained = self.by_seed(self.test_accuracy), self.by_seed(self.train_accuracy)
        reached = zip(self.seeds, tested, trained, strict=True)
        return tuple(seed for seed, test, train in reached if max(test, train) <= bar)

    @property
    def num_test_images(self) -> int | None:
        """How many images the accuracy is of, those of all folds; None where the predictions are gone."""
        return None if self.classes is None else sum(each.images for each in self.classes)

    def by_seed(self, measured: Spread) -> list[float]:
        """One value for each seed; with folds, the mean over these."""
        number = self.folds or 1
        return [
            fmean(measured.values[start : start + number]) for start in range(0, len(measured.values), number)
        ]

    def runs(self, seed: int) -> tuple[Record, ...]:
        """The run with this seed, or those of all folds."""
        return tuple(record for record in self.records if record.seed == seed)

    def record(self, seed: int) -> Record:
        """The run with this seed, or that of its first fold."""
        return self.runs(seed)[0]

    def predictions(self, seed: int) -> Predictions | None:
        """The answers on the test images; with folds on those of all, each by a network not trained on it.

        None where the predictions of a run are gone.
        """
        found = [record.predictions for record in self.runs(seed)]
        known = [each for each in found if each is not None]
        if len(known) < len(found):
            return None
        return known[0] if len(known) == 1 else joined(known)

    def as_dict(self) -> dict[str, Any]:
        """One element of `experiments` in `cnnlab compare --json`."""
        spreads: dict[str, Spread | None] = {key: getattr(self, key) for key in _MEASURED}
        return {
            "name": self.name,
            "digest": self.digest,
            "seeds": list(self.seeds),
            **({} if self.folds is None else {"folds": self.folds}),
            "params": self.params,
            "macs": self.macs,
            "points_per_1000_params": self.points_per_1000_params,
            "unlearned_seeds": list(self.unlearned_seeds),
            "warnings": [
                {
                    "seed": record.seed,
                    **({} if self.folds is None else {"fold": record.config.fold}),
                    **asdict(each),
                }
                for record in self.records
                for each in record.result.warnings
            ],
            **{key: value and value.as_dict() for key, value in spreads.items()},
            "classes": self.classes and [each.as_dict() for each in self.classes],
        }


COSTS = ("seconds", "seconds_per_epoch", "images_per_second", "peak_memory_bytes")
"""What a run only tells of itself where no other one was trained at the same time."""

_MEASURED = tuple(each.name for each in fields(Outcome) if "Spread" in str(each.type))
"""What runs of one experiment differ in from seed to seed; called as in `RunResult`."""


def outcome_of(experiment: ExperimentRuns, label: str) -> Outcome:
    """What an experiment reached; in its comparison it is called `label`."""
    results = [record.result for record in experiment.records]
    folds = experiment.folds

    def over_runs(values: Sequence[float]) -> Spread:
        return spread(values) if folds is None else corrected_spread(values, folds)

    def measured(key: str) -> Spread | None:
        if key in COSTS and any(result.side_by_side for result in results):
            return None
        values: list[Any] = [getattr(result, key) for result in results]
        return None if None in values else over_runs(values)

    outcome = Outcome(
        name=label,
        digest=experiment.digest,
        seeds=experiment.seeds,
        params=results[0].params,
        macs=results[0].macs,
        test_accuracy=over_runs([result.test_accuracy for result in results]),
        **{key: measured(key) for key in _MEASURED if key != "test_accuracy"},
        classes=None,
        records=experiment.records,
        folds=folds,
    )
    return replace(outcome, classes=_classes(outcome))


def _classes(outcome: Outcome) -> tuple[ClassAccuracy, ...] | None:
    """Accuracy class by class. A class without test images is left out."""
    dataset = outcome.records[0].config.dataset
    answers = [outcome.predictions(seed) for seed in outcome.seeds]
    if dataset is None or any(answer is None for answer in answers):
        return None
    known = [answer for answer in answers if answer is not None]
    classes = []
    for index, name in enumerate(dataset.class_names):
        images = int(np.count_nonzero(known[0].labels == index))
        if images:
            shares = [float(answer.right[answer.labels == index].mean()) for answer in known]
            classes.append(ClassAccuracy(name, images, spread(shares)))
    return tuple(classes)
