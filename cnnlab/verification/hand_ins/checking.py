"""One hand-in: are its files whole, is it of this config and data, and does its model do what it claims?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cnnlab.backend import framework_errors
from cnnlab.config.decisive import decides
from cnnlab.config.experiment import ExperimentConfig
from cnnlab.config.sections import RuntimeConfig
from cnnlab.datasets import OWN_DATA
from cnnlab.datasets.content import Dataset
from cnnlab.errors import CnnlabError, UserError
from cnnlab.language.fields import written_only
from cnnlab.prediction import trained_model
from cnnlab.run_folders.identity import check_owner
from cnnlab.run_folders.integrity import DamagedRun, link_in
from cnnlab.run_folders.listing.settings import flat
from cnnlab.run_folders.records import Record, read_config, read_record, read_status
from cnnlab.run_folders.states import state_of
from cnnlab.verification.hand_ins.finding import HandedIn
from cnnlab.verification.hand_ins.results import HandIn, SettingDifference

MOST_LARGER = 100
"""A network that takes so many times what the expected one takes is not evaluated."""

MOST_PARAMS, MOST_MACS, MOST_ACTIVATION_BYTES = 10_000_000, 1_000_000_000, 64 << 20
"""What any network may take: parameters; multiplications and outputs for one image."""

FILE_OVERHEAD = 16 << 20
"""Bytes of a model.keras besides numbers."""

NUMBERS_OF_A_WEIGHT, NUMBER_BYTES = 8, 4
"""The weight itself, and what optimizers keep of it."""

_OF_TRAINING_IMAGES = ("train_size", "validation_size", "seed", "stratified", "label_noise")
"""Settings of a dataset that leave the test images as they are."""


@dataclass(frozen=True, eq=False)
class Expected:
    """What was to be handed in: a run of this config on this data.

    runtime: what models are evaluated with.
    """

    name: str
    config: ExperimentConfig
    data: Dataset
    runtime: RuntimeConfig


def check(handed_in: HandedIn, expected: Expected) -> HandIn:
    """Look at one hand-in; whatever is wrong with it is its reason."""
    place = handed_in.place
    if place is None:
        return HandIn(handed_in.label, "missing", reason=handed_in.problem)
    found = HandIn(handed_in.label, "damaged")
    try:
        if link := link_in(place):
            return replace(found, reason=f"{link} is a symbolic link, which is not followed")
        status = read_status(place) or {}
        found = replace(found, state=state_of(place, status))  # type: ignore[arg-type]
        config = read_config(place)
        differences = setting_differences(expected.config, config)
        found = replace(found, digest=config.digest, differences=tuple(differences))
        if found.state != "finished":
            return replace(found, reason=f"the run is {found.state}, not finished")
        check_owner(place, status, config)
        record = read_record(place)
        found = replace(found, claimed_accuracy=record.result.test_accuracy)
        problems = [*_in_provenance(record, expected), *map(str, differences)]
        measured, problem = _measured(record, expected)
    except CnnlabError as error:
        problem = error.problem if isinstance(error, DamagedRun) else str(error)
        is_damaged = isinstance(error, DamagedRun) or found.digest is None
        return replace(
            found, state="damaged" if is_damaged else found.state,
            reason=_in_one_line(problem.replace(f"{place}/", "").replace(f"{place}: ", "")),
        )  # fmt: skip
    problems += [problem] if problem else []
    return replace(found, measured_accuracy=measured, reason="; ".join(problems) or None)


def setting_differences(expected: ExperimentConfig, found: ExperimentConfig) -> list[SettingDifference]:
    """The settings that decide the result and differ, by the keys that --set takes.

    Where one's own data lies differs from machine to machine; whether it is the same, its digest says.
    """
    ours, theirs = _decisive(expected), _decisive(found)
    return [
        SettingDifference(key, ours.get(key), theirs.get(key))
        for key in dict.fromkeys([*ours, *theirs])
        if ours.get(key) != theirs.get(key)
    ]


def _decisive(config: ExperimentConfig) -> dict[str, Any]:
    with written_only(decides):
        settings = flat(config.plain())
    for key in OWN_DATA:
        if f"dataset.{key}" in settings:
            settings[f"dataset.{key}"] = "…"
    return settings


def _in_provenance(record: Record, expected: Expected) -> list[str]:
    """What keeps a whole run from being one on this data, by what it recorded."""
    problems = []
    if not record.checked:
        problems.append("of version 0.1.0, whose files cannot be checked; train it again")
    if record.result.digest != record.config.digest or record.result.seed != record.seed:
        problems.append("result.json is of another run")
    if record.dataset.digest != expected.data.provenance.digest:
        problems.append("trained on other data")
    predictions = record.predictions
    if predictions is not None:
        right = float(predictions.right.mean()) if len(predictions.right) else math.nan
        if not math.isclose(right, record.result.test_accuracy, abs_tol=1e-9):
            problems.append(f"predictions.npz has an accuracy of {right:.2%}, result.json claims another")
    return problems


def _measured(record: Record, expected: Expected) -> tuple[float | None, str | None]:
    """The accuracy of a hand-in's model on the expected test images, and what is wrong with it."""
    if why_not := _unmeasurable(record, expected):
        return None, why_not
    test = expected.data.test
    answers = _answers(record, expected)
    right = answers == test.labels
    measured, claimed = float(right.mean()), record.result.test_accuracy
    # Other processors and backends round otherwise, which decides for one image in some thousands.
    tolerance = max(1, math.ceil(len(test) / 1000)) / len(test)
    if abs(measured - claimed) > tolerance + 1e-9:
        return measured, f"claims an accuracy of {claimed:.2%}, its model reaches {measured:.2%}"
    return measured, None


def _unmeasurable(record: Record, expected: Expected) -> str | None:
    """Why a model is not evaluated; None where it can be, at a cost that is known beforehand."""
    file = record.path / "model.keras"
    if not file.exists():
        return "model.keras is missing, so that its accuracy cannot be measured"
    config = record.config
    if not _has_these_test_images(config, expected.config):
        return "its accuracy is not measured: its network takes other images"
    ours, theirs = expected.config.architecture, config.architecture
    for what, reference, least, found in (
        ("parameters", ours.total_params, MOST_PARAMS, theirs.total_params),
        ("multiplications", ours.macs or 0, MOST_MACS, theirs.macs or 0),
        ("bytes of outputs", ours.activation_bytes, MOST_ACTIVATION_BYTES,
         theirs.activation_bytes + theirs.working_bytes),
    ):  # fmt: skip
        if found > max(least, MOST_LARGER * reference):
            return f"its accuracy is not measured: its network takes {found:,} {what}, expected {reference:,}"
    size, most = file.stat().st_size, NUMBERS_OF_A_WEIGHT * NUMBER_BYTES * theirs.total_params + FILE_OVERHEAD
    if size > most:
        return f"model.keras has {size:,} bytes, expected at most {most:,}"
    return None


def _has_these_test_images(config: ExperimentConfig, expected: ExperimentConfig) -> bool:
    """Whether a network takes the expected test images, pixel for pixel, as its own."""
    if config.dataset is None or expected.dataset is None:
        return False
    kept: list[Mapping[str, Any]] = []
    for dataset in (config.dataset, expected.dataset):
        settings = dataset.model_dump(mode="json")
        # With standardize, the training images decide what the network sees of the test images.
        aside = (*OWN_DATA, *(() if dataset.standardize else _OF_TRAINING_IMAGES))
        kept.append({key: value for key, value in settings.items() if key not in aside})
    return kept[0] == kept[1]


def _answers(record: Record, expected: Expected) -> np.ndarray:
    """(N,) the classes that a hand-in's model gives for the expected test images.

    Raises:
        UserError: the model is damaged, or the backend cannot compute it.
    """
    model = trained_model(record, expected.runtime)
    import keras

    images, size = expected.data.test.images, record.config.evaluation_batch
    parts = []
    refusals: tuple[type[Exception], ...] = (MemoryError, RuntimeError, ValueError, *framework_errors())
    try:
        for start in range(0, len(images), size):
            outputs = model(expected.data.pixels.apply(images[start : start + size]), training=False)
            parts.append(keras.ops.convert_to_numpy(outputs).argmax(axis=1))
    except refusals as error:
        raise UserError(f"its model cannot be computed: {error!s:.200}") from None
    return np.concatenate(parts)


def _in_one_line(text: str) -> str:
    return "; ".join(line.strip() for line in text.splitlines() if line.strip())
