"""cnnlab train"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cnnlab.commands.experiments import read_first
from cnnlab.commands.options import (
    TrainingOptions,
    experiments_argument,
    json_option,
    reject_unused,
    training_options,
    typed,
)
from cnnlab.commands.output import print_json, print_table, say, say_side_by_side, seconds_text, tell_files
from cnnlab.commands.picture_options import picture_options
from cnnlab.wording import TEXT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cnnlab.api.experiment import ExperimentLike
    from cnnlab.api.run import Runs
    from cnnlab.cluster.costs import DeviceCost
    from cnnlab.pictures.kit.files import PictureFiles
    from cnnlab.training.costs import CostEstimate


@click.command()
@experiments_argument("CONFIG...")
@click.option("--check", is_flag=True, help="Run a few steps and estimate the cost of the whole run.")
@training_options("Train once with each of these seeds.")
@picture_options
@json_option
def command(
    experiments: Sequence[ExperimentLike],
    options: TrainingOptions,
    pictures: PictureFiles,
    check: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Train experiments: names in configs/, or paths to YAML files.

    \b
    cnnlab train cnn
    cnnlab train cnn --seeds 0-4 --set training.epochs=3
    cnnlab train mine.yaml --check
    cnnlab train cnn --seeds 0-9 --on ray://10.0.0.1:6379

    Each run gets a folder, experiments/NAME-DIGEST/seed-N, with its config, history, curves, result and
    model. Finished runs are not trained again; interrupted runs are resumed. --format, --aspect and
    --font-scale draw the curves of all these runs anew.
    """
    if check:
        reject_unused(
            "seeds",
            "workers",
            "together",
            "fresh",
            "format",
            "aspect",
            "font_scale",
            "output",
            reason="--check only runs a few steps of each experiment and keeps no result",
        )
    experiments, options = read_first(experiments, options)
    from cnnlab.api.training import TrainingFailed, estimate_costs, train
    from cnnlab.commands.progress import reporting

    failed = None
    with reporting(quiet=quiet) as reporter:
        if check:
            costs = estimate_costs(
                experiments, set=options["set"], data_dir=options["data_dir"], backend=options["backend"],
                device=options["device"], precision=options["precision"], threads=options["threads"],
                on=options["on"], force=options["force"], progress=reporter,
            )  # fmt: skip
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
    if typed("format", "aspect", "font_scale", "output"):  # last: what was trained is told in any case
        drawn = runs.saved(pictures)
        if pictures.output is not None:
            tell_files(drawn, on_stdout=not as_json)
    if failed is not None:
        raise click.exceptions.Exit(failed.exit_code)


def _print_runs(runs: Runs) -> None:
    """A line for each run, and below the table where the runs are: folders are longer than a line."""
    headers = ["Experiment", "Seed", "Parameters", "Train", "Validation", "Test", "Seconds"]
    rows = [
        [
            run.name,
            str(run.seed),
            f"{run.result.params:,}",
            _percent(run.result.train_accuracy),
            _percent(run.result.validation_accuracy),
            _percent(run.result.test_accuracy),
            seconds_text(run.result.seconds, run.result.side_by_side),
        ]
        for run in runs
    ]
    print_table(headers, rows, width=TEXT_COLUMNS)
    say_side_by_side(run.result.side_by_side for run in runs)
    seeds: dict[Path, list[str]] = {}
    for run in runs:
        seeds.setdefault(run.folder.parent, []).append(run.folder.name)
    say()
    for experiment, names in seeds.items():
        say(str(experiment / names[0]) if len(names) == 1 else f"{experiment}: {', '.join(names)}")


def _print_costs(costs: Sequence[CostEstimate] | Sequence[DeviceCost], *, as_json: bool) -> None:
    if as_json:
        documents = [cost.as_dict() for cost in costs]
        print_json(documents if len(documents) > 1 else documents[0])
        return
    from cnnlab.cluster.costs import DeviceCost

    headers = ["Experiment", "Steps/\nepoch", "ms/\nstep", "s/\nepoch", "Whole\nrun", "Memory\nMiB"]
    of_disk = ["Disk\nMiB", "Checkpoint\nMiB"]
    of_cluster = ["Runs\nat once", "Machines", "Device"]
    rows, on_cluster = [], False
    for each in costs:
        on_cluster = isinstance(each, DeviceCost)
        estimate = each.estimate if isinstance(each, DeviceCost) else each
        row = [
            estimate.name,
            f"{estimate.steps_per_epoch:,}",
            f"{1000 * estimate.seconds_per_step:.2f}",
            f"{estimate.seconds_per_epoch:.1f}",
            _duration(estimate.seconds),
            _mebibytes(estimate.peak_memory_bytes),
        ]
        if isinstance(each, DeviceCost):
            row += [f"{each.runs_at_once:,}", f"{each.machines:,}", each.device]
        else:
            row += [_mebibytes(each.disk_bytes), _mebibytes(each.checkpoint_bytes)]
        rows.append(row)
    print_table([*headers, *(of_cluster if on_cluster else of_disk)], rows, width=TEXT_COLUMNS)


def _mebibytes(size: int | None) -> str:
    return "–" if size is None else f"{size / 2**20:,.1f}"


def _duration(seconds: float) -> str:
    """42 s, 7 min, 3.5 h"""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _percent(accuracy: float | None) -> str:
    return "–" if accuracy is None else f"{accuracy:.2%}"
