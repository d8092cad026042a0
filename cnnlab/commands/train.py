"""cnnlab train"""

from __future__ import annotations

import click

from cnnlab.commands.options import TrainingOptions, complete_experiment, json_option, training_options
from cnnlab.commands.output import print_json, print_table


@click.command()
@click.argument(
    "experiments", nargs=-1, required=True, shell_complete=complete_experiment, metavar="CONFIG..."
)
@training_options
@json_option
def command(experiments: tuple[str, ...], options: TrainingOptions, as_json: bool) -> None:
    """Train experiments: names in configs/, or paths to YAML files.

    \b
    cnnlab train cnn
    cnnlab train cnn --seeds 0-4 --set training.epochs=3
    cnnlab train mine.yaml --device cpu

    Each run gets a folder, experiments/NAME-DIGEST/seed-N, with its config, history, curves, result and
    model. A finished run is not trained again; an interrupted one goes on where it stopped.
    """
    configs = [options.load(experiment) for experiment in experiments]
    jobs = [config.with_seed(seed) for config in configs for seed in options.seeds or (config.seed,)]

    from cnnlab.commands.progress import watch
    from cnnlab.datasets import Places
    from cnnlab.jobs import Jobs

    places = Places.from_environment(options.data_dir)
    with watch(quiet=options.quiet) as watcher:
        bench = Jobs(options.out, places, watcher, fresh=options.fresh, force=options.force)
        records, failures = bench.finished(jobs)
    if as_json:
        documents = [{**record.result, "run": str(record.path)} for record in records]
        print_json(documents[0] if len(jobs) == 1 and documents else documents)
    elif records:
        headers = ["Experiment", "Seed", "Parameters", "Train", "Validation", "Test", "Seconds", "Run"]
        rows = [
            [
                record.name,
                str(record.seed),
                f"{record.result['params']:,}",
                *(_percent(record.result[f"{split}_accuracy"]) for split in ("train", "validation", "test")),
                f"{record.result['seconds']:.1f}",
                str(record.path),
            ]
            for record in records
        ]
        print_table(headers, rows)
    if failures:
        raise click.exceptions.Exit(failures[0].exit_code)


def _percent(accuracy: float | None) -> str:
    return "–" if accuracy is None else f"{accuracy:.2%}"
