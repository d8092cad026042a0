"""cnnlab compare"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnnlab.commands.options import (
    Command,
    TrainingOptions,
    experiments_argument,
    json_option,
    reject_unused,
    training_options,
)
from cnnlab.commands.output import print_json
from cnnlab.config.experiment import ExperimentConfig, known_configs
from cnnlab.errors import UserError
from cnnlab.run_folders.records import Record, read_record

if TYPE_CHECKING:
    from cnnlab.comparison import Comparison, Style
    from cnnlab.pictures.plots import Answers
    from cnnlab.run_folders.folders import Folder
    from cnnlab.studies.matching import Budget


def match_options(command: Command) -> Command:
    """--match and --resize."""
    command = click.option("--resize", metavar="NAME", help="With --match: the experiment to resize.")(
        command
    )
    return click.option(
        "--match", type=click.Choice(["parameters", "macs", "seconds"]),
        help="Resize one network until both have the same budget.",
    )(command)  # fmt: skip


@click.command()
@experiments_argument("A B...")
@training_options
@match_options
@click.option(
    "--per-class", is_flag=True, help="Also show the test accuracy of each class; with --csv, only that."
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
    as_json: bool,
) -> None:
    """Compare experiments: which network is better, by how much, and how certain is that?

    \b
    cnnlab compare dnn cnn
    cnnlab compare dnn cnn --seeds 0-5 --per-class
    cnnlab compare experiments/cnn-1a2b3c4d/seed-0 mine.yaml --latex

    Missing runs are trained first. An experiment is a name in configs/, a path to a YAML file, the folder
    of a finished run or of all runs of an experiment (absolute, or relative to --out), or the name of
    finished runs whose config is not in configs/. Finished runs are compared as they are; training options
    apply to the other experiments. Without --seeds, all seeds are compared that the experiments have
    finished in common; if there are none, the seed in each config. Tables and pictures are written to
    experiments/comparisons/A-vs-B/.

    Two runs with the same seed form a pair. The verdict is based on a sign-flip test and a t interval over
    the pairs, and on exact McNemar tests over the test images. A significant result takes at least six
    seeds for two experiments, and seven for three.

    --match makes the comparison fair: the network without convolutions (or --resize NAME) is made wider or
    narrower until it has as many parameters or MACs, or takes as many seconds, as the other. The resized
    config is saved in the comparison's folder. Seconds are measured each time, so that sizes can vary.
    """
    if markdown + latex + as_csv + as_json > 1:
        raise click.UsageError("--markdown, --latex, --csv and --json exclude each other")
    comparison, _, folder = compared(experiments, options, match=match, resize=resize)
    if as_json:
        print_json(comparison.as_dict())
    elif as_csv:
        from cnnlab.comparison import accuracy_table, class_accuracies

        table = class_accuracies(comparison) if per_class else accuracy_table(comparison)
        click.echo(table.to_csv(index=False), nl=False)
    else:
        style: Style = "markdown" if markdown else "latex" if latex else "terminal"
        _print_tables(comparison, style, per_class=per_class)
        click.echo(f"{folder.path}: {', '.join(sorted(folder.written))}", err=style != "terminal")


def compared(
    experiments: tuple[str, ...],
    options: TrainingOptions,
    *,
    match: Budget | None = None,
    resize: str | None = None,
    name: str = "compare",
) -> tuple[Comparison, Answers | None, Folder]:
    """Train what is missing, compare, write it all down: the comparison, what pictures show, its folder.

    Raises:
        UsageError: an option that would have no effect here.
    """
    entries: list[ExperimentConfig | Record] = []
    for experiment in experiments:
        if runs := _runs(experiment, options.out):
            entries += [read_record(path) for path in runs]
        else:
            entries.append(options.load(experiment))
    configs = [entry for entry in entries if isinstance(entry, ExperimentConfig)]
    given = [entry for entry in entries if isinstance(entry, Record)]
    if resize is not None and match is None:
        raise click.UsageError("--resize needs --match")
    if not configs:
        reject_unused(
            "seeds", "overrides", "backend", "device", "precision", "fresh", "force",
            reason="these are finished runs; give the experiment's config to train more",
        )  # fmt: skip
    if match is not None and given:
        raise UserError(f"--match: {given[0].path} is a finished run; give the config instead")

    from cnnlab.commands.progress import reporting
    from cnnlab.datasets import DataPaths
    from cnnlab.jobs import Jobs
    from cnnlab.studies.comparing import train_and_compare
    from cnnlab.studies.pictures import answers_on_images
    from cnnlab.studies.writing import write_comparison

    data_paths = DataPaths.from_environment(options.data_dir)
    with reporting(quiet=options.quiet) as reporter:
        jobs = Jobs(options.out, data_paths, reporter, fresh=options.fresh, force=options.force)
        matched = None
        if match is not None:
            from cnnlab.studies.matching import match as match_to

            matched = match_to(configs, match, jobs=jobs, resize=resize)
            reporter.note(str(matched))
            entries = [matched.config if each is matched.original else each for each in entries]
        comparison = train_and_compare(entries, seeds=options.seeds, jobs=jobs, command=name)
        if matched is not None:
            comparison = replace(comparison, notes=(str(matched),))
        for warning in comparison.warnings:
            reporter.warn(warning)
        answers = answers_on_images(comparison, jobs)
        folder = write_comparison(comparison, options.out, answers)
        if matched is not None:  # to train it again, or to change it
            folder.write_text(f"{matched.config.name}.yaml", matched.config.to_yaml())
        return comparison, answers, folder


def _runs(experiment: str, out: Path) -> list[Path]:
    """The runs that an argument means by their folder, or by a name that no config has; none for a config.

    Raises:
        UserError: nothing has this name, or several experiments have.
    """
    from cnnlab.run_folders.listing import runs_at, runs_named

    if runs := runs_at(experiment, out):
        return runs
    is_name = re.fullmatch(r"[\w-]{1,100}", experiment) is not None  # a path may be too long to ask for
    if not is_name or experiment in known_configs() or Path(experiment).exists():
        return []
    return runs_named(experiment, out)


def _print_tables(comparison: Comparison, style: Style, *, per_class: bool) -> None:
    """Caption, tables and verdict; what is not a table is a comment in LaTeX."""
    from cnnlab.comparison import as_text, caption, class_table, conclusion, cost_table, rounded_table

    def say(text: str) -> None:
        click.echo(f"% {text}" if style == "latex" else text)

    say(f"{caption(comparison)}" + ("." if style == "markdown" else ""))
    warnings = () if style == "terminal" else comparison.warnings  # there they have been said already
    for note in (*warnings, *comparison.notes):
        click.echo()
        say(f"{note}.")
    tables = [rounded_table(comparison), cost_table(comparison)]
    if per_class:
        tables.append(class_table(comparison))
    for table in tables:
        if len(table):
            click.echo(f"\n{as_text(table, style)}")
    for paragraph in conclusion(comparison):
        click.echo()
        say(paragraph)
    if style == "terminal":
        click.echo()
