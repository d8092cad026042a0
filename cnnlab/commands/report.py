"""cnnlab report"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnnlab.commands.compare import SEEDS_HELP, folds_option, match_options, settling_options
from cnnlab.commands.options import (
    TrainingOptions,
    experiments_argument,
    json_option,
    reject_unused,
    training_options,
)
from cnnlab.commands.output import print_json, say

if TYPE_CHECKING:
    from cnnlab.api.comparing import Budget


@click.command()
@experiments_argument("A B...")
@training_options(SEEDS_HELP)
@match_options
@folds_option
@settling_options
@json_option
def command(
    experiments: tuple[str, ...],
    options: TrainingOptions,
    match: Budget | None,
    resize: str | None,
    folds: int | None,
    until_settled: bool,
    max_seeds: int | None,
    margin: float | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Write a comparison as a single HTML page. Missing runs are trained first.

    \b
    cnnlab report dnn cnn --seeds 0-5
    cnnlab report experiments/sweeps/cnn

    Experiments are given as for cnnlab compare. The page, experiments/comparisons/A-vs-B/report.html,
    contains the verdict, sortable tables, curves, the networks, test images with all predictions, and the
    provenance of all of it; if cnnlab why has studied the two, what it has shown. It works offline and needs
    no other file.

    The folder of a sweep gives a page about it, report.html in the same folder: the verdict, all points, the
    pictures, and the command that trains the best point. Nothing is trained for it.
    """
    sweeps = [folder for each in experiments if (folder := _sweep_folder(each)) is not None]
    if sweeps:
        if len(experiments) > 1:
            raise click.UsageError(f"{sweeps[0]} is a sweep, which has a page of its own; name it alone")
        _report_sweep(sweeps[0], as_json=as_json)
        return
    from cnnlab.api.comparing import compare
    from cnnlab.commands.progress import reporting

    with reporting(quiet=quiet) as reporter:
        comparison = compare(
            experiments, match=match, resize=resize, folds=folds, until_settled=until_settled,
            max_seeds=max_seeds, margin=margin, **options, progress=reporter,
        )  # fmt: skip
        path = comparison.report()
    if as_json:
        paragraphs = comparison.verdict.split("\n\n")
        size = path.stat().st_size if path.exists() else None  # another process may compare the same
        print_json({"report": str(path), "bytes": size, "conclusion": paragraphs})
        return
    say(f"{comparison.verdict}\n\n{path}")


def _sweep_folder(text: str) -> Path | None:
    """The folder of a sweep that an argument means, by itself or by its sweep.json."""
    path = Path(text)
    folder = path.parent if path.name == "sweep.json" else path
    return folder if (folder / "sweep.json").is_file() else None


def _report_sweep(folder: Path, *, as_json: bool) -> None:
    from cnnlab.api.sweep_reports import sweep_report

    context = click.get_current_context()
    options = (str(each.name) for each in context.command.params if isinstance(each, click.Option))
    reject_unused(
        *(name for name in options if name not in ("as_json", "quiet")),
        reason="the report on a sweep trains nothing; leave it out",
    )
    path = sweep_report(folder)
    if as_json:
        print_json({"report": str(path), "bytes": path.stat().st_size})
        return
    say(str(path))
