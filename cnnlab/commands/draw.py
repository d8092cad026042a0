"""cnnlab draw"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnnlab.api.experiment import load
from cnnlab.commands.options import (
    ExperimentType,
    complete_experiment,
    json_option,
    overrides_option,
)
from cnnlab.commands.output import print_json, say, tell
from cnnlab.commands.picture_options import NewDrawing, one_file, picture_options
from cnnlab.user_files import written

if TYPE_CHECKING:
    from cnnlab.pictures.kit.files import PictureFiles
    from cnnlab.pictures.kit.page import Format

KINDS: tuple[Format, ...] = ("svg", "png")


@click.command()
@click.argument("experiment", type=ExperimentType(), shell_complete=complete_experiment, metavar="CONFIG")
@click.option("--block", metavar="NAME", help="Draw one block of the network, such as residual_1.")
@click.option(
    "--out", type=NewDrawing(), metavar="FILE.svg|FILE.png|FILE.pdf",
    help="Output file.  [default: NAME.svg and NAME.png in the current directory]",
)  # fmt: skip
@overrides_option("model.layers[0].filters=8")
@picture_options
@json_option
def command(
    experiment: str,
    block: str | None,
    out: Path | None,
    set: dict[str, Any],
    pictures: PictureFiles,
    as_json: bool,
) -> None:
    """Draw a network: volumes to scale, kernels and branches, with shapes and parameters.

    \b
    cnnlab draw cnn
    cnnlab draw resnet18 --out resnet18.svg
    cnnlab draw cnn --aspect 16:9 --format pdf -o slide
    cnnlab draw googlenet --block inception_3a --out inception.png

    Layers that only change values, such as a normalization, are named below their volume; repeated parts
    are drawn once.
    """
    if out is not None:
        pictures = one_file(out, pictures)
    given = click.get_current_context().params["format"]
    loaded = load(experiment, set)
    drawing = loaded.draw(block=block, aspect=pictures.page.aspect, font_scale=pictures.page.font_scale)
    stem = loaded.name if block is None else f"{loaded.name}-{block.replace('/', '-')}"
    if given is None and pictures.output is None:
        pictures = replace(pictures, formats=KINDS)
    paths = pictures.paths(stem)
    for path in paths:
        with written(path):
            path.write_bytes(drawing.encode(path.suffix))
    if drawing.is_too_small:
        has_blocks = any("/" in row.name for row in loaded.config.architecture.rows)
        hint = "; --block NAME draws one block" if has_blocks and block is None else ""
        share = f"{drawing.smallest_text:.1%}"
        tell(f"note: the smallest text is {share} of a slide's height, hard to read{hint}")
    if as_json:
        print_json({"name": loaded.name, "block": block, "files": [str(path) for path in paths]})
    else:
        say("\n".join(str(path) for path in paths))
