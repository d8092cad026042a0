"""cnnlab summary"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from cnnlab.architecture import Architecture, Row
from cnnlab.commands.options import complete_experiment, json_option
from cnnlab.commands.output import print_csv, print_json, print_table
from cnnlab.config import ExperimentConfig, known_configs, load_config
from cnnlab.errors import UserError
from cnnlab.layers.base import times


@click.command()
@click.argument("experiments", nargs=-1, shell_complete=complete_experiment, metavar="[CONFIG]...")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change the config: model.layers[0].filters=8.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values in full precision.")
@click.option("--markdown", is_flag=True, help="Print a Markdown table.")
@json_option
def command(
    experiments: tuple[str, ...], overrides: tuple[str, ...], as_csv: bool, markdown: bool, as_json: bool
) -> None:
    """Where the parameters are: every config in one table, or the named ones layer by layer.

    \b
    cnnlab summary
    cnnlab summary cnn
    cnnlab summary cnn --set model.layers.conv2d_1.filters=8

    Sees: the receptive field, in pixels of the input. Dense params: what a Dense layer between the same
    input and output would need; a convolution saves most of them, a factor Locality because each output
    sees a window only, and a factor Sharing because all places use the same kernel. MACs:
    multiplications with weights for one image.
    """
    if as_json + as_csv + markdown > 1:
        raise click.UsageError("--json, --csv and --markdown exclude each other")
    if not experiments:
        if overrides:
            raise click.UsageError("--set needs the name of a config")
        _print_overview(as_json=as_json, as_csv=as_csv, markdown=markdown)
        return
    configs = [load_config(name, overrides) for name in experiments]
    if as_json:
        documents = [config.architecture.as_dict(config.name) for config in configs]
        print_json(documents if len(documents) > 1 else documents[0])
    elif as_csv:
        rows = [
            {"experiment": config.name, **_cells(row)}
            for config in configs
            for row in config.architecture.rows
        ]
        print_csv(list(rows[0]), [list(row.values()) for row in rows])
    else:
        for index, config in enumerate(configs):
            if index:
                click.echo()
            _print_layers(config, markdown=markdown)


def _print_overview(*, as_json: bool, as_csv: bool, markdown: bool) -> None:
    """One row per config; a config with mistakes is named on stderr and left out."""
    configs: list[ExperimentConfig] = []
    for path in known_configs().values():
        try:
            configs.append(load_config(str(path)))
        except UserError as error:
            click.echo(str(error), err=True)
    summaries = [(config, config.architecture) for config in configs]
    if as_json:
        print_json([architecture.as_dict(config.name) for config, architecture in summaries])
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
                f"{architecture.macs:,}",
            )
            for config, architecture in summaries
        ],
        left=2,
        markdown=markdown,
    )


def _print_layers(config: ExperimentConfig, *, markdown: bool) -> None:
    architecture = config.architecture
    title = f"{config.name}: {times(architecture.input_shape)} → {times(architecture.output_shape)}"
    click.echo(f"### {title}\n" if markdown else title)
    headers = [
        "Layer",
        "Type",
        "Output",
        "Params",
        "MACs",
        "Neurons",
        "Sees",
        "Dense params",
        "Locality",
        "Sharing",
    ]
    rows = [_display(row) for row in architecture.rows]
    rows.append(_totals(architecture))
    print_table(headers, rows, left=2, markdown=markdown)
    click.echo()
    click.echo(_conclusion(architecture))


def _display(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        row.type,
        times(row.output_shape),
        f"{row.params:,}",
        f"{row.macs:,}",
        f"{row.neurons:,}" if row.neurons else "",
        times(row.receptive_field) if row.receptive_field else "",
        f"{row.dense_equivalent_params:,}",
        f"{row.locality_saving:,.4g}×" if row.locality_saving else "",
        f"{row.sharing_saving:,.4g}×" if row.sharing_saving else "",
    )


def _totals(architecture: Architecture) -> tuple[str, ...]:
    return (
        "total", "", "", f"{architecture.total_params:,}", f"{architecture.macs:,}",
        f"{architecture.neurons:,}", "", f"{architecture.dense_equivalent_params:,}", "", "",
    )  # fmt: skip


def _conclusion(architecture: Architecture) -> str:
    """Parameters by kind, and the saving of the whole network, in a sentence."""
    trained = f"{architecture.trainable_params:,} trainable"
    if architecture.non_trainable_params:
        trained += f" + {architecture.non_trainable_params:,} not trainable"
    text = f"{architecture.total_params:,} parameters ({trained}), {architecture.macs:,} MACs per image."
    if architecture.dense_equivalent_params > architecture.total_params:
        ratio = architecture.dense_equivalent_params / architecture.total_params
        text += (
            f"\nWith Dense layers for its convolutions it would need {ratio:,.4g} times as many parameters."
        )
    return text


def _cells(row: Row) -> dict[str, Any]:
    cells = asdict(row)
    for key in ("output_shape", "receptive_field"):
        cells[key] = times(cells[key]) if cells[key] else None
    return cells
