"""cnnlab compare"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cnnlab.commands.options import (
    Command,
    TrainingOptions,
    experiments_argument,
    json_option,
    training_options,
)
from cnnlab.commands.output import print_json

if TYPE_CHECKING:
    from cnnlab.api.comparing import Budget
    from cnnlab.comparison import Style


def match_options(command: Command) -> Command:
    """--match and --resize."""
    command = click.option("--resize", metavar="NAME", help="With --match: the experiment to resize.")(
        command
    )
    return click.option(
        "--match", type=click.Choice(["parameters", "macs", "seconds"]),
        help="Resize one network until it costs what the other does.",
    )(command)  # fmt: skip


@click.command()
@experiments_argument("A B...")
@training_options
@match_options
@click.option(
    "--per-class", is_flag=True, help="The test accuracy class by class, too; with --csv, only that."
)
@click.option("--markdown", is_flag=True, help="Print Markdown tables.")
@click.option("--latex", is_flag=True, help="Print LaTeX tables, for the package booktabs.")
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values in full precision.")
@json_option
def command(
    experiments: tuple[str, ...],
    options: TrainingOptions,
    match: Budget | None,
    resize: str | None,
    per_class: bool,
    markdown: bool,
    latex: bool,
    as_csv: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Train what is missing, then compare: which network is better, by how much, and how sure is that?

    \b
    cnnlab compare dnn cnn
    cnnlab compare dnn cnn --seeds 0-5 --per-class
    cnnlab compare experiments/cnn-1a2b3c4d/seed-0 mine.yaml --latex

    An experiment is a name in configs/, a path to a YAML file, or the folder of a finished run, or of all
    runs of an experiment, as a path or below --out, or the name of such runs whose config is elsewhere.
    Finished runs take part as they are; options that say what to train are for the others. Without --seeds,
    all seeds count that the experiments have finished in common, else the one in each config.
    Tables and pictures are written to experiments/comparisons/A-vs-B/.

    Runs of one seed are a pair. The verdict rests on a sign-flip test and a t interval over the pairs, and
    on exact McNemar tests over the test images. Six seeds are the fewest that can settle a question between
    two experiments, seven between three.

    --match makes the duel fair: the network without convolutions (or --resize NAME) is widened or narrowed
    until it has as many parameters, or MACs, or takes as many seconds, as the other. The resized config is
    kept in the comparison's folder. Seconds are measured anew each time: the next size may differ a little.
    """
    if markdown + latex + as_csv + as_json > 1:
        raise click.UsageError("--markdown, --latex, --csv and --json exclude each other")
    from cnnlab.api.comparing import compare
    from cnnlab.commands.progress import reporting

    with reporting(quiet=quiet) as reporter:
        comparison = compare(experiments, match=match, resize=resize, **options, progress=reporter)
        folder = comparison.saved()
    style: Style = "markdown" if markdown else "latex" if latex else "terminal"
    if as_json:
        print_json(comparison.as_dict())
    elif as_csv:
        table = comparison.classes if per_class else comparison.table
        click.echo(table.to_csv(index=False), nl=False)
    else:
        # On a terminal the warnings have been shown already.
        text = comparison.as_text(style, per_class=per_class, with_warnings=style != "terminal")
        click.echo(text + ("\n" if style == "terminal" else ""))
    if not (as_json or as_csv):
        click.echo(f"{folder.path}: {', '.join(sorted(folder.written))}", err=style != "terminal")
