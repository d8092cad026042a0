"""cnnlab sweep"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from cnnlab.commands.options import (
    ExperimentType,
    TrainingOptions,
    complete_experiment,
    json_option,
    reject_unused,
    training_options,
    vary_option,
)
from cnnlab.commands.output import print_csv_table, print_json, say, tell
from cnnlab.commands.picture_options import picture_options
from cnnlab.errors import CnnlabError

if TYPE_CHECKING:
    from cnnlab.pictures.kit.files import PictureFiles


@click.command()
@click.argument("experiment", type=ExperimentType(), shell_complete=complete_experiment, metavar="CONFIG")
@vary_option(
    "A setting and its values, such as training.batch_size=50,100,200, or its range: 1e-4..1e-2, evenly "
    "over the logarithms; 8..64, whole numbers. May be repeated."
)
@click.option(
    "--search", type=click.Choice(["grid", "random", "tpe"]),
    help="grid (the default): every combination; random: drawn; tpe: drawn where earlier ones were good.",
)  # fmt: skip
@click.option(
    "--trials", type=click.IntRange(min=1), metavar="N",
    help="Combinations that random and tpe try; 20 by default.",
)  # fmt: skip
@click.option(
    "--prune/--no-prune", default=None,
    help="Stop trials that are worse than the median of the others at the same epoch.",
)  # fmt: skip
@training_options("Train each combination with these seeds.")
@click.option(
    "--print-commands", is_flag=True,
    help="Train nothing; print a cnnlab train command for each combination, as for a job array.",
)  # fmt: skip
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values in full precision.")
@click.option("--markdown", is_flag=True, help="Print a Markdown table.")
@picture_options
@json_option
def command(
    experiment: str,
    options: TrainingOptions,
    vary: dict[str, Any] | None,
    search: str | None,
    trials: int | None,
    prune: bool | None,
    print_commands: bool,
    as_csv: bool,
    markdown: bool,
    pictures: PictureFiles,
    quiet: bool,
    as_json: bool,
) -> None:
    """Train an experiment with many settings, and find the best by validation accuracy.

    \b
    cnnlab sweep cnn --vary training.batch_size=50,100,200 --vary training.optimizer.learning_rate=3e-4,1e-3
    cnnlab sweep cnn --vary training.optimizer.learning_rate=1e-4..1e-2 --search tpe --trials 20
    cnnlab sweep mine.yaml --seeds 0-2 --workers auto
    cnnlab sweep mine.yaml --seeds 0-2 --print-commands > commands.txt

    What varies may also stand in the config, in a section sweep with vary, search, trials, prune and seeds.

    Every point is an ordinary run, shared with train and compare: finished ones are not trained again, and
    interrupted ones are resumed. Impossible points are found before anything is trained. The best point is
    chosen on the validation images; only then is it said what it reaches on the test images.

    The search is kept in OUT/sweeps/NAME/study.db, a study of Optuna: a sweep that was stopped goes on, with
    more --trials, too. --fresh begins it anew. Pruned runs can be finished with cnnlab train.
    """
    if as_json + as_csv + markdown > 1:
        raise click.UsageError("--json, --csv and --markdown exclude each other")
    if print_commands:
        if as_csv or markdown:
            raise click.UsageError("--print-commands prints no table; leave --csv and --markdown out")
        reject_unused(
            "format", "aspect", "font_scale", "output", reason="--print-commands draws nothing; leave it out"
        )
        _print_commands(
            experiment, options, as_json=as_json, vary=vary, search=search, trials=trials, prune=prune,
            quiet=quiet,
        )  # fmt: skip
        return
    from cnnlab.api.sweeping import sweep
    from cnnlab.commands.progress import reporting

    with reporting(quiet=quiet) as reporter:
        swept = sweep(
            experiment, vary=vary, search=search, trials=trials, prune=prune, **options, progress=reporter
        )
        folder = swept.saved(pictures)
    if as_json:
        print_json(swept.as_dict())
    elif as_csv:
        print_csv_table(swept.table)
    else:
        say(swept.as_text("markdown" if markdown else "terminal") + ("" if markdown else "\n"))
        (tell if markdown else say)(f"{folder.path}: {', '.join(sorted(folder.written))}")
    if (page := swept.older_report) is not None:
        tell(f"{page} is older than the tables; cnnlab report {folder.path} writes it anew")
    if swept.winner is None:
        raise click.exceptions.Exit(CnnlabError.exit_code)


def _print_commands(experiment: str, options: TrainingOptions, *, as_json: bool, **search: Any) -> None:
    from cnnlab.api.sweep_commands import sweep_commands

    context = click.get_current_context()
    by_default = context.get_parameter_source("out") is ParameterSource.DEFAULT
    given: dict[str, Any] = {**options, "out": None if by_default else options["out"]}
    lines = sweep_commands(experiment, **given, **search)
    if as_json:
        print_json(lines)
        return
    say("\n".join(lines))
