"""cnnlab report"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cnnlab.commands.compare import SEEDS_HELP, folds_option, match_options, settling_options
from cnnlab.commands.options import TrainingOptions, experiments_argument, json_option, training_options
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

    Experiments are given as for cnnlab compare. The page, experiments/comparisons/A-vs-B/report.html,
    contains the verdict, sortable tables, curves, the networks, test images with all predictions, and the
    provenance of all of it; if cnnlab why has studied the two, what it has shown. It works offline and needs
    no other file.
    """
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
