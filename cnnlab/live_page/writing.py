"""Finished runs → the file of a page."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cnnlab.config.sections import RuntimeConfig
from cnnlab.datasets.permuting import raw_images
from cnnlab.errors import UserError
from cnnlab.foreign_text import one_line
from cnnlab.live_page.epochs import check_kept, epochs_of
from cnnlab.live_page.network import check_supported, network_of
from cnnlab.live_page.page import LivePage, examples_of, mode_of, render
from cnnlab.prediction import dataset_of
from cnnlab.run_folders.folders import Folder
from cnnlab.trainer import load_reported

if TYPE_CHECKING:
    from cnnlab.datasets import DataPaths
    from cnnlab.reporting import Reporter
    from cnnlab.run_folders.records import Record

TRIED = 500
"""Test images with which weights of 16 bits are tried out."""


def write_page(
    runs: Sequence[tuple[Path, Record]],
    target: Path,
    *,
    in_run: bool,
    epochs: bool,
    data_paths: DataPaths,
    reporter: Reporter,
) -> LivePage:
    """Write the page of one run, or of two of the same data; see `cnnlab.live`.

    Args:
        runs: folders as the caller named them, and what is in them.
        in_run: whether the page is to stand in the first run's folder.

    Raises:
        UserError: a layer cannot be computed in a page, the runs are of different data, or data has changed.
        CnnlabError: the page cannot be written.
    """
    runtime = RuntimeConfig(backend="scratch")  # Keras on whatever it runs on, or on what is installed
    for folder, record in runs:
        mode_of(dataset_of(record))
        check_supported(record.config, str(folder))
        if epochs:
            check_kept(record.path, str(folder))
    _check_same_data(runs)
    documents = []
    for folder, record in runs:
        dataset = dataset_of(record)
        data = load_reported(dataset, data_paths, reporter)
        if data.provenance.digest != record.dataset.digest:
            raise UserError(
                f"{folder}: the data has changed since this run was trained; train it again with --fresh"
            )
        chosen = examples_of(data, dataset)
        examples = raw_images(data.test.images[chosen], dataset), np.asarray(data.test.labels)[chosen]
        tried = np.concatenate([examples[0], raw_images(data.test.images[:TRIED], dataset)])
        reporter.note(f"reading the weights of {record.config.run_title}")
        network = network_of(record, data.pixels, tried, runtime)
        check = {"example": 0, "probabilities": network.probabilities[0].tolist()}
        documents.append({**network.as_dict(), "check": check})
    for document, title in zip(documents, titles_of([record for _, record in runs]), strict=True):
        document["title"] = title
    dataset = dataset_of(runs[0][1])
    slider = epochs_of(network, reporter) if epochs else None
    text = render(documents, dataset, examples, epochs=slider)
    place = Folder(target.parent, inside=target.parent.parent if in_run else None)
    with place.alone() if in_run else nullcontext():  # other folders are the user's own
        place.write_text(target.name, text)
    return LivePage(target, len(text.encode()), tuple(folder for folder, _ in runs))


def titles_of(records: Sequence[Record]) -> list[str]:
    """What the runs are called on the page: by their seeds, too, where their names are the same."""
    names = [
        one_line(
            each.config.name if each.config.fold is None else f"{each.config.name}, fold {each.config.fold}"
        )
        for each in records
    ]
    if len(set(names)) == len(names):
        return names
    seeds = [f"{name}, seed {each.seed}" for name, each in zip(names, records, strict=True)]
    if len(set(seeds)) == len(seeds):
        return seeds
    return [f"{seed} ({each.config.digest[:8]})" for seed, each in zip(seeds, records, strict=True)]


def _check_same_data(runs: Sequence[tuple[Path, Record]]) -> None:
    """Two networks answer for the same picture.

    Raises:
        UserError: their test images differ.
    """
    (first, one), *others = runs
    for folder, record in others:
        if record.path == one.path:
            raise UserError(f"{folder}: expected two runs, found the same one twice")
        a, b = dataset_of(one), dataset_of(record)
        if (a.image_shape, a.class_names) != (b.image_shape, b.class_names):
            found = f"{a.title} and {b.title}" if a.title != b.title else "other classes or sizes"
            raise UserError(f"{first} and {folder}: expected runs of the same data, found {found}")
        if one.dataset.test_digest != record.dataset.test_digest:
            raise UserError(f"{first} and {folder}: expected runs of the same data, found other test images")
