"""cnnlab data list | fetch | check | show"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnnlab.commands.data_source import dataset_behind, dataset_named
from cnnlab.commands.options import (
    NewFile,
    Text,
    complete_experiment,
    data_dir_option,
    json_option,
    quiet_option,
)
from cnnlab.commands.output import print_json, print_table
from cnnlab.datasets import DATASETS, DataPaths, DatasetConfig
from cnnlab.errors import UserError
from cnnlab.user_files import save_picture

if TYPE_CHECKING:
    from cnnlab.commands.progress import SilentReporter
    from cnnlab.datasets.content import Content
    from cnnlab.datasets.examining import Examination

_LISTED = 40
"""Classes that a table shows; of more, only the smallest and the largest."""

_source_argument = click.argument(
    "source", type=Text("a dataset, a folder, an .npz file or a config"), shell_complete=complete_experiment,
    metavar="NAME|FOLDER|NPZ|CONFIG",
)  # fmt: skip


@click.group()
def command() -> None:
    """Datasets: what there is, fetch it, check it, look at it.

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
    """List the datasets that go by a name: size, source, and whether they are here and verified."""
    data_paths = DataPaths.from_environment(data_dir)
    rows = [_facts(dataset_named(name), data_paths) for name in DATASETS]
    if as_json:
        print_json(rows)
        return
    print_table(
        ["Dataset", "Title", "Image", "Classes", "Training", "Test", "Status", "Where"],
        [
            [
                row["name"],
                row["title"],
                "×".join(map(str, row["image_shape"])),
                str(row["num_classes"]),
                f"{row['train_count']:,}",
                f"{row['test_count']:,}",
                row["status"],
                row["path"] or ("drawn when needed" if row["source"] == "drawn" else "cnnlab data fetch"),
            ]
            for row in rows
        ],
        left=3,
    )
    for row in rows:
        if row["problem"]:
            click.echo(f"\n{row['problem']}")
    click.echo("\nYour own images need no name: dataset: {folder: PATH} or dataset: {npz: FILE}.")


def _facts(config: DatasetConfig, data_paths: DataPaths) -> dict[str, Any]:
    published = bool(getattr(config, "remote_files", ()))
    status, path, problem = "generated", None, None
    if published:
        try:
            path = config.locate(data_paths)
            status = "missing" if path is None else config.read(data_paths).provenance.status
        except UserError as error:
            status, problem = "broken", str(error)
    return {
        "name": config.name,
        "title": config.title,
        "image_shape": config.image_shape,
        "num_classes": config.num_classes,
        "train_count": config.train_count,
        "test_count": config.test_count,
        "source": "published" if published else "drawn",
        "urls": [remote.url for remote in getattr(config, "remote_files", ())],
        "status": status,
        "path": None if path is None else str(path),
        "problem": problem,
    }


@command.command("fetch")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@data_dir_option
@quiet_option
@json_option
def fetch_command(names: tuple[str, ...], data_dir: Path | None, quiet: bool, as_json: bool) -> None:
    """Bring published datasets here, for work without a network; all of them where none is named.

    What is found in --data-dir or a cache is verified and not downloaded again.
    """
    from cnnlab.commands.progress import reporting
    from cnnlab.errors import unknown

    for name in names:
        if name not in DATASETS:
            raise unknown("dataset", name, DATASETS)
    published = [name for name in DATASETS if hasattr(DATASETS[name], "remote_files")]
    data_paths = DataPaths.from_environment(data_dir)
    fetched = []
    with reporting(quiet=quiet) as reporter:
        for name in names or published:
            config = dataset_named(name)
            content = _read(config, data_paths, reporter)
            fetched.append({"name": name, "title": config.title, **_provenance(content)})
    if as_json:
        print_json(fetched)
    else:
        print_table(
            ["Dataset", "Title", "Status", "Where"],
            [[row["name"], row["title"], row["status"], row["origin"]] for row in fetched],
            left=4,
        )


@command.command("check")
@_source_argument
@data_dir_option
@quiet_option
@json_option
def check_command(source: str, data_dir: Path | None, quiet: bool, as_json: bool) -> None:
    """Check a dataset: counts, balance, values, digest, and images that come twice.

    The same image in training and test makes a test accuracy too good: such pairs are counted and named.
    """
    from cnnlab.commands.progress import reporting

    config = dataset_behind(source)
    with reporting(quiet=quiet) as reporter:
        content = _read(config, DataPaths.from_environment(data_dir), reporter)

    from cnnlab.datasets.examining import examine

    examination = examine(content, config.class_names)
    if as_json:
        print_json(
            {"name": config.name, "title": config.title} | _provenance(content) | examination.as_dict()
        )
        return
    provenance = content.provenance
    click.echo(f"{config.title}: {provenance.status}, {provenance.origin}\ndigest {provenance.digest}\n")
    _print_classes(examination)
    _print_values(examination)
    for warning in examination.warnings:
        click.echo(f"warning: {warning}")


def _print_classes(examination: Examination) -> None:
    rows = [[each.name, f"{each.train:,}", f"{each.test:,}"] for each in examination.classes]
    if len(rows) > _LISTED:
        by_size = sorted(examination.classes, key=lambda each: each.train)
        rows = [[each.name, f"{each.train:,}", f"{each.test:,}"] for each in (by_size[0], by_size[-1])]
        rows.insert(1, [f"… {len(by_size) - 2} classes between", "", ""])
    total = [sum(getattr(each, part) for each in examination.classes) for part in ("train", "test")]
    rows.append(["total", *(f"{count:,}" for count in total)])
    print_table(["Class", "Training", "Test"], rows)


def _print_values(examination: Examination) -> None:
    mean = ", ".join(f"{value:.1f}" for value in examination.mean)
    std = ", ".join(f"{value:.1f}" for value in examination.std)
    twice = examination.duplicates
    click.echo(
        f"\npixels {'×'.join(map(str, examination.image_shape))} from {examination.lowest} to "
        f"{examination.highest}, mean {mean}, standard deviation {std}\n"
        f"equal images: {twice.train:,} in training, {twice.test:,} in test, {twice.test_in_train:,} test "
        "images that are training images"
    )
    if twice.examples:
        pairs = ", ".join(f"test {test} = training {train}" for test, train in twice.examples)
        click.echo(f"   {pairs}")


@command.command("show")
@_source_argument
@click.option("--augmented", is_flag=True, help="As the network sees them in training: needs a config.")
@click.option("--test", "of_test", is_flag=True, help="Test images instead of training images.")
@click.option("--count", type=click.IntRange(1, 1000), default=40, show_default=True, help="How many images.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Draws them, alike of each class.")
@click.option(
    "-o", "--output", type=NewFile(), metavar="FILE.png", help="The picture; default: NAME.png here."
)
@data_dir_option
@quiet_option
@json_option
def show_command(
    source: str,
    augmented: bool,
    of_test: bool,
    count: int,
    seed: int,
    output: Path | None,
    data_dir: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Draw a contact sheet of a dataset, labelled with the classes."""
    from cnnlab.commands.progress import reporting

    experiment = None
    if augmented:
        from cnnlab.config.experiment import load_config

        experiment = load_config(source)
        if experiment.dataset is None:
            raise UserError(f"{experiment.name}: this config has no dataset")
        config = experiment.dataset
    else:
        config = dataset_behind(source)
    with reporting(quiet=quiet) as reporter:
        data_paths = DataPaths.from_environment(data_dir)

        from cnnlab.datasets import load_dataset

        data = load_dataset(config, data_paths, progress=reporter.downloading)
        if data.provenance.warning:
            reporter.warn(data.provenance.warning)

    import numpy as np

    from cnnlab.datasets.splits import stratified
    from cnnlab.pictures.contact_sheet import contact_sheet

    part = data.test if of_test else data.train
    chosen = np.flatnonzero(stratified(part.labels, min(count, len(part)), seed=seed))
    images, labels = part.images[chosen], part.labels[chosen]
    if experiment is not None:
        from cnnlab.augmented import augmented as change

        images = change(experiment, data, images)
    if config.data_format == "channels_first":
        images = images.transpose(0, 2, 3, 1)
    name = source if experiment is None else f"{experiment.name}, augmented"
    sheet = contact_sheet(
        images,
        [data.class_names[label] for label in labels],
        title=f"{config.title}: {'test' if of_test else 'training'} images ({name})",
        brightest=config.brightest,
    )
    path = output or Path(f"{Path(source).stem or config.name}{'-augmented' if augmented else ''}.png")
    save_picture(sheet, path)
    if as_json:
        print_json({"picture": str(path), "labels": [data.class_names[label] for label in labels]})
    else:
        click.echo(str(path))


def _read(config: DatasetConfig, data_paths: DataPaths, reporter: SilentReporter) -> Content:
    content = config.read(data_paths, progress=reporter.downloading)
    if config.class_names != config.all_classes:
        from cnnlab.datasets.splits import only_classes

        content = only_classes(content, config)
    if content.provenance.warning:
        reporter.warn(content.provenance.warning)
    return content


def _provenance(content: Content) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(content.provenance)
