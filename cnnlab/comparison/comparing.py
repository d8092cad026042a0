"""Experiments → a Comparison: what each reached over its seeds, on the same test images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cnnlab.comparison.experiments import Experiment, seeds_text
from cnnlab.comparison.spread import Spread, spread
from cnnlab.errors import UserError
from cnnlab.runs import EpochRow, Record

_MEASURED = (
    "train_accuracy",
    "validation_accuracy",
    "test_accuracy",
    "train_loss",
    "validation_loss",
    "test_loss",
    "seconds",
    "seconds_per_epoch",
    "images_per_second",
    "peak_memory_bytes",
)


@dataclass(frozen=True)
class Outcome:
    """What one experiment reached. Accuracies are shares from 0 to 1.

    A quantity that was not measured in every run is None: validation without validation images.
    """

    name: str  # unique in its comparison
    digest: str
    seeds: tuple[int, ...]
    params: int
    macs: int
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
    records: tuple[Record, ...] = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        """One element of `experiments` in `cnnlab compare --json`."""
        spreads: dict[str, Spread | None] = {key: getattr(self, key) for key in _MEASURED}
        return {
            "name": self.name,
            "digest": self.digest,
            "seeds": list(self.seeds),
            "params": self.params,
            "macs": self.macs,
        } | {key: value and value.as_dict() for key, value in spreads.items()}


@dataclass(frozen=True)
class Comparison:
    """Two or more experiments on the same test images."""

    dataset: str  # the name in a config, such as mnist
    dataset_title: str
    test_digest: str
    warnings: tuple[str, ...]  # what was odd about the data of some run
    experiments: tuple[Outcome, ...]
    pairs: tuple[()] = ()  # paired differences and their tests

    @property
    def histories(self) -> dict[str, tuple[tuple[EpochRow, ...], ...]]:
        """Per experiment the history of each seed: what curves are drawn from."""
        return {
            outcome.name: tuple(record.history for record in outcome.records) for outcome in self.experiments
        }

    def as_dict(self) -> dict[str, Any]:
        """The JSON document of `cnnlab compare --json`."""
        return {
            "dataset": self.dataset,
            "dataset_title": self.dataset_title,
            "test_digest": self.test_digest,
            "warnings": list(self.warnings),
            "experiments": [outcome.as_dict() for outcome in self.experiments],
            "pairs": list(self.pairs),
        }


def compare(experiments: Sequence[Experiment]) -> Comparison:
    """What each of two or more experiments reached over its seeds.

    Experiments of one name and different configs are told apart as NAME-DIGEST8, like their folders.

    Raises:
        UserError: fewer than two different experiments, or not all tested on the same images.
    """
    different = {(each.name, each.digest) for each in experiments}
    if len(different) < 2 or len(different) < len(experiments):
        given = ", ".join(each.name for each in experiments) or "none"
        raise UserError(f"expected two or more different experiments to compare, found {given}")
    labels = _labels(experiments)
    check_same_data(
        Tested(label, record.seed, _dataset(record))
        for each, label in zip(experiments, labels, strict=True)
        for record in each.records
    )
    datasets = [_dataset(record) for each in experiments for record in each.records]
    return Comparison(
        dataset=datasets[0]["name"],
        dataset_title=datasets[0]["title"],
        test_digest=datasets[0]["test_digest"],
        warnings=tuple(dict.fromkeys(each["warning"] for each in datasets if each["warning"])),
        experiments=tuple(_outcome(each, label) for each, label in zip(experiments, labels, strict=True)),
    )


def _outcome(experiment: Experiment, label: str) -> Outcome:
    results = [record.result for record in experiment.records]

    def measured(key: str) -> Spread | None:
        values: list[Any] = [result.get(key) for result in results]
        return None if None in values else spread(values)

    return Outcome(
        name=label,
        digest=experiment.digest,
        seeds=experiment.seeds,
        params=results[0]["params"],
        macs=results[0]["macs"],
        train_accuracy=measured("train_accuracy"),
        validation_accuracy=measured("validation_accuracy"),
        test_accuracy=spread([result["test_accuracy"] for result in results]),
        train_loss=measured("train_loss"),
        validation_loss=measured("validation_loss"),
        test_loss=measured("test_loss"),
        seconds=measured("seconds"),
        seconds_per_epoch=measured("seconds_per_epoch"),
        images_per_second=measured("images_per_second"),
        peak_memory_bytes=measured("peak_memory_bytes"),
        records=experiment.records,
    )


def _labels(experiments: Sequence[Experiment]) -> list[str]:
    names = Counter(each.name for each in experiments)
    return [each.name if names[each.name] == 1 else f"{each.name}-{each.digest[:8]}" for each in experiments]


class Tested(NamedTuple):
    """What a run was, or will be, tested on: `dataset` is the one in environment.json."""

    experiment: str
    seed: int
    dataset: Mapping[str, Any]


def check_same_data(runs: Iterable[Tested]) -> None:
    """Refuse runs that are not all tested on the same images and labels.

    Raises:
        UserError: which experiment has which data.
    """
    tested: dict[tuple[str, str], list[Tested]] = {}  # by experiment and digest of the test images
    for run in runs:
        tested.setdefault((run.experiment, run.dataset["test_digest"]), []).append(run)
    if len({digest for _, digest in tested}) <= 1:
        return
    divided = Counter(experiment for experiment, _ in tested)
    lines = []
    for (experiment, digest), group in tested.items():
        dataset = group[0].dataset
        which = f" (seed {seeds_text([each.seed for each in group])})" if divided[experiment] > 1 else ""
        lines.append(
            f"   {experiment}{which}: {dataset['name']}, {dataset['origin']}, test digest {digest[:8]}"
        )
    names = {group[0].dataset["name"] for group in tested.values()}
    remedy = (
        "give them the same dataset"
        if len(names) > 1
        else "the files have changed in between: train again with --fresh, so that all see the same ones"
    )
    raise UserError("\n".join(["cannot compare what is tested on different images", *lines, f"   {remedy}"]))


def _dataset(record: Record) -> Mapping[str, Any]:
    dataset: Mapping[str, Any] = record.environment["dataset"]
    return dataset
