"""cnnlab compare"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from cnnlab.commands.options import (
    Command,
    Text,
    TrainingOptions,
    experiments_argument,
    json_option,
    training_options,
    vary_option,
)
from cnnlab.commands.output import print_csv_table, print_json, say, tell
from cnnlab.commands.picture_options import picture_options
from cnnlab.errors import unknown

if TYPE_CHECKING:
    from cnnlab.api.comparing import Budget
    from cnnlab.comparison import Style
    from cnnlab.pictures.kit.files import PictureFiles


def folds_option(command: Command) -> Command:
    """--folds."""
    return click.option(
        "--folds", type=int, metavar="K",
        help="Cross-validation for small data: test on K folds of the training images, one after the other.",
    )(command)  # fmt: skip


def match_options(command: Command) -> Command:
    """--match and --resize."""
    command = click.option("--resize", metavar="NAME", help="With --match: the experiment to resize.")(
        command
    )
    return click.option(
        "--match", type=click.Choice(["parameters", "macs", "seconds"]),
        help="Resize one network until both have the same budget.",
    )(command)  # fmt: skip


def settling_options(command: Command) -> Command:
    """--until-settled, --max-seeds and --margin."""
    for option in (
        click.option(
            "--margin", type=float, metavar="POINTS",
            help="Also test whether the experiments are equal within this number of percentage points.",
        ),
        click.option(
            "--max-seeds", type=int, metavar="N", help="With --until-settled: at most N seeds; by default 30."
        ),
        click.option(
            "--until-settled", is_flag=True,
            help="Add seeds from 0 on until the question is settled, at an error rate of 5% over all looks.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


SEEDS_HELP = "Compare the runs with these seeds; missing ones are trained."


@click.command()
@experiments_argument("A B...")
@training_options(SEEDS_HELP)
@match_options
@vary_option("Compare two experiments at several values of a setting; give it twice for a grid.")
@click.option(
    "--equal-steps",
    is_flag=True,
    help="With --vary: change the epochs, so that every value trains for about as many steps.",
)
@folds_option
@settling_options
@click.option(
    "--per-class", is_flag=True, help="Also show the test accuracy of each class; with --csv, only that."
)
@click.option(
    "--columns", type=Text("names of columns"), metavar="NAME,NAME,…",
    help="Print one table of these columns alone, such as Experiment,Parameters,Test.",
)  # fmt: skip
@click.option("--markdown", is_flag=True, help="Print Markdown tables.")
@click.option("--latex", is_flag=True, help="Print LaTeX tables, for the package booktabs.")
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values in full precision.")
@picture_options
@json_option
def command(
    experiments: tuple[str, ...],
    options: TrainingOptions,
    match: Budget | None,
    resize: str | None,
    vary: Mapping[str, Sequence[Any]] | None,
    equal_steps: bool,
    folds: int | None,
    until_settled: bool,
    max_seeds: int | None,
    margin: float | None,
    per_class: bool,
    columns: str | None,
    markdown: bool,
    latex: bool,
    as_csv: bool,
    pictures: PictureFiles,
    quiet: bool,
    as_json: bool,
) -> None:
    """Compare experiments: which network is better, by how much, and how certain is that?

    \b
    cnnlab compare dnn cnn
    cnnlab compare dnn cnn --seeds 0-5 --per-class
    cnnlab compare dnn cnn --until-settled --margin 0.5
    cnnlab compare experiments/cnn-1a2b3c4d/seed-0 mine.yaml --latex
    cnnlab compare dnn cnn --seeds 0-7 --vary dataset.train_size=300,1000,3000,10000

    Missing runs are trained first. An experiment is a name in configs/, a path to a YAML file, the folder
    of a finished run or of all runs of an experiment (as a path, or relative to --out), or the name of
    finished runs whose config is not in configs/. Finished runs are compared as they are; training options
    apply to the other experiments. Without --seeds, all seeds are compared that the experiments have
    finished in common; if there are none, the seed in each config. Tables and pictures are written to
    experiments/comparisons/A-vs-B/. More seeds update that folder; with other settings, the experiments get
    one of their own, A-vs-B-XXXXXXXX. A report.html stays, and says so where it is older than the tables.

    Two runs with the same seed form a pair. The verdict is based on a sign-flip test and a t interval over
    the pairs, and on exact McNemar tests over the test images. A significant result takes at least six
    seeds for two experiments, and seven for three.

    --until-settled chooses the number of seeds: it looks after 6, 8, 10, 12, 15, 20, 25 and 30 seeds (with
    three experiments first after 8) and stops when the difference is significant or, with --margin, when the
    experiments are shown to be equal within the margin. The error rate of 5% holds for all looks together,
    which it does not if you look and add seeds yourself. --margin works with --seeds, too.

    --match makes the comparison fair: the network without convolutions (or --resize NAME) is made wider or
    narrower until it has as many parameters or MACs, or takes as many seconds, as the other. The resized
    config is saved in the comparison's folder. Seconds are measured each time, so that sizes can vary.

    --vary shows whether the better network stays better when a setting changes: accuracy, difference, gap
    between training and test, and spread at each value, and where the lead changes hands. The p-values are
    adjusted for the number of values. Fewer images mean fewer training steps for the same epochs;
    --equal-steps keeps the steps instead. The results are written as vary-KEY.json, .csv, .md and .png.

    --folds K is for small data, such as a folder of 40 pictures a class: the training images are divided into
    K folds, each class alike, and each experiment is trained K times for each seed, tested on another fold
    each time. So every image tests once. Test images that the dataset has of its own stay unused. Interval
    and test allow for the overlap of the training images.
    """
    if markdown + latex + as_csv + as_json > 1:
        raise click.UsageError("--markdown, --latex, --csv and --json exclude each other")
    if columns is not None and (per_class or vary or as_csv or as_json):
        raise click.UsageError("--columns excludes --per-class, --vary, --csv and --json")
    if per_class and vary:
        raise click.UsageError("--per-class and --vary exclude each other")
    names = [] if columns is None else [each.strip() for each in columns.split(",")]
    if names:
        from cnnlab.comparison.columns import COLUMN_NAMES

        for name in names:  # before anything is trained
            if name.lower() not in map(str.lower, COLUMN_NAMES):
                raise unknown("column", name, COLUMN_NAMES)
    from cnnlab.api.comparing import Comparison, compare
    from cnnlab.commands.progress import reporting

    with reporting(quiet=quiet) as reporter:
        compared = compare(
            experiments, match=match, resize=resize, folds=folds, vary=vary, equal_steps=equal_steps,
            until_settled=until_settled, max_seeds=max_seeds, margin=margin, **options, progress=reporter,
        )  # fmt: skip
        folder = compared.saved(pictures)
    if isinstance(compared, Comparison) and (page := compared.older_report) is not None:
        tell(f"{page} is older than the tables; cnnlab report, with the same arguments, writes it anew")
    if as_json:
        print_json(compared.as_dict())
        return
    style: Style = "markdown" if markdown else "latex" if latex else "terminal"
    if isinstance(compared, Comparison):
        table = compared.classes if per_class else compared.table
        # On a terminal the warnings have been shown already.
        text = compared.as_text(style, per_class=per_class, with_warnings=style != "terminal", columns=names)
    else:
        table, text = compared.table, compared.as_text(style)
    if as_csv:
        print_csv_table(table)
        return
    say(text + ("\n" if style == "terminal" else ""))
    (say if style == "terminal" else tell)(f"{folder.path}: {', '.join(sorted(folder.written))}")
