"""cnnlab compare"""

from __future__ import annotations

from pathlib import Path

import click

from cnnlab.commands.options import TrainingOptions, complete_experiment, json_option, training_options
from cnnlab.commands.output import print_json, print_table
from cnnlab.config import ExperimentConfig
from cnnlab.runs import Record, is_run, read_record


@click.command()
@click.argument("experiments", nargs=-1, required=True, shell_complete=complete_experiment, metavar="A B...")
@training_options
@json_option
def command(experiments: tuple[str, ...], options: TrainingOptions, as_json: bool) -> None:
    """Train what is missing, then compare: which network is better, and by how much?

    \b
    cnnlab compare dnn cnn
    cnnlab compare dnn cnn --seeds 0-4
    cnnlab compare experiments/cnn-1a2b3c4d/seed-0 mine.yaml

    An experiment is a name in configs/, a path to a YAML file, or the folder of a finished run. Without
    --seeds, all seeds count that the experiments have finished in common, else the one in each config.
    Table and curves are written to experiments/comparisons/A-vs-B/.
    """
    configs: list[ExperimentConfig] = []
    given: list[Record] = []
    for experiment in experiments:
        if is_run(Path(experiment)):
            given.append(read_record(Path(experiment)))
        else:
            configs.append(options.load(experiment))

    from cnnlab.commands.progress import watch
    from cnnlab.comparison import caption, headline, rounded_table
    from cnnlab.datasets import Places
    from cnnlab.jobs import Jobs
    from cnnlab.studies.duel import duel, write_comparison

    places = Places.from_environment(options.data_dir)
    with watch(quiet=options.quiet) as watcher:
        jobs = Jobs(options.out, places, watcher, fresh=options.fresh, force=options.force)
        comparison = duel(configs, given, seeds=options.seeds, jobs=jobs)
        folder = write_comparison(comparison, options.out)
    if as_json:
        print_json(comparison.as_dict())
        return
    table = rounded_table(comparison)
    click.echo(f"{caption(comparison)}\n")
    print_table(list(table.columns), table.to_numpy().tolist())
    click.echo(f"\n{headline(comparison)}\n\n{folder}: table.csv, table.md, curves.png, comparison.json")
