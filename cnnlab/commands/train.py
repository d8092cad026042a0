"""cnnlab train"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cnnlab.commands.options import (
    TrainingOptions,
    experiments_argument,
    json_option,
    reject_unused,
    training_options,
)
from cnnlab.commands.output import print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cnnlab.run_folders.records import Record
    from cnnlab.training.cost_estimate import CostEstimate

_COLUMNS = 80
"""What every terminal shows."""


@click.command()
@experiments_argument("CONFIG...")
@click.option("--check", is_flag=True, help="Run a few steps and estimate the cost of the whole run.")
@training_options
@json_option
def command(experiments: tuple[str, ...], options: TrainingOptions, check: bool, as_json: bool) -> None:
    """Train experiments: names in configs/, or paths to YAML files.

    \b
    cnnlab train cnn
    cnnlab train cnn --seeds 0-4 --set training.epochs=3
    cnnlab train mine.yaml --check

    Each run gets a folder, experiments/NAME-DIGEST/seed-N, with its config, history, curves, result and
    model. Finished runs are not trained again; interrupted runs are resumed.
    """
    if check:
        reject_unused(
            "seeds", "fresh", reason="--check only runs a few steps of each experiment and keeps no result"
        )
    configs = [options.load(experiment) for experiment in experiments]
    wanted = [config.with_seed(seed) for config in configs for seed in options.seeds or (config.seed,)]

    from cnnlab.commands.progress import reporting
    from cnnlab.datasets import DataPaths
    from cnnlab.jobs import Jobs

    data_paths = DataPaths.from_environment(options.data_dir)
    with reporting(quiet=options.quiet) as reporter:
        jobs = Jobs(options.out, data_paths, reporter, fresh=options.fresh, force=options.force)
        if check:
            _print_costs([jobs.estimate_cost(config) for config in configs], as_json=as_json)
            return
        records, failures = jobs.finished(wanted)
    if as_json:
        documents = [{**record.result, "run": str(record.path)} for record in records]
        print_json(documents[0] if len(wanted) == 1 and documents else documents)  # [] if the one failed
    elif records:
        _print_results(records)
    if failures:
        raise click.exceptions.Exit(failures[0].exit_code)


def _print_results(records: Sequence[Record]) -> None:
    """A line for each run, and below the table where the runs are: folders are longer than a line."""
    headers = ["Experiment", "Seed", "Parameters", "Train", "Validation", "Test", "Seconds"]
    rows = [
        [
            record.name,
            str(record.seed),
            f"{record.result['params']:,}",
            *(_percent(record.result[f"{split}_accuracy"]) for split in ("train", "validation", "test")),
            f"{record.result['seconds']:.1f}",
        ]
        for record in records
    ]
    print_table(headers, rows, width=_COLUMNS)
    seeds: dict[Path, list[str]] = {}
    for record in records:
        seeds.setdefault(record.path.parent, []).append(record.path.name)
    click.echo()
    for experiment, names in seeds.items():
        click.echo(str(experiment / names[0]) if len(names) == 1 else f"{experiment}: {', '.join(names)}")


def _print_costs(estimates: list[CostEstimate], *, as_json: bool) -> None:
    if as_json:
        documents = [estimate.as_dict() for estimate in estimates]
        print_json(documents if len(documents) > 1 else documents[0])
        return
    headers = [
        "Experiment",
        "Steps/\nepoch",
        "ms/\nstep",
        "s/\nepoch",
        "Whole\nrun",
        "Memory\nMiB",
        "Disk\nMiB",
        "Checkpoint\nMiB",
    ]
    rows = [
        [
            each.name,
            f"{each.steps_per_epoch:,}",
            f"{1000 * each.seconds_per_step:.2f}",
            f"{each.seconds_per_epoch:.1f}",
            _duration(each.seconds),
            *(
                f"{size / 2**20:,.1f}"
                for size in (each.peak_memory_bytes, each.disk_bytes, each.checkpoint_bytes)
            ),
        ]
        for each in estimates
    ]
    print_table(headers, rows, width=_COLUMNS)


def _duration(seconds: float) -> str:
    """42 s, 7 min, 3.5 h"""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _percent(accuracy: float | None) -> str:
    return "–" if accuracy is None else f"{accuracy:.2%}"
