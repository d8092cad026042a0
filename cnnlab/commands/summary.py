"""cnnlab summary"""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from typing import Any

import click

from cnnlab.accounting.architecture import Row
from cnnlab.accounting.quantities import exactly
from cnnlab.api.experiment import load
from cnnlab.api.summaries import Summaries, Summary
from cnnlab.commands.options import experiments_argument, json_option, overrides_option
from cnnlab.commands.output import print_csv, print_json, print_table, say, tell
from cnnlab.config.experiment import known_configs
from cnnlab.errors import UserError
from cnnlab.layers.base import times
from cnnlab.summary_tables.text import latex_table


@click.command()
@experiments_argument("[CONFIG]...", required=False)
@overrides_option("model.layers[0].filters=8")
@click.option("--wide", is_flag=True, help="Show all columns in full precision; needs a wide terminal.")
@click.option("--explain", metavar="LAYER", help="Derive the numbers of one layer step by step.")
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values in full precision.")
@click.option("--markdown", is_flag=True, help="Print a Markdown table.")
@click.option("--latex", is_flag=True, help="Print a LaTeX table, for the package booktabs.")
@json_option
def command(
    experiments: tuple[str, ...],
    set: dict[str, Any],
    wide: bool,
    explain: str | None,
    as_csv: bool,
    markdown: bool,
    latex: bool,
    as_json: bool,
) -> None:
    """Count parameters and operations: of all configs, of one layer by layer, or of several side by side.

    \b
    cnnlab summary
    cnnlab summary cnn
    cnnlab summary dnn cnn
    cnnlab summary cnn --explain conv2d_2
    cnnlab summary cnn --set model.layers.conv2d_1.filters=8

    %: share of all parameters. MACs: multiplications by weights for one image; FLOPs also count additions,
    including those of biases. Receptive field: in pixels of the input. Jump: the distance between
    neighboring outputs, in pixels of the input. Compared with a Dense layer between the same input and
    output, a convolution needs fewer parameters: by the factor Locality because each output sees only a
    window, and by the factor Sharing because all positions use the same kernel. Memory is for float32.

    Without a name, configs with errors are reported on stderr and left out; the exit code is then 2.
    """
    if as_json + as_csv + markdown + latex > 1:
        raise click.UsageError("--json, --csv, --markdown and --latex exclude each other")
    if not experiments:
        if set or explain or wide:
            raise click.UsageError("--set, --explain and --wide need the name of a config")
        _print_overview(as_json=as_json, as_csv=as_csv, markdown=markdown, latex=latex)
        return
    summaries = [load(name, set).summary() for name in experiments]
    if explain is not None:
        if len(summaries) > 1 or as_csv or latex:
            raise click.UsageError("--explain takes one config and excludes --csv and --latex")
        _print_explanation(summaries[0], explain, as_json=as_json, markdown=markdown)
    elif as_json:
        documents = [each.as_dict() for each in summaries]
        print_json(documents if len(documents) > 1 else documents[0])
    elif as_csv:
        rows = [{"experiment": each.name, **_cells(row)} for each in summaries for row in each.rows]
        print_csv(list(rows[0]), [list(row.values()) for row in rows])
    elif len(summaries) == 1 or wide:
        say("\n\n".join(each.as_text(wide=wide, markdown=markdown, latex=latex) for each in summaries))
    else:
        say(Summaries(summaries).as_text(markdown=markdown, latex=latex))
        (tell if latex else say)(
            "\nFor a network layer by layer: cnnlab summary NAME; for all of these: --wide."
        )


def _print_explanation(summary: Summary, name: str, *, as_json: bool, markdown: bool) -> None:
    explained = summary.explain(name)
    if as_json:
        print_json(explained.as_dict())
        return
    say(f"### {explained.title}" if markdown else explained.title)
    for section in explained.sections:
        say(f"\n**{section.title}**\n" if markdown else f"\n{section.title}")
        for line in section.lines:
            say(f"- {line}" if markdown else _WRAPPER.fill(line))


_WRAPPER = textwrap.TextWrapper(100, initial_indent="   ", subsequent_indent="     ")


def _print_overview(*, as_json: bool, as_csv: bool, markdown: bool, latex: bool) -> None:
    """One row for each config that has a name; those with mistakes are named on stderr."""
    found, mistakes = [], 0
    for path in known_configs().values():
        try:
            found.append(load(path).summary())
        except UserError as error:
            mistakes += 1
            tell(str(error))
    if as_json:
        print_json([each.as_dict() for each in found])
    elif as_csv:
        columns = ["experiment", "dataset", "input_shape", "params", "trainable_params", "macs"]
        print_csv(columns, [[row[column] for column in columns] for row in Summaries(found).overview()])
    else:
        rows = [
            (
                each.name,
                each.dataset_title or "–",
                times(each.architecture.input_shape),
                str(len(each.rows)),
                f"{each.total_params:,}",
                exactly(each.macs),
            )
            for each in found
        ]
        headers = ["Experiment", "Dataset", "Input", "Layers", "Parameters", "MACs"]
        if latex:
            say(latex_table(headers, rows, left=2))
        else:
            print_table(headers, rows, left=2, markdown=markdown)
    if mistakes:
        raise click.exceptions.Exit(UserError.exit_code)


def _cells(row: Row) -> dict[str, Any]:
    cells = asdict(row)
    for key in ("output_shape", "receptive_field", "kernel", "stride", "input_stride"):
        cells[key] = times(cells[key]) if cells[key] else None
    return cells
