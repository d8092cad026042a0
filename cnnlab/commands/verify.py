"""cnnlab verify"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from cnnlab.commands.options import (
    ExperimentType,
    GivenPath,
    backend_option,
    complete_experiment,
    data_dir_option,
    json_option,
    out_option,
    overrides_option,
    quiet_option,
)
from cnnlab.commands.output import print_csv, print_json, print_table, say
from cnnlab.cpu_settings import KerasBackendName
from cnnlab.foreign_text import one_line
from cnnlab.wording import TEXT_COLUMNS

if TYPE_CHECKING:
    from cnnlab.verification.gradients.results import GradientVerification, LayerCheck
    from cnnlab.verification.hand_ins.results import HandIn, RunVerification


@click.group()
def command() -> None:
    """Check on this machine that cnnlab keeps its promises, and that runs of others are what they claim.

    \b
    cnnlab verify resume cnn
    cnnlab verify gradients cnn
    cnnlab verify runs hand-ins/ --against cnn
    """


@command.command("resume")
@click.argument("experiment", type=ExperimentType(), shell_complete=complete_experiment, metavar="CONFIG")
@click.option(
    "--kills",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="How many times to kill the run.",
)
@click.option(
    "--kill-seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the moments."
)
@overrides_option("training.epochs=3")
@backend_option
@data_dir_option
@quiet_option
@json_option
def resume(
    experiment: str,
    kills: int,
    kill_seed: int,
    set: dict[str, Any],
    backend: str | None,
    data_dir: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Kill and resume a run: does it end like one that was never interrupted?

    \b
    cnnlab verify resume colors_cnn
    cnnlab verify resume mine.yaml --kills 20 --set training.epochs=5

    The experiment is trained without interruption. Then it is trained again, killed (SIGKILL) while the first
    checkpoint is written, during the final writes and at random moments in between, and started again each
    time. Weights, history, predictions and result must be equal, bit for bit, except for times and memory.
    Everything happens in a temporary folder. The exit code is 0 if they are equal, else 1.
    """
    from cnnlab.api.verifying import verify_resume
    from cnnlab.commands.progress import reporting

    with reporting(quiet=quiet) as reporter:
        verification = verify_resume(
            experiment, set=set, backend=backend, data_dir=data_dir, kills=kills, kill_seed=kill_seed,
            progress=reporter,
        )  # fmt: skip
    if as_json:
        print_json(verification.as_dict())
    else:
        say(str(verification))
    if not verification.equal:
        raise click.exceptions.Exit(1)


@command.command("gradients")
@click.argument("experiment", type=ExperimentType(), shell_complete=complete_experiment, metavar="CONFIG|RUN")
@click.option(
    "--dtype", type=click.Choice(["float64", "float32"]), default="float64", show_default=True,
    help="What both engines compute in.",
)  # fmt: skip
@click.option(
    "--convolution", type=click.Choice(["im2col", "loops", "numba"]),
    help="How the NumPy engine computes convolutions; by default as the config says, im2col.",
)  # fmt: skip
@click.option(
    "--batch", type=click.IntRange(1, 256), help="Number of images; by default 8, of large networks 2."
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1),
    help="Seed of fresh weights, images, gradients and entries; by default the config's.",
)  # fmt: skip
@overrides_option("model.layers[0].strides=2")
@click.option(
    "--backend", type=click.Choice(get_args(KerasBackendName)),
    help="The backend of Keras; by default the one in the config.",
)  # fmt: skip
@out_option
@data_dir_option
@quiet_option
@json_option
def gradients(experiment: str, quiet: bool, as_json: bool, **options: Any) -> None:
    """Compare Keras with the NumPy engine, layer by layer, and both with finite differences.

    \b
    cnnlab verify gradients colors_cnn
    cnnlab verify gradients mine.yaml --backend jax --convolution numba
    cnnlab verify gradients experiments/cnn-1a2b3c4d/seed-0 --json

    CONFIG stands for fresh weights; RUN, a run's folder, for its trained ones. Each layer gets the outputs of
    Keras's layers before it for a batch of test images (random numbers where there are none), and a random
    gradient from behind. Outputs, gradients of the inputs and gradients of the weights must be the same in
    both engines. So must slopes: at 50 entries of each tensor, the gradients of the NumPy engine are compared
    with finite differences in float64, away from kinks. Differences are relative to the largest number. The
    exit code is 0 if all layers agree, else 1.
    """
    from cnnlab.api.verifying import verify_gradients
    from cnnlab.commands.progress import reporting

    with reporting(quiet=quiet) as reporter:
        verification = verify_gradients(experiment, **options, progress=reporter)
    if as_json:
        print_json(verification.as_dict())
    else:
        _print_layers(verification)
    if not verification.ok:
        raise click.exceptions.Exit(1)


@command.command("runs")
@click.argument("folder", type=GivenPath(exists=True), metavar="DIR")
@click.option(
    "--against", type=ExperimentType(), required=True, shell_complete=complete_experiment,
    metavar="CONFIG|RUN", help="What was to be trained.",
)  # fmt: skip
@overrides_option("training.epochs=3")
@click.option(
    "--backend", type=click.Choice(get_args(KerasBackendName)),
    help="What computes the models; by default the one in the config.",
)  # fmt: skip
@out_option
@data_dir_option
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values in full precision.")
@quiet_option
@json_option
def runs(folder: Path, quiet: bool, as_csv: bool, as_json: bool, **options: Any) -> None:
    """Grade hand-ins: is each run whole, of this config and data, and as good as it claims?

    \b
    cnnlab verify runs hand-ins/ --against cnn
    cnnlab verify runs hand-ins.zip --against cnn.yaml --csv > grades.csv
    cnnlab verify runs hand-ins/ --against experiments/cnn-1a2b3c4d/seed-0 --json

    DIR holds folders of runs and zips of them, nested as they come; or it is a zip of all that. Of each run,
    the files must be those that it finished with; its settings, the seed aside, and its data must be those
    of CONFIG or RUN; and on the test images here its model must reach the accuracy that it claims, up to one
    image in a thousand. Nothing in a hand-in is trusted, and one that is damaged or hostile does not stop the
    others. The exit code is 0 if all are ok, else 1.
    """
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other")
    from cnnlab.api.verifying import verify_runs
    from cnnlab.commands.progress import reporting

    with reporting(quiet=quiet) as reporter:
        verification = verify_runs(folder, **options, progress=reporter)
    if as_json:
        print_json(verification.as_dict())
    elif as_csv:
        print_csv(_HAND_IN_KEYS, [_in_csv(each) for each in verification.hand_ins])
    else:
        _print_hand_ins(verification)
    if not verification.ok:
        raise click.exceptions.Exit(1)


_HAND_IN_KEYS = (
    "path", "state", "digest", "differences", "claimed_accuracy", "measured_accuracy", "ok", "reason",
)  # fmt: skip


def _in_csv(hand_in: HandIn) -> list[Any]:
    row = hand_in.as_dict()
    row["differences"] = "; ".join(str(each) for each in hand_in.differences)
    row["ok"] = "yes" if hand_in.ok else "no"
    return [row[key] for key in _HAND_IN_KEYS]


def _print_hand_ins(verification: RunVerification) -> None:
    headers = ["Hand-in", "State", "Settings", "Claimed", "Measured", "Verdict"]
    rows = [
        [
            each.path,
            each.state,
            "–" if each.digest is None else "differ" if each.differences else "same",
            _share(each.claimed_accuracy),
            _share(each.measured_accuracy),
            "ok" if each.ok else "NOT OK",
        ]
        for each in verification.hand_ins
    ]
    print_table(headers, rows, left=3, width=TEXT_COLUMNS)
    say()
    say(str(verification))
    for each in verification.hand_ins:
        if not each.ok:
            say(f"   {one_line(each.path)}: {one_line(each.reason or '')}")


def _share(accuracy: float | None) -> str:
    return "–" if accuracy is None else f"{accuracy:.2%}"


def _print_layers(verification: GradientVerification) -> None:
    headers = ["Layer", "Type", "Output", "Input\ngradient", "Weights", "Finite\ndiff.", "Verdict"]
    print_table(headers, [_row(layer) for layer in verification.layers], left=2, width=TEXT_COLUMNS)
    say()
    say(str(verification))
    tolerances = sorted({layer.tolerance for layer in verification.layers})
    say(f"Differences are relative; up to {' or '.join(f'{each:.0e}' for each in tolerances)} is rounding.")


def _row(layer: LayerCheck) -> list[str]:
    return [
        layer.name,
        layer.type,
        _digits(layer.output),
        _digits(layer.input_gradient),
        _digits(max(layer.weights.values())) if layer.weights else "",
        "–" if layer.finite_difference is None else _digits(layer.finite_difference),
        "same" if layer.ok else "DIFFERS",
    ]


def _digits(difference: float) -> str:
    """3e-16, or 0"""
    return f"{difference:.0e}" if difference else "0"
