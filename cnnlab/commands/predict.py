"""cnnlab predict"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import click

from cnnlab.commands.options import (
    Text,
    data_dir_option,
    device_option,
    json_option,
    keras_backend_option,
    out_option,
    reject_unused,
)
from cnnlab.commands.output import print_csv_table, print_json, print_table, say, tell_files
from cnnlab.commands.picture_options import picture_format_options
from cnnlab.errors import UserError
from cnnlab.wording import counted

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
@click.option(
    "--sheet", metavar="NAME",
    help="Also draw the images, at most 1,000, with their predictions, as NAME.png or in the format of its "
    "ending.",
)  # fmt: skip
@picture_format_options
@out_option
@data_dir_option
@keras_backend_option
@device_option
@json_option
def command(
    run: str,
    images: tuple[str, ...],
    top: int,
    as_csv: bool,
    sheet: str | None,
    format: str | None,
    aspect: str,
    font_scale: float,
    out: Path,
    data_dir: Path | None,
    backend: str | None,
    device: str | None,
    as_json: bool,
) -> None:
    """Classify images with a trained network.

    \b
    cnnlab predict cnn digit.png
    cnnlab predict experiments/cnn-1a2b3c4d/seed-0 scans/ --csv
    cat digit.png | cnnlab predict cnn -

    RUN is a run's folder, or an experiment's name, which stands for its latest finished run. IMAGE is a
    file, a folder of images with all folders in it, or - for standard input. Where folders are called as
    classes are, the number of right predictions is told. Each image is prepared like the training images:
    size, color, scale. A dark digit on white is inverted; the table notes it.
    """
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other")
    if sheet is None:
        reject_unused("format", "aspect", "font_scale", reason="without --sheet, nothing is drawn")
    from cnnlab.pictures.kit.files import PictureFiles

    pictures = PictureFiles.of(
        format=format, aspect=aspect, font_scale=font_scale, output=sheet, called="sheet"
    )
    from cnnlab.api.functions import predict
    from cnnlab.commands.progress import SilentReporter

    sources = [_standard_input() if image == STDIN else image for image in images]
    found = predict(
        run, sources, out=out, data_dir=data_dir, backend=backend, device=device, progress=SilentReporter()
    )
    files: list[str] = []
    if sheet is not None:
        from cnnlab.pictures.kit.figures import LazyFigures

        draw = partial(found.sheet, aspect=aspect, font_scale=font_scale)
        files = pictures.write_here(LazyFigures({"sheet": draw}))
    classes = found.classes
    if as_json:
        print_json(found.as_dict())
    elif as_csv:
        print_csv_table(found.table)
    else:
        say(f"{found.folder}\n")
        rows = [
            [
                each.image,
                *(f"{name} {share:.1%}" for name, share in each.ranked(top)),
                "; ".join(each.notes),
            ]
            for each in found
        ]
        headers = [
            "Image",
            "Prediction",
            *(f"{rank}." for rank in range(2, min(top, len(classes)) + 1)),
            "Note",
        ]
        print_table(headers, rows, left=len(headers))
        if found.right is not None:
            right, known = found.right
            from cnnlab.few_images import share_text

            known_images = counted(known, "image")
            say(f"\n{right:,} of {known_images} in folders of classes right ({share_text(right, known)})")
    tell_files(files, on_stdout=not (as_json or as_csv))
    if found.failures:
        raise click.exceptions.Exit(UserError.exit_code)


def _standard_input() -> tuple[str, bytes]:
    """The image on standard input, with the name that the table shows."""
    data = sys.stdin.buffer.read(LARGEST_INPUT + 1)
    if len(data) > LARGEST_INPUT:
        raise UserError(f"standard input: expected an image of at most {LARGEST_INPUT:,} bytes, found more")
    return "standard input", data
