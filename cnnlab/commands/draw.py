"""cnnlab draw"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cnnlab.api.experiment import load
from cnnlab.commands.options import (
    ExperimentType,
    NewDrawing,
    complete_experiment,
    json_option,
    overrides_option,
)
from cnnlab.commands.output import print_json, say
from cnnlab.user_files import written

KINDS = ("svg", "png")


@click.command()
@click.argument("experiment", type=ExperimentType(), shell_complete=complete_experiment, metavar="CONFIG")
@click.option("--block", metavar="NAME", help="Draw one block of the network, such as residual_1.")
@click.option(
    "--out", type=NewDrawing(), metavar="FILE.svg|FILE.png",
    help="Output file.  [default: NAME.svg and NAME.png in the current directory]",
)  # fmt: skip
@overrides_option("model.layers[0].filters=8")
@json_option
def command(experiment: str, block: str | None, out: Path | None, set: dict[str, Any], as_json: bool) -> None:
    """Draw a network: volumes to scale, kernels and branches, with shapes and parameters.

    \b
    cnnlab draw cnn
    cnnlab draw resnet18 --out resnet18.svg
    cnnlab draw googlenet --block inception_3a --out inception.png

    Layers that only change values, such as a normalization, are named below their volume; repeated parts
    are drawn once.
    """
    loaded = load(experiment, set)
    drawing = loaded.draw(block=block)
    stem = loaded.name if block is None else f"{loaded.name}-{block.replace('/', '-')}"
    paths = [out] if out is not None else [Path(f"{stem}.{kind}") for kind in KINDS]
    for path in paths:
        with written(path):
            path.write_bytes(drawing.encode(path.suffix))
    if as_json:
        print_json({"name": loaded.name, "block": block, "files": [str(path) for path in paths]})
    else:
        say("\n".join(str(path) for path in paths))
