"""cnnlab data list | fetch | check | show"""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnnlab.commands.data_source import dataset_behind, dataset_of
from cnnlab.commands.options import (
    PictureSize,
    Text,
    complete_experiment,
    data_dir_option,
    json_option,
    quiet_option,
)
from cnnlab.commands.output import print_json, print_table, say
from cnnlab.commands.picture_options import picture_options
from cnnlab.datasets import DataPaths
from cnnlab.datasets.left_out import left_out_warning
from cnnlab.foreign_text import one_line
from cnnlab.layers.base import times
from cnnlab.pictures.kit.page import MOST_ON_A_SHEET

if TYPE_CHECKING:
    from cnnlab.datasets.inspection import Inspection
    from cnnlab.pictures.kit.files import PictureFiles

_LISTED = 40
"""Classes that a table shows; of more, only the smallest and the largest."""

_source_argument = click.argument(
    "source", type=Text("a dataset, a folder, an .npz file or a config"), shell_complete=complete_experiment,
    metavar="NAME|FOLDER|NPZ|CONFIG",
)  # fmt: skip


@click.group()
def command() -> None:
    """List, fetch, check and show datasets.

    \b
    cnnlab data list
    cnnlab data fetch mnist
    cnnlab data check photos/             a folder, an .npz file, a dataset or a config
    cnnlab data show cifar10_cnn --augmented
    """


@command.command("list")
@data_dir_option
@json_option
def list_command(data_dir: Path | None, as_json: bool) -> None:
    """List the named datasets: size, source, and what is on this machine.

    The status comes from the checksums of the files; no image is decoded:

    \b
    official     the checksums match the published ones
    unverified   they do not match, or none is published: see cnnlab data check
    missing      not on this machine: see cnnlab data fetch
    broken       incomplete or damaged
    generated    drawn by cnnlab when it is loaded
    """
    from cnnlab.datasets.catalog import list_datasets

    listed = list_datasets(DataPaths.from_environment(data_dir))
    if as_json:
        print_json([asdict(each) for each in listed])
        return
    rows = []
    for each in listed:
        counts = [f"{count:,}" for count in (each.num_classes, each.train_count, each.test_count)]
        where = each.path or ("cnnlab data fetch" if each.status == "missing" else "")
        rows.append([each.name, each.title, times(each.image_shape), *counts, each.status, where])
    print_table(["Dataset", "Title", "Image", "Classes", "Training", "Test", "Status", "Where"], rows, left=3)
    for problem in filter(None, (each.problem for each in listed)):
        say(f"\n{problem}")
    say("\nYour own images need no name: dataset: {folder: PATH} or dataset: {npz: FILE}.")


@command.command("fetch")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@data_dir_option
@quiet_option
@json_option
def fetch_command(names: tuple[str, ...], data_dir: Path | None, quiet: bool, as_json: bool) -> None:
    """Download published datasets for work without a network; without a name, all of them.

    What --data-dir or a cache holds is decoded and verified, and not downloaded again.
    """
    from cnnlab.commands.progress import reporting
    from cnnlab.datasets.catalog import fetch_datasets

    data_paths = DataPaths.from_environment(data_dir)
    fetched = []
    with reporting(quiet=quiet) as reporter:
        for dataset in fetch_datasets(names, data_paths, progress=reporter.downloading):
            if dataset.provenance.warning:
                reporter.warn(dataset.provenance.warning)
            fetched.append(dataset)
    if as_json:
        print_json([dataset.as_dict() for dataset in fetched])
    else:
        rows = [[each.name, each.title, each.provenance.status, each.provenance.origin] for each in fetched]
        print_table(["Dataset", "Title", "Status", "Where"], rows, left=4)


@command.command("check")
@_source_argument
@click.option(
    "--size", type=PictureSize(), metavar="WIDTHxHEIGHT",
    help="Bring the images of a folder to this size first; by default all must have that of the first.",
)  # fmt: skip
@data_dir_option
@quiet_option
@json_option
def check_command(
    source: str, size: tuple[int, int] | None, data_dir: Path | None, quiet: bool, as_json: bool
) -> None:
    """Check a dataset: counts, class balance, pixel values, digest, duplicates, and files that are left out.

    An image in both training and test makes the test accuracy too high: such pairs are counted and listed.
    Images of other sizes are listed, too, all at once.
    """
    from cnnlab.commands.progress import reporting
    from cnnlab.datasets.catalog import check_dataset

    config = dataset_behind(source, size=size)
    with reporting(quiet=quiet) as reporter:
        checked = check_dataset(config, DataPaths.from_environment(data_dir), progress=reporter.downloading)
        provenance = checked.provenance
        # What is left out is listed in full below.
        if provenance.warning and (as_json or provenance.warning != left_out_warning(checked.left_out)):
            reporter.warn(provenance.warning)
    if as_json:
        print_json(checked.as_dict())
        return
    say(f"{checked.title}: {provenance.status}, {provenance.origin}\ndigest {provenance.digest}\n")
    _print_classes(checked.inspection)
    _print_values(checked.inspection)
    for note in checked.notes:
        say(note)
    for left_out in checked.left_out:
        say(f"left out: {left_out}")
    for warning in checked.inspection.warnings:
        say(f"warning: {warning}")


def _print_classes(inspection: Inspection) -> None:
    parts = ["train", *(["validation"] if inspection.has_validation else []), "test"]
    rows = [[each.name, *(f"{getattr(each, part):,}" for part in parts)] for each in inspection.classes]
    if len(rows) > _LISTED:
        by_size = sorted(range(len(rows)), key=lambda index: inspection.classes[index].train)
        between = [f"… {len(rows) - 2} classes between", *[""] * len(parts)]
        rows = [rows[by_size[0]], between, rows[by_size[-1]]]
    total = [f"{sum(getattr(each, part) for each in inspection.classes):,}" for part in parts]
    titles = {"train": "Training", "validation": "Validation", "test": "Test"}
    print_table(["Class", *(titles[part] for part in parts)], [*rows, ["total", *total]])


def _print_values(inspection: Inspection) -> None:
    mean, std = (", ".join(f"{each:.1f}" for each in values) for values in (inspection.mean, inspection.std))
    equal = inspection.duplicates
    counts = [f"{equal.train:,} in training", f"{equal.test:,} in test", f"{equal.test_in_train:,} in both"]
    if inspection.has_validation:
        counts[2:] = [
            f"{equal.validation:,} in validation",
            f"{equal.test_in_train:,} in training and test",
            f"{equal.validation_in_train:,} in training and validation",
            f"{equal.test_in_validation:,} in validation and test",
        ]
    say(
        f"\npixels {times(inspection.image_shape)} from {inspection.lowest} to "
        f"{inspection.highest}, mean {mean}, standard deviation {std}\n"
        f"duplicates: {', '.join(counts)}"
    )
    for pairs in equal.listed():
        say(f"   {', '.join(str(pair) for pair in pairs)}")


@command.command("show")
@_source_argument
@click.option("--augmented", is_flag=True, help="As the network sees them in training; needs a config.")
@click.option("--test", "of_test", is_flag=True, help="Test images instead of training images.")
@click.option(
    "--count", type=click.IntRange(1, MOST_ON_A_SHEET), default=40, show_default=True, help="How many images."
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, help="Draws the images, of each class its share."
)
@picture_options
@data_dir_option
@quiet_option
@json_option
def show_command(
    source: str,
    augmented: bool,
    of_test: bool,
    count: int,
    seed: int,
    pictures: PictureFiles,
    data_dir: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Draw a contact sheet of a dataset, labeled with the classes: NAME.png in the current directory."""
    from cnnlab.commands.progress import reporting
    from cnnlab.config.experiment import load_config
    from cnnlab.trainer import load_reported

    experiment = load_config(source) if augmented else None
    config = dataset_of(experiment) if experiment else dataset_behind(source)
    with reporting(quiet=quiet) as reporter:
        data = load_reported(config, DataPaths.from_environment(data_dir), reporter)

    from cnnlab.datasets.mislabeling import true_labels
    from cnnlab.datasets.splits import sample
    from cnnlab.pictures.kit.figures import LazyFigures
    from cnnlab.pictures.plots import contact_sheet
    from cnnlab.pictures.rendering import Move

    part = data.test if of_test else data.train
    chosen = sample(part, count=count, seed=seed)
    images, name = part.images[chosen], source
    if experiment:
        from cnnlab.augmented import augmented as augment

        images, name = augment(experiment, data, images), f"{experiment.name}, augmented"
    if config.data_format == "channels_first":
        images = images.transpose(0, 2, 3, 1)
    noise = None if of_test else config.label_noise
    labels, true = (
        [data.class_names[label] for label in each[chosen]]
        for each in (part.labels, true_labels(part.labels, len(data.class_names), noise))
    )
    captions = [
        one_line(label) if label == right else f"{one_line(label)}\ntrue: {one_line(right)}"
        for label, right in zip(labels, true, strict=True)
    ]
    title = f"{config.full_title}: {'test' if of_test else 'training'} images ({name})"
    stem = f"{Path(source).stem or config.name}{'-augmented' if augmented else ''}"
    moves = [Move(label) for label in labels]
    sheet = partial(contact_sheet, images, captions, title=title, appearance=config.appearance, moves=moves)
    files = pictures.write_here(LazyFigures({stem: sheet}))
    if as_json:
        document = {"picture": files[0], "files": files, "labels": labels}
        print_json({**document, **({"true_labels": true} if noise else {})})
    else:
        say("\n".join(files))
