"""cnnlab export"""

from __future__ import annotations

from pathlib import Path

import click

from cnnlab.commands.options import GivenPath, Text, data_dir_option, json_option, quiet_option
from cnnlab.commands.output import print_json, say


@click.command()
@click.argument("run", type=Text("a run's folder or an experiment's name"), metavar="RUN")
@click.option(
    "--to", type=click.Choice(["onnx", "litert", "saved-model", "keras"]), required=True,
    help="The format: ONNX, LiteRT (formerly TensorFlow Lite), TensorFlow's SavedModel, or Keras.",
)  # fmt: skip
@click.option(
    "--out", type=GivenPath(), metavar="PATH", help="The file, or its folder; by default RUN/export/."
)
@click.option(
    "--quantize", type=click.Choice(["int8"]),
    help="Weights and values of 8 bits, of ONNX and LiteRT; the accuracy is printed beside the original's.",
)  # fmt: skip
@data_dir_option
@quiet_option
@json_option
def command(
    run: str,
    to: str,
    out: Path | None,
    quantize: str | None,
    data_dir: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Write a trained network to a file for another runtime.

    \b
    cnnlab export cnn --to onnx
    cnnlab export experiments/cnn-1a2b3c4d/seed-0 --to litert --quantize int8
    cnnlab export cnn --to saved-model --out served/cnn

    RUN is a run's folder, or an experiment's name, which stands for its latest finished run. The file takes
    raw pixels from 0 to 255 and gives class probabilities; scaling and all other preparation is inside. It
    names its classes and says where it comes from; cnnlab predict takes it in place of a run. It is run over
    the test images by the runtime that it is meant for: where its probabilities differ from the network's by
    more than 0.0001, nothing is written.
    """
    from cnnlab.api.exporting import export
    from cnnlab.commands.progress import reporting

    with reporting(quiet=quiet) as reporter:
        exported = export(run, to=to, out=out, quantize=quantize, data_dir=data_dir, progress=reporter)
    if as_json:
        print_json(exported.as_dict())
        return
    say(f"{exported.path}: {exported.bytes / 2**20:,.2f} MiB")
    say(
        f"{exported.runtime}, {exported.images:,} test images: accuracy {exported.test_accuracy:.2%}, "
        f"{exported.original_accuracy:.2%} in Keras; {exported.same_answers:.2%} of the predictions are the "
        f"same; probabilities differ by at most {exported.largest_difference:.1g}"
    )
