"""cnnlab live"""

from __future__ import annotations

from pathlib import Path

import click

from cnnlab.commands.options import GivenPath, Text, data_dir_option, json_option, quiet_option
from cnnlab.commands.output import print_json, say


@click.command()
@click.argument(
    "runs", nargs=-1, required=True, type=Text("a run's folder or an experiment's name"), metavar="RUN [RUN]"
)
@click.option(
    "--epochs", is_flag=True,
    help="With a slider over the epochs of a run that was trained with training.keep_epochs: true.",
)  # fmt: skip
@click.option(
    "-o",
    "--out",
    type=GivenPath(),
    metavar="FILE",
    help="By default live.html in the run's folder.",
)
@data_dir_option
@quiet_option
@json_option
def command(
    runs: tuple[str, ...], epochs: bool, out: Path | None, data_dir: Path | None, quiet: bool, as_json: bool
) -> None:
    """Write a page on which one draws, and sees every layer of a trained network answer.

    \b
    cnnlab live cnn
    cnnlab live dnn cnn -o dnn-and-cnn.html
    cnnlab live --epochs experiments/cnn-1a2b3c4d/seed-0

    RUN is a run's folder, or an experiment's name, which stands for its latest finished run; two runs are of
    the same data, and stand side by side. The page is a single file that opens from the disk: it holds the
    weights and computes in the browser, without a server or a network. Point at a value of a layer to see
    which pixels it depends on and the sum that makes it; turn filters off; shift, rotate, scale and thicken
    what is drawn.
    """
    from cnnlab.api.live import live
    from cnnlab.commands.progress import reporting

    with reporting(quiet=quiet) as reporter:
        written = live(*runs, epochs=epochs, out=out, data_dir=data_dir, progress=reporter)
    if as_json:
        print_json(written.as_dict())
        return
    say(f"{written.page}: {written.bytes / 2**20:,.2f} MiB; open it in a browser")
