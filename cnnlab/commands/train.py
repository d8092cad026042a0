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
    from cnnlab.training.cost_estimate import CostEstimate


@click.command()
@experiments_argument("CONFIG...")
@click.option("--check", is_flag=True, help="Try a few steps and say what the whole run will cost.")
@training_options
@json_option
def command(experiments: tuple[str, ...], options: TrainingOptions, check: bool, as_json: bool) -> None:
    """Train experiments: names in configs/, or paths to YAML files.

    \b
    cnnlab train cnn
    cnnlab train cnn --seeds 0-4 --set training.epochs=3
    cnnlab train mine.yaml --check

    Each run gets a folder, experiments/NAME-DIGEST/seed-N, with its config, history, curves, result and
    model. A finished run is not trained again; an interrupted one goes on where it stopped.
    """
    if check:
        reject_unused(
            "seeds", "fresh", reason="--check tries one run of each experiment and keeps nothing of it"
        )
    configs = [options.load(experiment) for experiment in experiments]
    jobs = [config.with_seed(seed) for config in configs for seed in options.seeds or (config.seed,)]

    from cnnlab.commands.progress import reporting
    from cnnlab.datasets import DataPaths
    from cnnlab.jobs import Jobs

    data_paths = DataPaths.from_environment(options.data_dir)
    with reporting(quiet=options.quiet) as reporter:
        bench = Jobs(options.out, data_paths, reporter, fresh=options.fresh, force=options.force)
        if check:
            _print_costs([bench.estimate_cost(config) for config in configs], as_json=as_json)
            return
        records, failures = bench.finished(jobs)
    if as_json:
        documents = [{**record.result.as_dict(), "run": str(record.path)} for record in records]
        print_json(documents[0] if len(jobs) == 1 and documents else documents)  # [] if the one failed
    elif records:
        headers = ["Experiment", "Seed", "Parameters", "Train", "Validation", "Test", "Seconds", "Run"]
        rows = [
            [
                record.name,
                str(record.seed),
                f"{record.result.params:,}",
                _percent(record.result.train_accuracy),
                _percent(record.result.validation_accuracy),
                _percent(record.result.test_accuracy),
                f"{record.result.seconds:.1f}",
                str(record.path),
            ]
            for record in records
        ]
        print_table(headers, rows)
    if failures:
        raise click.exceptions.Exit(failures[0].exit_code)


def _print_costs(estimates: list[CostEstimate], *, as_json: bool) -> None:
    if as_json:
        documents = [estimate.as_dict() for estimate in estimates]
        print_json(documents if len(documents) > 1 else documents[0])
        return
    headers = [
        "Experiment",
        "Steps/epoch",
        "ms/step",
        "s/epoch",
        "Whole run",
        "Memory so far",
        "Disk",
        "Checkpoint",
    ]
    rows = [
        [
            each.name,
            f"{each.steps_per_epoch:,}",
            f"{1000 * each.seconds_per_step:.2f}",
            f"{each.seconds_per_epoch:.1f}",
            _duration(each.seconds),
            *(
                f"{size / 2**20:,.1f} MiB"
                for size in (each.peak_memory_bytes, each.disk_bytes, each.checkpoint_bytes)
            ),
        ]
        for each in estimates
    ]
    print_table(headers, rows)


def _duration(seconds: float) -> str:
    """42 s, 7 min, 3.5 h"""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _percent(accuracy: float | None) -> str:
    return "–" if accuracy is None else f"{accuracy:.2%}"
