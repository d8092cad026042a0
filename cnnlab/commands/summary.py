"""cnnlab summary"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from cnnlab.accounting.architecture import Row
from cnnlab.accounting.quantities import exactly
from cnnlab.commands.layer_table import conclusion, layer_table
from cnnlab.commands.options import experiments_argument, json_option, overrides_option
from cnnlab.commands.output import print_csv, print_json, print_table
from cnnlab.commands.side_by_side import stages_table, totals_table
from cnnlab.config.experiment import ExperimentConfig, known_configs, load_config
from cnnlab.errors import UserError
from cnnlab.layers.base import times


@click.command()
@experiments_argument("[CONFIG]...", required=False)
@overrides_option("model.layers[0].filters=8")
@click.option("--wide", is_flag=True, help="All columns, to the last digit; wants a wide screen.")
@click.option("--explain", metavar="LAYER", help="Work out one layer's numbers, as on a blackboard.")
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values in full precision.")
@click.option("--markdown", is_flag=True, help="Print a Markdown table.")
@json_option
def command(
    experiments: tuple[str, ...],
    overrides: tuple[str, ...],
    wide: bool,
    explain: str | None,
    as_csv: bool,
    markdown: bool,
    as_json: bool,
) -> None:
    """Where the parameters are: of every config, of one layer by layer, or of several side by side.

    \b
    cnnlab summary
    cnnlab summary cnn
    cnnlab summary dnn cnn
    cnnlab summary cnn --explain conv2d_2
    cnnlab summary cnn --set model.layers.conv2d_1.filters=8

    %: share of all parameters. MACs: multiplications with weights for one image; FLOPs count the additions
    too, biases included. Sees: the receptive field, in pixels of the input; Jump: how many pixels
    neighbouring outputs lie apart. A convolution saves parameters against a Dense layer between the same
    input and output, a factor Locality because each output sees a window only, and a factor Sharing
    because all places use the same kernel. Memory is counted in float32.

    Without a name, a config with mistakes is named on stderr and left out; the exit code is then 2.
    """
    if as_json + as_csv + markdown > 1:
        raise click.UsageError("--json, --csv and --markdown exclude each other")
    if not experiments:
        if overrides or explain or wide:
            raise click.UsageError("--set, --explain and --wide need the name of a config")
        configs, mistakes = _all_configs()
        for mistake in mistakes:
            click.echo(str(mistake), err=True)
        _print_overview(configs, as_json=as_json, as_csv=as_csv, markdown=markdown)
        if mistakes:
            raise click.exceptions.Exit(UserError.exit_code)
        return
    configs = [load_config(name, overrides) for name in experiments]
    if explain is not None:
        if len(configs) > 1 or as_csv:
            raise click.UsageError("--explain takes one config, and words do not go into --csv")
        _print_explanation(configs[0], explain, as_json=as_json, markdown=markdown)
    elif as_json:
        documents = [_document(config) for config in configs]
        print_json(documents if len(documents) > 1 else documents[0])
    elif as_csv:
        rows = [
            {"experiment": config.name, **_cells(row)}
            for config in configs
            for row in config.architecture.rows
        ]
        print_csv(list(rows[0]), [list(row.values()) for row in rows])
    elif len(configs) == 1 or wide:
        for index, config in enumerate(configs):
            if index:
                click.echo()
            _print_layers(config, wide=wide, markdown=markdown)
    else:
        for headers, lines in (totals_table(configs), stages_table(configs)):
            flat = [header.replace("\n", " ").strip() for header in headers]  # Markdown has no second line
            print_table(flat if markdown else headers, lines, markdown=markdown)
            click.echo()
        click.echo("cnnlab summary NAME shows one of them layer by layer, --wide each of them.")


def _document(config: ExperimentConfig) -> dict[str, Any]:
    document = config.architecture.as_dict(config.name)
    layers = document.pop("layers")
    return {**document, "training_memory": config.training_memory.as_dict(), "layers": layers}


def _print_layers(config: ExperimentConfig, *, wide: bool, markdown: bool) -> None:
    architecture = config.architecture
    title = f"{config.name}: {times(architecture.input_shape)} → {times(architecture.output_shape)}"
    click.echo(f"### {title}\n" if markdown else title)
    headers, lines = layer_table(architecture, wide=wide)
    print_table(headers, lines, left=2, markdown=markdown)
    click.echo()
    click.echo(conclusion(config))


def _print_explanation(config: ExperimentConfig, name: str, *, as_json: bool, markdown: bool) -> None:
    from cnnlab.accounting.explanation import explain

    architecture = config.architecture
    sections = explain(architecture, name)
    step, row = next(
        pair for pair in zip(architecture.steps, architecture.rows, strict=True) if pair[1].name == name
    )
    if as_json:
        print_json({**asdict(row), "explanation": [asdict(section) for section in sections]})
        return
    shapes = " and ".join(times(shape) for shape in step.input_shapes)
    title = f"{name} of {config.name}: {row.type}, {shapes} → {times(row.output_shape)}"
    click.echo(f"### {title}" if markdown else title)
    for section in sections:
        click.echo(f"\n**{section.title}**\n" if markdown else f"\n{section.title}")
        for line in section.lines:
            click.echo(f"- {line}" if markdown else _WRAPPER.fill(line))


_WRAPPER = textwrap.TextWrapper(100, initial_indent="   ", subsequent_indent="     ")


def _all_configs() -> tuple[list[ExperimentConfig], list[UserError]]:
    """Every config that goes by a name, and what is wrong with those that cannot be read."""
    configs, mistakes = [], []
    for path in known_configs().values():
        try:
            configs.append(load_config(str(path)))
        except UserError as error:
            mistakes.append(error)
    return configs, mistakes


def _print_overview(
    configs: Sequence[ExperimentConfig], *, as_json: bool, as_csv: bool, markdown: bool
) -> None:
    """One row per config."""
    summaries = [(config, config.architecture) for config in configs]
    if as_json:
        print_json([_document(config) for config in configs])
        return
    if as_csv:
        columns = ["experiment", "dataset", "input_shape", "params", "trainable_params", "macs"]
        rows = [
            (
                c.name,
                c.dataset.name if c.dataset else "",
                times(a.input_shape),
                a.total_params,
                a.trainable_params,
                a.macs,
            )
            for c, a in summaries
        ]
        print_csv(columns, rows)
        return
    print_table(
        ["Experiment", "Dataset", "Input", "Layers", "Parameters", "MACs"],
        [
            (
                config.name,
                config.dataset.title if config.dataset else "–",
                times(architecture.input_shape),
                str(len(architecture.rows)),
                f"{architecture.total_params:,}",
                exactly(architecture.macs),
            )
            for config, architecture in summaries
        ],
        left=2,
        markdown=markdown,
    )


def _cells(row: Row) -> dict[str, Any]:
    cells = asdict(row)
    for key in ("output_shape", "receptive_field", "kernel", "stride", "input_stride"):
        cells[key] = times(cells[key]) if cells[key] else None
    return cells
