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

    from cnnlab.api.run import Runs
    from cnnlab.training.cost_estimate import CostEstimate


@click.command()
@experiments_argument("CONFIG...")
@click.option("--check", is_flag=True, help="Try a few steps and estimate what the whole run will cost.")
@training_options
@json_option
def command(
    experiments: tuple[str, ...], options: TrainingOptions, check: bool, quiet: bool, as_json: bool
) -> None:
    """Train experiments: names in configs/, or paths to YAML files.

    \b
    cnnlab train cnn
    cnnlab train cnn --seeds 0-4 --set training.epochs=3
    cnnlab train mine.yaml --check

    Each run gets a folder, experiments/NAME-DIGEST/seed-N, with its config, history, curves, result and
    model. A finished run is not trained again; an interrupted one is resumed where it stopped.
    """
    if check:
        reject_unused(
            "seeds", "fresh", reason="--check tries one run of each experiment and keeps nothing of it"
        )
    from cnnlab.api.training import TrainingFailed, estimate_costs, train
    from cnnlab.commands.progress import reporting

    failed = None
    with reporting(quiet=quiet) as reporter:
        if check:
            costs = estimate_costs(experiments, **options, progress=reporter)
        else:
            try:
                runs = train(experiments, **options, progress=reporter)
            except TrainingFailed as error:  # the reporter has said why
                runs, failed = error.runs, error
    if check:
        _print_costs(costs, as_json=as_json)
        return
    if as_json:
        documents = runs.as_dict()
        only_one = len(experiments) * len(options["seeds"] or (None,)) == 1
        print_json(documents[0] if only_one and documents else documents)
    elif runs:
        _print_runs(runs)
    if failed is not None:
        raise click.exceptions.Exit(failed.exit_code)


def _print_runs(runs: Runs) -> None:
    headers = ["Experiment", "Seed", "Parameters", "Train", "Validation", "Test", "Seconds", "Run"]
    rows = [
        [
            run.name,
            str(run.seed),
            f"{run.result['params']:,}",
            *(_percent(run.result[f"{split}_accuracy"]) for split in ("train", "validation", "test")),
            f"{run.result['seconds']:.1f}",
            str(run.folder),
        ]
        for run in runs
    ]
    print_table(headers, rows)


def _print_costs(costs: Sequence[CostEstimate], *, as_json: bool) -> None:
    if as_json:
        documents = [cost.as_dict() for cost in costs]
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
        for each in costs
    ]
    print_table(headers, rows)


def _duration(seconds: float) -> str:
    """42 s, 7 min, 3.5 h"""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _percent(accuracy: float | None) -> str:
    return "–" if accuracy is None else f"{accuracy:.2%}"
