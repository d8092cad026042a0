"""cnnlab draw"""

from __future__ import annotations

from pathlib import Path

import click

from cnnlab.commands.named_file import written
from cnnlab.commands.options import (
    ExperimentType,
    NewFile,
    complete_experiment,
    json_option,
    overrides_option,
)
from cnnlab.commands.output import print_json
from cnnlab.config.experiment import load_config
from cnnlab.errors import UserError

KINDS = ("svg", "png")


@click.command()
@click.argument("experiment", type=ExperimentType(), shell_complete=complete_experiment, metavar="CONFIG")
@click.option("--block", metavar="NAME", help="Draw one block of the network, such as residual_1.")
@click.option(
    "--out", type=NewFile(), metavar="FILE.svg|FILE.png",
    help="The file to write.  [default: NAME.svg and NAME.png in this directory]",
)  # fmt: skip
@overrides_option("model.layers[0].filters=8")
@json_option
def command(
    experiment: str, block: str | None, out: Path | None, overrides: tuple[str, ...], as_json: bool
) -> None:
    """Draw the network: volumes to scale, kernels and branches, with shapes and parameters.

    \b
    cnnlab draw cnn
    cnnlab draw resnet18 --out resnet18.svg
    cnnlab draw googlenet --block inception_3a --out inception.png

    Layers that only change numbers, such as a normalization, are named below the volume they change.
    Repeated blocks are drawn once.
    """
    config = load_config(experiment, overrides)
    if out is not None and out.suffix[1:].lower() not in KINDS:
        raise UserError(f"--out {out}: expected a file that ends in .svg or .png")

    from cnnlab.pictures.diagrams.network import block_shapes, network_shapes
    from cnnlab.pictures.diagrams.painting import png
    from cnnlab.pictures.diagrams.svg import svg_file

    shapes = block_shapes(config, block) if block else network_shapes(config)
    stem = config.name if block is None else f"{config.name}-{block.replace('/', '-')}"
    paths = [out] if out is not None else [Path(f"{stem}.{kind}") for kind in KINDS]
    contents = {".svg": svg_file, ".png": png}
    for path in paths:
        with written(path):
            path.write_bytes(contents[path.suffix.lower()](shapes))
    if as_json:
        print_json({"name": config.name, "block": block, "files": [str(path) for path in paths]})
    else:
        click.echo("\n".join(str(path) for path in paths))
