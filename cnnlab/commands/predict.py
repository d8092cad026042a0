"""cnnlab predict"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cnnlab.commands.named_file import save_picture
from cnnlab.commands.options import NewFile, Text, data_dir_option, device_option, json_option, out_option
from cnnlab.commands.output import print_csv, print_json, print_table
from cnnlab.errors import UserError

STDIN = "-"
LARGEST_INPUT = 1 << 28
"""Bytes read from standard input."""


@click.command()
@click.argument("run", type=Text("a run's folder or an experiment's name"), metavar="RUN")
@click.argument(
    "images", nargs=-1, required=True, type=Text("an image, a folder of images, or -"), metavar="IMAGE..."
)
@click.option(
    "--top", type=click.IntRange(min=1), default=3, show_default=True, help="Number of classes per image."
)
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values with all probabilities.")
@click.option("--sheet", type=NewFile(), metavar="FILE.png", help="Also write a contact sheet as PNG.")
@out_option
@data_dir_option
@device_option
@json_option
def command(
    run: str,
    images: tuple[str, ...],
    top: int,
    as_csv: bool,
    sheet: Path | None,
    out: Path,
    data_dir: Path | None,
    device: str | None,
    as_json: bool,
) -> None:
    """Classify images with a trained network.

    \b
    cnnlab predict cnn digit.png
    cnnlab predict experiments/cnn-1a2b3c4d/seed-0 scans/ --csv
    cat digit.png | cnnlab predict cnn -

    RUN is a run's folder, or an experiment's name, which stands for its latest finished run. IMAGE is a
    file, a folder of images, or - for standard input. Each image is prepared like the training images:
    size, colour, scale. A dark digit on white is inverted; the table notes it.
    """
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other")

    from cnnlab.prediction import answers, dataset_of, prepare_all, probabilities
    from cnnlab.run_folders.listing import latest_run
    from cnnlab.run_folders.records import read_record

    record = read_record(latest_run(run, out))
    dataset = dataset_of(record)
    sources = [each for image in images for each in _sources(image)]
    prepared, failures = prepare_all(sources, dataset)
    for failure in failures:
        click.echo(failure, err=True)
    if not prepared:
        raise UserError("expected at least one image that can be read, found none")

    import numpy as np

    from cnnlab.datasets import DataPaths

    runtime = record.config.runtime
    if device is not None:
        runtime = runtime.model_copy(update={"device": device})
    pixels = np.stack([each.pixels for each in prepared.values()])
    scores = probabilities(record, pixels, DataPaths.from_environment(data_dir), runtime)
    found = answers(record, list(prepared), scores, [each.notes for each in prepared.values()])
    if as_json:
        documents = [each.as_dict() for each in found]
        print_json({"run": str(record.path), "predictions": documents})
    elif as_csv:
        classes = dataset.class_names
        rows = [
            [each.image, each.best[0], each.best[1], *each.probabilities.tolist(), "; ".join(each.notes)]
            for each in found
        ]
        print_csv(["image", "class", "probability", *classes, "notes"], rows)
    else:
        click.echo(f"{record.path}\n")
        rows = [
            [
                each.image,
                *(f"{name} {share:.1%}" for name, share in each.ranked(top)),
                "; ".join(each.notes),
            ]
            for each in found
        ]
        ranks = min(top, dataset.num_classes)
        headers = ["Image", "Prediction", *(f"{rank}." for rank in range(2, ranks + 1)), "Note"]
        print_table(headers, rows, left=len(headers))
    if sheet is not None:
        from cnnlab.pictures.contact_sheet import contact_sheet

        captions = [f"{Path(each.image).name}\n{each.best[0]} {each.best[1]:.0%}" for each in found]
        title = f"{record.name}, seed {record.seed}"
        save_picture(contact_sheet(pixels, captions, title=title, brightest=dataset.brightest), sheet)
    if failures:
        raise click.exceptions.Exit(UserError.exit_code)


def _sources(image: str) -> list[tuple[str, Path | bytes]]:
    """The images behind one argument, with the names that the table shows."""
    if image == STDIN:
        data = sys.stdin.buffer.read(LARGEST_INPUT + 1)
        if len(data) > LARGEST_INPUT:
            raise UserError(
                f"standard input: expected an image of at most {LARGEST_INPUT:,} bytes, found more"
            )
        return [("standard input", data)]
    path = Path(image)
    if path.is_dir():
        from cnnlab.datasets.reading.folder_layout import image_files

        found = [entry.path for entry in image_files(path)]
        if not found:
            raise UserError(f"{path}: expected images (.png, .jpg, .jpeg, .bmp, .gif, .webp), found none")
        return [(each, Path(each)) for each in found]
    if not path.exists():
        raise UserError(f"{path}: no such file")
    return [(image, path)]
