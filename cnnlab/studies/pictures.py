"""A comparison → its pictures, by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from cnnlab.comparison import ComparedOutcomes, Outcome, varied
from cnnlab.comparison.confusion import confusion
from cnnlab.datasets.appearance import PLAIN
from cnnlab.errors import CnnlabError
from cnnlab.jobs import Jobs
from cnnlab.pictures.kit.figures import LazyFigures
from cnnlab.pictures.plots import (
    Measured,
    PredictedImages,
    accuracy_against_parameters,
    accuracy_bars,
    answer_sheet,
    confusion_matrices,
    only_one_right,
    overlaid_curves,
)
from cnnlab.run_folders.listing import finished_at
from cnnlab.run_folders.records import Record

if TYPE_CHECKING:
    from matplotlib.figure import Figure


PICTURES = ("curves", "accuracy", "parameters", "confusion", "images", "only_one_right")
"""The names of all there may be."""

_MOST_CLASSES = 100
"""A confusion matrix of more classes is a grey square."""


def pictures(comparison: ComparedOutcomes, answers: PredictedImages | None = None) -> LazyFigures:
    """All pictures that can be drawn, in the order of PICTURES, each drawn when it is first looked at.

    Confusion matrices need predictions, sheets need images too.
    """
    measured = {
        outcome.name: Measured(
            outcome.test_accuracy.values, outcome.test_accuracy.mean, outcome.test_accuracy.ci95
        )
        for outcome in comparison.experiments
    }
    in_what = varied(comparison)
    params = {outcome.name: outcome.params for outcome in comparison.experiments}
    drawn: dict[str, Callable[[], Figure]] = {
        "curves": lambda: overlaid_curves(comparison.histories, varied=in_what),
        "accuracy": lambda: accuracy_bars(measured, varied=in_what),
        "parameters": lambda: accuracy_against_parameters(measured, params, varied=in_what),
    }
    counts = {outcome.name: confusion(outcome) for outcome in comparison.experiments}
    known = {name: matrix for name, matrix in counts.items() if matrix is not None}
    dataset = comparison.experiments[0].records[0].config.dataset
    if len(known) == len(counts) and dataset is not None and dataset.num_classes <= _MOST_CLASSES:
        drawn["confusion"] = lambda: confusion_matrices(known, dataset.class_names)
    if answers is not None:
        seed = predicted_seed(comparison)
        title = f"The first test images and their predictions, {seed}"
        drawn["images"] = lambda: answer_sheet(answers, title=title)
        if len(answers.predicted) == 2:
            drawn["only_one_right"] = lambda: only_one_right(
                answers, title=f"Test images that only one network classifies correctly, {seed}"
            )
    return LazyFigures(drawn)


def predicting_records(comparison: ComparedOutcomes) -> dict[str, Record]:
    """The runs whose predictions are drawn: the latest, which an experiment's name stands for elsewhere, too.

    Of the seeds that all have in common, that of the latest run; if there are none, the latest run of each.
    """
    outcomes = comparison.experiments
    common = set.intersection(*(set(outcome.seeds) for outcome in outcomes))
    if not common:
        return {each.name: each.record(_latest([each], each.seeds)) for each in outcomes}
    seed = _latest(outcomes, common)
    return {each.name: each.record(seed) for each in outcomes}


def _latest(outcomes: Sequence[Outcome], seeds: Collection[int]) -> int:
    """The seed of the run that was finished last; of several at a time the highest."""
    records = [record for each in outcomes for record in each.records if record.seed in seeds]
    return max((finished_at(record.path), record.seed) for record in records)[1]


def predicted_seed(comparison: ComparedOutcomes) -> str:
    """What a title says of them: "seed 0", or "the latest run of each" where they have none in common.

    With folds, the first fold is shown: its test images are those of all experiments.
    """
    seeds = {record.seed for record in predicting_records(comparison).values()}
    fold = "" if comparison.folds is None else ", fold 0"
    return (f"seed {seeds.pop()}" if len(seeds) == 1 else "the latest run of each") + fold


def answers_on_images(comparison: ComparedOutcomes, jobs: Jobs) -> PredictedImages | None:
    """The test images and what one run of each experiment, that of `predicting_records`, takes them for.

    None, and a note, where the images are not here any more, or not those that the runs were tested on.
    """
    answers = {name: record.predictions for name, record in predicting_records(comparison).items()}
    known = {name: answer for name, answer in answers.items() if answer is not None}
    if len(known) < len(answers):
        return None
    shown = comparison.experiments[0].records[0]  # with folds, of the first one
    config = shown.config
    try:
        data = jobs.dataset(config)
    except CnnlabError as error:
        jobs.reporter.note(f"test images are not drawn: {error}")
        return None
    if data.provenance.test_digest != shown.dataset.test_digest:
        jobs.reporter.note(
            "test images are not drawn: those found differ from the ones that the runs were tested on"
        )
        return None
    from cnnlab.datasets.permuting import unpermuted

    images = data.test.images
    if config.dataset is not None:
        if config.dataset.data_format == "channels_first":
            images = images.transpose(0, 2, 3, 1)
        images = unpermuted(images, config.dataset)  # drawn as people see them
    if images.shape[-1] not in (1, 3):
        images = images[..., :1]
    first = next(iter(known.values()))
    return PredictedImages(
        images, first.labels, {name: answer.predicted for name, answer in known.items()}, data.class_names,
        appearance=config.dataset.appearance if config.dataset is not None else PLAIN,
        whose=predicted_seed(comparison),
    )  # fmt: skip
