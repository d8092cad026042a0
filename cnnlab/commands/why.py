"""cnnlab why"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cnnlab.commands.options import (
    ExperimentType,
    TrainingOptions,
    complete_experiment,
    json_option,
    training_options,
)
from cnnlab.commands.output import print_json, say, tell
from cnnlab.commands.picture_options import picture_options

if TYPE_CHECKING:
    from cnnlab.pictures.kit.files import PictureFiles


@click.command()
@click.argument("dnn", type=ExperimentType(), shell_complete=complete_experiment, metavar="DNN")
@click.argument("cnn", type=ExperimentType(), shell_complete=complete_experiment, metavar="CNN")
@click.option(
    "--rungs", metavar="ID,…",
    help="Train only these experiments, such as cnn_strided,locally_connected, and what they derive from.",
)  # fmt: skip
@training_options("Train every experiment with these seeds; by default 0-5.")
@click.option("--markdown", is_flag=True, help="Print a Markdown table.")
@picture_options
@json_option
def command(
    dnn: str,
    cnn: str,
    options: TrainingOptions,
    rungs: str | None,
    markdown: bool,
    pictures: PictureFiles,
    quiet: bool,
    as_json: bool,
) -> None:
    """Find out why a CNN beats a DNN: train the experiments in between, one change each.

    \b
    cnnlab why dnn cnn --workers auto
    cnnlab why dnn cnn --rungs locally_connected,cnn_strided,dnn_permuted,cnn_permuted
    cnnlab why colors_dnn colors_cnn --seeds 0-9

    From DNN to CNN: the DNN with the CNN's input, loss and training (dnn_recipe); the CNN with Dense layers
    in place of its convolutions (dense_equivalent); the same with weights of its own at each place
    (locally_connected). Around the CNN: the first value of each pooling window instead of the maximum
    (cnn_strided), average pooling (cnn_average), ReLU after each convolution, or none (cnn_activation,
    cnn_linear), one normalization, dropout, augmentation or shortcut less (cnn_without_NAME), and the DNN
    with the CNN's number of parameters (dnn_matched). As a control, the main ones again on permuted pixels
    (…_permuted).

    Every rung is an ordinary experiment: its config is written to experiments/comparisons/why-A-vs-B/,
    finished runs are not trained again, interrupted ones are resumed. Rungs with more than ten million
    parameters, and more than both networks, are trained only if --rungs names them. Differences are tested
    seed by seed (paired t tests, adjusted for all steps by Holm's method); docs/why.md says what the tests
    assume.
    """
    if markdown and as_json:
        raise click.UsageError("--markdown and --json exclude each other")
    from cnnlab.api.why import why
    from cnnlab.commands.progress import reporting

    with reporting(quiet=quiet) as reporter:
        study = why(dnn, cnn, rungs=rungs, **options, progress=reporter)
        folder = study.saved(pictures)
    if as_json:
        print_json(study.as_dict())
        return
    say(study.as_text("markdown" if markdown else "terminal") + ("" if markdown else "\n"))
    written = ", ".join(sorted([*folder.written, "configs/"]))
    (tell if markdown else say)(f"{folder.path}: {written}")
