"""The options of commands that draw: formats, sides, the size of text, and where pictures go."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnnlab.commands.options import Command, GivenPath
from cnnlab.errors import UserError
from cnnlab.user_files import check_folder_of

if TYPE_CHECKING:
    from cnnlab.pictures.kit.files import PictureFiles


class NewDrawing(GivenPath):
    """A drawing that the command will write, as SVG, PNG or PDF; whether it can is known before the work."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path.

        Raises:
            UserError: its folder is not there, or its name ends in something else.
        """
        path = super().convert(value, param, ctx)
        check_folder_of(path)
        if path.suffix.lower() not in (".svg", ".png", ".pdf"):
            option = "" if param is None else f"{param.opts[0]} "
            raise UserError(f"{option}{path}: expected a file that ends in .svg, .png or .pdf")
        return path


def picture_format_options(command: Command) -> Command:
    """--format, --aspect and --font-scale, of all that draws: to the command under these names."""
    for option in (
        click.option(
            "--font-scale",
            type=float,
            default=1.0,
            show_default=True,
            metavar="FACTOR",
            help="Enlarge the text of the pictures, 0.5 to 2.",
        ),
        click.option(
            "--aspect",
            default="auto",
            show_default=True,
            metavar="16:9|4:3|auto",
            help="Sides of the pictures; 16:9 fills a slide.",
        ),
        click.option(
            "--format",
            metavar="png,svg,pdf",
            help="Formats of the pictures, with commas between.  [default: png]",
        ),
    ):
        command = option(command)
    return command  # fmt: skip


def picture_options(command: Command) -> Command:
    """The same and -o, of what draws pictures for their own sake: to the command as `pictures`."""

    @picture_format_options
    @click.option(
        "-o",
        "--output",
        metavar="NAME",
        help="Write the pictures as NAME.png, or NAME-PICTURE.png where there are several.",
    )
    @functools.wraps(command)
    def with_pictures(
        *args: Any, format: str | None, aspect: str, font_scale: float, output: str | None, **kwargs: Any
    ) -> Any:
        from cnnlab.pictures.kit.files import PictureFiles

        how = PictureFiles.of(format=format, aspect=aspect, font_scale=font_scale, output=output)
        return command(*args, pictures=how, **kwargs)

    return with_pictures


def one_file(path: Path, pictures: PictureFiles) -> PictureFiles:
    """--out as picture files: one file, whose ending says the format.

    Raises:
        UsageError: both were given.
    """
    from cnnlab.pictures.kit.files import PictureFiles

    if click.get_current_context().params["format"] is not None or pictures.output is not None:
        raise click.UsageError("--out names one file; leave out --format and -o, or --out")
    page = pictures.page
    return PictureFiles.of(output=path, aspect=page.aspect, font_scale=page.font_scale)
