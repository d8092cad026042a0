"""cnnlab report"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cnnlab.commands.compare import compared, match_options
from cnnlab.commands.options import TrainingOptions, experiments_argument, json_option, training_options
from cnnlab.commands.output import print_json

if TYPE_CHECKING:
    from cnnlab.studies.matching import Budget


@click.command()
@experiments_argument("A B...")
@training_options
@match_options
@json_option
def command(
    experiments: tuple[str, ...],
    options: TrainingOptions,
    match: Budget | None,
    resize: str | None,
    as_json: bool,
) -> None:
    """Write a comparison as a single HTML page. Missing runs are trained first.

    \b
    cnnlab report dnn cnn --seeds 0-5

    Experiments are given as for cnnlab compare. The page, experiments/comparisons/A-vs-B/report.html,
    contains the verdict, sortable tables, curves, the networks, test images with all predictions, and the
    provenance of all of it. It works offline and needs no other file.
    """
    comparison, answers, folder = compared(experiments, options, match=match, resize=resize, name="report")
    from cnnlab.comparison import conclusion
    from cnnlab.report import render_report

    folder.write_text("report.html", render_report(comparison, answers))
    path = folder.path / "report.html"
    if as_json:
        size = path.stat().st_size
        print_json({"report": str(path), "bytes": size, "conclusion": list(conclusion(comparison))})
        return
    for paragraph in conclusion(comparison):
        click.echo(f"{paragraph}\n")
    click.echo(str(path))
