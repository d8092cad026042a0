"""Experiments → what each reached over its seeds, on the same test images."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from cnnlab.comparison.advantages import ranked
from cnnlab.comparison.experiments import ExperimentRuns, seeds_named
from cnnlab.comparison.labels import labels_of
from cnnlab.comparison.outcomes import Outcome, outcome_of
from cnnlab.comparison.pairs import Pair, paired
from cnnlab.comparison.stopping import StoppingRule
from cnnlab.comparison.verdicts import verdict
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.datasets.distortion import Distortion
from cnnlab.errors import UserError
from cnnlab.few_images import ENOUGH, few_images_note
from cnnlab.run_folders.arithmetic import RESUMED, differences_among
from cnnlab.run_folders.contents import DatasetFacts, RunWarning
from cnnlab.run_folders.records import EpochRow, Record
from cnnlab.wording import counted


@dataclass(frozen=True)
class ComparedOutcomes:
    """Two or more experiments on the same test images."""

    dataset: str  # the name in a config, such as mnist
    dataset_title: str
    test_digest: str  # with folds, that of the digests of all of them
    warnings: tuple[str, ...]  # about the data of some run
    experiments: tuple[Outcome, ...]
    pairs: tuple[Pair, ...]  # every two experiments with a common seed, in the order given
    notes: tuple[str, ...] = ()  # how it came about: a network that was resized, other arithmetic

    @property
    def folds(self) -> int | None:
        """How many folds of a cross-validation there are; None where the test images test."""
        return self.experiments[0].folds

    @property
    def histories(self) -> dict[str, tuple[tuple[EpochRow, ...], ...]]:
        """Per experiment the history of each seed: what curves are drawn from."""
        return {
            outcome.name: tuple(record.history for record in outcome.records) for outcome in self.experiments
        }

    def as_dict(self) -> dict[str, Any]:
        """The JSON document of `cnnlab compare --json`."""
        best_first = ranked(self.experiments)
        return {
            "dataset": self.dataset,
            "dataset_title": self.dataset_title,
            "test_digest": self.test_digest,
            **({} if self.folds is None else {"folds": self.folds}),
            "warnings": list(self.warnings),
            "notes": list(self.notes),
            "experiments": [
                outcome.as_dict() | {"rank": 1 + best_first.index(outcome)} for outcome in self.experiments
            ],
            "pairs": [pair.as_dict() | {"verdict": verdict(pair)} for pair in self.pairs],
        }


def compare(
    experiments: Sequence[ExperimentRuns], *, rule: StoppingRule | None = None, margin: float | None = None
) -> ComparedOutcomes:
    """What each of two or more experiments reached over its seeds.

    Experiments of one name and different configs are told apart by the setting that differs: see `labels_of`.

    Args:
        rule: where it has decided on the number of seeds, which are those from 0 on; it knows the margin.
        margin: within which two experiments count as equal, as a share.

    Raises:
        UserError: fewer than two different experiments, or not all tested on the same images.
    """
    different = {(each.name, each.digest) for each in experiments}
    if len(different) < 2 or len(different) < len(experiments):
        given = ", ".join(each.name for each in experiments) or "none"
        raise UserError(f"expected two or more different experiments to compare, found {given}")
    labels, folds = labels_of(experiments), experiments[0].folds
    for fold in [None] if folds is None else range(folds):
        check_same_data(
            RunDataset(label, record.seed, record.dataset, distortion_of(record.config))
            for each, label in zip(experiments, labels, strict=True)
            for record in each.records
            if folds is None or record.config.fold == fold
        )
    datasets = [record.dataset for each in experiments for record in each.records]
    titles, test_digest = [each.title for each in datasets], datasets[0].test_digest
    if folds is not None:
        of_all = "".join(record.dataset.test_digest for record in experiments[0].records[:folds])
        test_digest = hashlib.sha256(of_all.encode()).hexdigest()
        wholes = [each.config.dataset for each in experiments]
        titles = [f"{whole.full_title}, {folds} folds" for whole in wholes if whole is not None]
    outcomes = tuple(outcome_of(each, label) for each, label in zip(experiments, labels, strict=True))
    few = few_images_note(
        {each.name: each.test_accuracy.mean for each in outcomes},
        min((each.num_test_images for each in outcomes if each.num_test_images is not None), default=ENOUGH),
    )
    return ComparedOutcomes(
        dataset=datasets[0].name,
        dataset_title=" and ".join(dict.fromkeys(titles)),
        test_digest=test_digest,
        warnings=tuple(dict.fromkeys(each.warning for each in datasets if each.warning)),
        experiments=outcomes,
        pairs=paired(outcomes, rule=rule, margin=margin),
        notes=(*([few] if few else ()), *_notes(experiments, labels)),
    )


def _notes(experiments: Sequence[ExperimentRuns], labels: Sequence[str]) -> Iterator[str]:
    """What may make the runs differ besides the networks."""
    for each, label in zip(experiments, labels, strict=True):
        if note := arithmetic_note(label, each.records):
            yield note
        yield from training_notes(label, each.records)
    yield from _costs_apart(experiments, labels)
    checked = [record.checked for each in experiments for record in each.records]
    if unchecked := checked.count(False):
        were, them = ("was", "it") if unchecked == 1 else ("were", "them")
        yield (
            f"{unchecked} of {counted(len(checked), 'run')} {were} trained with cnnlab 0.1.0, which recorded "
            f"no digests of files; damage to {them} cannot be detected"
        )


def _costs_apart(experiments: Sequence[ExperimentRuns], labels: Sequence[str]) -> Iterator[str]:
    """What of time and memory says nothing about the networks, as they ran on different things."""
    backends = [each.records[0].config.runtime.backend for each in experiments]
    if len(set(backends)) > 1:
        where = ", ".join(f"{label} on {backend}" for label, backend in zip(labels, backends, strict=True))
        yield (
            f"different backends: {where}; their seconds, images/s and peak memory do not compare the "
            "networks, because each backend compiles, computes and reserves memory in its own way"
        )
    measured = [record.result.side_by_side for each in experiments for record in each.records]
    if shared := len(measured) - measured.count(None):
        were = "was" if shared == 1 else "were"
        yield (
            f"{shared} of {counted(len(measured), 'run')} {were} trained side by side with others; the times "
            "and the memory of such experiments are not shown (–); to measure them, train one run at a time: "
            "--workers 1 --together 1 --fresh"
        )
    devices = {record.environment.get("device") for each in experiments for record in each.records}
    if {"cpu", "gpu"} <= devices:
        yield (
            "different devices: some runs computed on a CPU, others on a GPU; their times do not compare the "
            "networks, and peak memory is the process's on a CPU, the GPU's on a GPU"
        )


def arithmetic_note(label: str, records: Sequence[Record]) -> str | None:
    """A line where the runs of one experiment were not all trained under the same arithmetic."""
    differences = differences_among(records)
    resumed = list(dict.fromkeys(each.seed for each in records if each.environment.get(RESUMED) is True))
    if resumed:
        differences.append(f"{seeds_named(resumed)} resumed under other arithmetic")
    return f"{label}: its runs differ in arithmetic ({'; '.join(differences)})" if differences else None


def training_notes(label: str, records: Sequence[Record]) -> Iterator[str]:
    """A line for each kind of warning that trainings of one experiment ended with."""
    warned: dict[str, list[tuple[Record, RunWarning]]] = {}
    for record in records:
        for warning in record.result.warnings:
            warned.setdefault(warning.kind, []).append((record, warning))
    for found in warned.values():
        seeds = sorted({record.seed for record, _ in found})
        of, first = found[0]
        which = f"seed {of.seed}, " if len(seeds) > 1 else ""
        which += "" if of.config.fold is None else f"fold {of.config.fold}, "
        yield f"{label}, {seeds_named(seeds)}: {first.message} ({which}epoch {first.epoch})"


class RunDataset(NamedTuple):
    """The dataset that a run was, or will be, tested on."""

    experiment: str
    seed: int
    dataset: DatasetFacts
    distort: Distortion | None = None


def distortion_of(config: ExperimentConfig) -> Distortion | None:
    """How an experiment's images are distorted, if they are."""
    return None if config.dataset is None else config.dataset.distort


def check_same_data(runs: Iterable[RunDataset]) -> None:
    """Refuse runs that are not all tested on the same images and labels.

    Raises:
        UserError: which experiment has which data.
    """
    tested: dict[tuple[str, str], list[RunDataset]] = {}  # by experiment and digest of the test images
    for run in runs:
        tested.setdefault((run.experiment, run.dataset.test_digest), []).append(run)
    if len({digest for _, digest in tested}) <= 1:
        return
    names = {group[0].dataset.name for group in tested.values()}
    is_distorted_differently = len(names) == 1 and len({group[0].distort for group in tested.values()}) > 1
    divided = Counter(experiment for experiment, _ in tested)
    lines = []
    for (experiment, digest), group in tested.items():
        dataset = group[0].dataset
        which = f" ({seeds_named([each.seed for each in group])})" if divided[experiment] > 1 else ""
        title = dataset.title if is_distorted_differently else dataset.name
        lines.append(f"   {experiment}{which}: {title}, {dataset.origin}, test digest {digest[:8]}")
    if len(names) > 1:
        remedy = "use the same dataset in all configs"
    elif any(group[0].dataset.fold for group in tested.values()):
        remedy = "use the same images in all configs, and the same dataset.seed, which draws the folds"
    elif is_distorted_differently:
        remedy = "set the same dataset.distort in all configs"
    else:
        remedy = (
            "the dataset's files have changed in between; train again with --fresh so that all runs use the "
            "same files"
        )
    raise UserError(
        "\n".join(["cannot compare experiments that are tested on different images", *lines, f"   {remedy}"])
    )
