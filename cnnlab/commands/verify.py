"""cnnlab verify"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cnnlab.commands.options import (
    ExperimentType,
    backend_option,
    complete_experiment,
    data_dir_option,
    json_option,
    overrides_option,
    quiet_option,
)
from cnnlab.commands.output import print_json, say


@click.group()
def command() -> None:
    """Check on this machine that cnnlab keeps its promises.

    \b
    cnnlab verify resume cnn
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
