"""The options that commands share, each defined once."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from cnnlab.config.experiment import ExperimentConfig, known_configs, load_config
from cnnlab.errors import UserError

Command = Callable[..., Any]


def complete_experiment(
    context: click.Context, parameter: click.Parameter, text: str
) -> list[CompletionItem]:
    """Names of configs, then files."""
    names = [CompletionItem(name) for name in known_configs() if name.startswith(text)]
    return names or [CompletionItem(text, type="file")]


class SeedsType(click.ParamType[tuple[int, ...]]):
    """Ranges and lists of seeds: 0-4, or 0,2,5, or 3; never a count."""

    name = "seeds"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        seeds: list[int] = []
        for part in str(value).split(","):
            match = re.fullmatch(r"\s*(\d{1,10})(?:-(\d{1,10}))?\s*", part)
            if not match:
                self.fail(f"expected seeds such as 0-4 or 0,2,5, found {value!r}", param, ctx)
            first, last = int(match[1]), int(match[2] or match[1])
            if last < first or last >= 2**32 or last - first >= 10_000:
                self.fail(
                    f"expected an ascending range below 2³² of at most 10,000 seeds, found {part!r}",
                    param,
                    ctx,
                )
            seeds += range(first, last + 1)
        return tuple(dict.fromkeys(seeds))


@dataclass(frozen=True)
class TrainingOptions:
    """What the user asked of whatever trains."""

    seeds: tuple[int, ...] | None
    overrides: tuple[str, ...]
    out: Path
    data_dir: Path | None
    fresh: bool
    force: bool
    quiet: bool

    def load(self, experiment: str) -> ExperimentConfig:
        return load_config(experiment, self.overrides)


def out_option(command: Command) -> Command:
    """--out: the folder of all runs."""
    return click.option(
        "--out", type=click.Path(path_type=Path, file_okay=False), envvar="CNNLAB_EXPERIMENTS",
        default="experiments", show_default=True, help="Where runs are kept (or CNNLAB_EXPERIMENTS).",
    )(command)  # fmt: skip


def data_dir_option(command: Command) -> Command:
    """--data-dir: where dataset files are looked for first."""
    return click.option(
        "--data-dir", type=click.Path(path_type=Path),
        help="Look for dataset files here first (or CNNLAB_DATA_DIR).",
    )(command)  # fmt: skip


def training_options(command: Command) -> Command:
    """--seeds, --set, --out and the rest; the command gets them as `options`."""

    @click.option("--seeds", type=SeedsType(), metavar="0-4|0,2", help="Train once with each of these seeds.")
    @click.option(
        "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change the config: training.epochs=3."
    )
    @out_option
    @data_dir_option
    @click.option("--backend", type=click.Choice(["tensorflow", "jax", "torch"]), help="What Keras runs on.")
    @click.option(
        "--device", type=click.Choice(["auto", "cpu", "gpu"]), help="auto takes a GPU that is there."
    )
    @click.option(
        "--precision",
        type=click.Choice(["float32", "mixed_bfloat16", "mixed_float16"]),
        help="Of the arithmetic.",
    )
    @click.option("--fresh", is_flag=True, help="Start over, even where a run is finished.")
    @click.option("--force", is_flag=True, help="Train even if the parameters cannot fit in memory.")
    @click.option("--quiet", is_flag=True, help="No progress, only warnings and the result.")
    @functools.wraps(command)
    def with_options(
        *args: Any,
        seeds: tuple[int, ...] | None,
        overrides: tuple[str, ...],
        out: Path,
        data_dir: Path | None,
        backend: str | None,
        device: str | None,
        precision: str | None,
        fresh: bool,
        force: bool,
        quiet: bool,
        **kwargs: Any,
    ) -> Any:
        if data_dir is not None and not data_dir.is_dir():
            raise UserError(f"--data-dir {data_dir}: no such directory")
        runtime = {"backend": backend, "device": device, "precision": precision}
        overrides += tuple(f"runtime.{key}={value}" for key, value in runtime.items() if value is not None)
        options = TrainingOptions(seeds, overrides, out, data_dir, fresh, force, quiet)
        return command(*args, options=options, **kwargs)

    return with_options


def json_option(command: Command) -> Command:
    """--json: the command gets it as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON document.")(
        command
    )
