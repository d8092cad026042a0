"""The options that commands share, each defined once."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypedDict, get_args

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from cnnlab.config.axes import Axis, Span, parse_axis
from cnnlab.config.experiment import known_configs
from cnnlab.config.overrides import parse_setting
from cnnlab.config.runs_at_once import MOST_THREADS, RunsAtOnce
from cnnlab.config.seeds import parse_seeds
from cnnlab.cpu_settings import BackendName, KerasBackendName
from cnnlab.errors import UserError
from cnnlab.files import name_problem
from cnnlab.foreign_text import printable

Command = Callable[..., Any]

PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")


def complete_experiment(
    context: click.Context, parameter: click.Parameter, text: str
) -> list[CompletionItem]:
    """Names of configs, then files."""
    names = [CompletionItem(name) for name in known_configs() if name.startswith(text)]
    return names or [CompletionItem(text, type="file")]


class Text(click.ParamType[str]):
    """A text that says something: where a path may stand, Python takes '' for the current directory."""

    name = "text"

    def __init__(self, expected: str) -> None:
        self.expected = expected

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not str(value).strip():
            self.fail(f"expected {self.expected}, found {value!r}", param, ctx)
        return str(value)


class ExperimentType(Text):
    """An experiment: a name in configs/, or the path of a YAML file."""

    name = "experiment"

    def __init__(self) -> None:
        super().__init__("the name of an experiment or the path of a YAML file")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The argument itself, unless it is one of the usual slips.

        Raises:
            UserError: NAME.yaml where only the experiment NAME exists, or a picture.
        """
        path = Path(super().convert(value, param, ctx))
        suffix = path.suffix.lower()
        if suffix in PICTURE_ENDINGS:
            raise UserError(
                f"{path}: expected an experiment, found an image file\n"
                f"   to classify it with a trained network: cnnlab predict RUN {path}"
            )
        if suffix in (".yaml", ".yml") and path.stem in known_configs() and not path.exists():
            raise UserError(f"{path}: no such file; did you mean {path.stem}?")
        return str(value)


class PictureSize(click.ParamType[tuple[int, int]]):
    """32x24, or 32 for both: width and height in pixels, as image viewers have it → (height, width)."""

    name = "size"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        found = re.fullmatch(r"([0-9]{1,5})(?:[x×]([0-9]{1,5}))?", str(value), re.IGNORECASE)
        width, height = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
        if not width or not height:
            self.fail(f"expected a size in pixels such as 32x24 (width x height), found {value!r:.60}")
        return height, width


class GivenPath(click.Path):
    """A path that says something: click and Python take '' for the current directory."""

    def __init__(self, **rules: Any) -> None:
        super().__init__(path_type=Path, **rules)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value).strip():
            self.fail(f"expected a path, found {value!r}", param, ctx)
        if problem := name_problem(value):
            self.fail(f"expected a path, found {problem}", param, ctx)
        if any("\ud800" <= letter <= "\udfff" for letter in str(value)):  # Python's stand-ins for other bytes
            # Runs record their paths in JSON and YAML, which are UTF-8.
            self.fail(f"expected a path in UTF-8, found {printable(str(value))}", param, ctx)
        return super().convert(value, param, ctx)


class SeedsType(click.ParamType[tuple[int, ...]]):
    """Ranges and lists of seeds: 0-4, or 0,2,5, or 3; never a count."""

    name = "seeds"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        try:
            return parse_seeds(str(value))
        except UserError as error:
            self.fail(str(error), param, ctx)


class CountType(click.ParamType[RunsAtOnce]):
    """A whole number, 1 or more, or auto."""

    name = "count"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> RunsAtOnce:
        if value == "auto":
            return "auto"
        if isinstance(value, str) and value.isascii() and value.isdecimal():
            value = int(value)
        if not isinstance(value, int) or value < 1:
            self.fail(f"expected 1 or more, or auto, found {str(value)!r}", param, ctx)
        return value


class TrainingOptions(TypedDict):
    """What whatever trains takes: the keyword arguments of `cnnlab.train`."""

    seeds: tuple[int, ...] | None
    set: dict[str, Any]
    out: Path
    data_dir: Path | None
    backend: str | None
    device: str | None
    precision: str | None
    workers: RunsAtOnce | None
    threads: int | None
    together: RunsAtOnce
    on: str | None
    fresh: bool
    force: bool


class SettingType(click.ParamType[tuple[str, Any]]):
    """KEY=VALUE: a setting of the config and its value, in YAML."""

    name = "setting"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Any]:
        """The key and the plain value.

        Raises:
            UserError: it is not KEY=VALUE, or the value is not YAML.
        """
        if isinstance(value, tuple):
            return value
        key, node = parse_setting(str(value))
        return key, node.plain()


class AxisType(click.ParamType[Axis | Span]):
    """KEY=V1,V2,…: a setting of the config and several values, in YAML; KEY=LOW..HIGH: and their range."""

    name = "axis"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Axis | Span:
        """The key and the plain values, or the range.

        Raises:
            UserError: it is not of this form, or a value is not YAML.
        """
        return value if isinstance(value, Axis | Span) else parse_axis(str(value))


def vary_option(help_text: str) -> Callable[[Command], Command]:
    """--vary, any number of them, to the command as a mapping `vary`; None where there is none."""
    return click.option(
        "--vary", multiple=True, type=AxisType(), metavar="KEY=V,V,…", callback=_varying, help=help_text
    )


def _varying(
    context: click.Context, parameter: click.Parameter, axes: Sequence[Axis | Span]
) -> dict[str, Axis | Span] | None:
    settings: dict[str, Axis | Span] = {}
    for axis in axes:
        if axis.key in settings:
            raise UserError(f"--vary {axis.key}: given twice; write all its values into one --vary")
        settings[axis.key] = axis
    return settings or None


def out_option(command: Command) -> Command:
    """--out: the folder of all runs."""
    return _out_option(there=False)(command)


def existing_out_option(command: Command) -> Command:
    """--out, for commands that only read: the folder of all runs, which is there if it is named."""
    return _out_option(there=True)(command)


def _out_option(*, there: bool) -> Callable[[Command], Command]:
    return click.option(
        "--out", type=GivenPath(file_okay=False), envvar="CNNLAB_EXPERIMENTS",
        default="experiments", show_default=True, help="Folder of all runs (or CNNLAB_EXPERIMENTS).",
        callback=_there if there else None,
    )  # fmt: skip


def _there(context: click.Context, parameter: click.Parameter, out: Path) -> Path:
    """The default is made by the first run; a folder that the user has typed is meant to be there."""
    if _typed(context, parameter) and not out.is_dir():
        raise UserError(f"--out {out}: no such folder; expected the folder of all runs")
    return out


def data_dir_option(command: Command) -> Command:
    """--data-dir: where dataset files are looked for first."""
    return click.option(
        "--data-dir", type=GivenPath(),
        help="Look for dataset files here first (or CNNLAB_DATA_DIR).",
    )(command)  # fmt: skip


def quiet_option(command: Command) -> Command:
    """--quiet: no progress."""
    return click.option("--quiet", is_flag=True, help="Show no progress, only warnings and the result.")(
        command
    )


def overrides_option(example: str) -> Callable[[Command], Command]:
    """--set, any number of them, to the command as a mapping `set`."""
    return click.option(
        "--set",
        "set",
        multiple=True,
        type=SettingType(),
        metavar="KEY=VALUE",
        callback=lambda context, parameter, settings: dict(settings),
        help=f"Change a setting of the config, such as {example}.",
    )


def backend_option(command: Command) -> Command:
    """--backend: what trains."""
    return click.option(
        "--backend", type=click.Choice(get_args(BackendName)),
        help="The backend of Keras, or scratch: cnnlab's own engine in NumPy; by default the one in the "
        "config.",
    )(command)  # fmt: skip


def keras_backend_option(command: Command) -> Command:
    """--backend, where a trained network is computed with Keras."""
    return click.option(
        "--backend", type=click.Choice(get_args(KerasBackendName)),
        help="The backend of Keras; by default what the run was trained on.",
    )(command)  # fmt: skip


def device_option(command: Command) -> Command:
    """--device: what to compute on."""
    return click.option(
        "--device", type=click.Choice(["auto", "cpu", "gpu"]), help="auto uses a GPU if there is one."
    )(command)


def precision_option(command: Command) -> Command:
    """--precision."""
    return click.option(
        "--precision", type=click.Choice(["float32", "mixed_bfloat16", "mixed_float16"]),
        help="The floating-point precision.",
    )(command)  # fmt: skip


def workers_option(command: Command) -> Command:
    """--workers."""
    return click.option(
        "--workers", type=CountType(), default=1, show_default=True, metavar="N|auto",
        help="Train N runs at once, each in its own process; auto: as many as CPUs and memory allow.",
    )(command)  # fmt: skip


def _workers_or_cluster_option(command: Command) -> Command:
    """--workers, whose default depends on --on."""
    return click.option(
        "--workers", type=CountType(), metavar="N|auto",
        help="Train N runs at once, each in its own process; auto: as many as CPUs and memory allow.  "
        "[default: 1; with --on, as many as the cluster has room for]",
    )(command)  # fmt: skip


class ClusterType(click.ParamType[str]):
    """ray, or ray://HOST:PORT."""

    name = "cluster"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text itself.

        Raises:
            UserError: it is neither.
        """
        from cnnlab.cluster.address import Address

        Address.parse(value)
        return str(value)


def on_option(command: Command) -> Command:
    """--on: a cluster that trains."""
    return click.option(
        "--on", type=ClusterType(), metavar="ray[://HOST:PORT]",
        help="Let Ray train the runs: on this machine, or on those of the cluster at this address. Each run "
        "has 1 CPU, or --threads; finished runs are copied to --out.",
    )(command)  # fmt: skip


def together_option(command: Command) -> Command:
    """--together."""
    return click.option(
        "--together", type=CountType(), default="auto", show_default=True, metavar="K|auto",
        help="Train K seeds of an experiment as one program, on JAX; auto: on a GPU as many as its memory "
        "has room for, at most 32, else 1.",
    )(command)  # fmt: skip


def threads_option(command: Command) -> Command:
    """--threads: of the CPU, for each run."""
    return click.option(
        "--threads", type=click.IntRange(1, MOST_THREADS), metavar="N",
        help="CPU threads of each run; by default all CPUs, divided among the workers. Except "
        "with backend scratch, they decide the last digits: a resumed run keeps its number.",
    )(command)  # fmt: skip


def reject_unused(*arguments: str, reason: str) -> None:
    """Refuse options, by the names of their arguments, that would have no effect as the command was given.

    Raises:
        UsageError: some of them were given; the message has the reason.
    """
    context = click.get_current_context(silent=True)
    if context is None:  # nobody typed anything: called from Python
        return
    idle = [each for each in context.command.params if each.name in arguments and _typed(context, each)]
    if idle:
        raise click.UsageError(f"{', '.join(each.opts[0] for each in idle)}: {reason}")


def typed(*arguments: str) -> bool:
    """Whether the user gave one of these options, by the names of their arguments."""
    context = click.get_current_context()
    return any(_typed(context, each) for each in context.command.params if each.name in arguments)


def _typed(context: click.Context, parameter: click.Parameter) -> bool:
    """Whether the user gave this option, not its default nor an environment variable."""
    return context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE


def experiments_argument(metavar: str, *, required: bool = True) -> Callable[[Command], Command]:
    """The experiments that a command is about, as `experiments`."""
    return click.argument(
        "experiments", nargs=-1, required=required, type=ExperimentType(),
        shell_complete=complete_experiment, metavar=metavar,
    )  # fmt: skip


def training_options(seeds_help: str) -> Callable[[Command], Command]:
    """--seeds, --set, --out and the rest, to the command as `options` and `quiet`."""
    return functools.partial(_with_training_options, seeds_help)


def _with_training_options(seeds_help: str, command: Command) -> Command:
    @click.option("--seeds", type=SeedsType(), metavar="0-4|0,2", help=seeds_help)
    @overrides_option("training.epochs=3")
    @out_option
    @data_dir_option
    @backend_option
    @device_option
    @precision_option
    @_workers_or_cluster_option
    @threads_option
    @together_option
    @on_option
    @click.option(
        "--fresh",
        is_flag=True,
        help="Train from scratch, even if a run is finished. The folder of a damaged run is kept beside it.",
    )
    @click.option("--force", is_flag=True, help="Train even if the parameters do not fit in memory.")
    @quiet_option
    @functools.wraps(command)
    def with_options(
        *args: Any,
        seeds: tuple[int, ...] | None,
        set: dict[str, Any],
        out: Path,
        data_dir: Path | None,
        backend: str | None,
        device: str | None,
        precision: str | None,
        workers: RunsAtOnce | None,
        threads: int | None,
        together: RunsAtOnce,
        on: str | None,
        fresh: bool,
        force: bool,
        **kwargs: Any,
    ) -> Any:
        options = TrainingOptions(
            seeds=seeds, set=set, out=out, data_dir=data_dir, backend=backend, device=device,
            precision=precision, workers=workers, threads=threads, together=together, on=on,
            fresh=fresh, force=force,
        )  # fmt: skip
        return command(*args, options=options, **kwargs)

    return with_options


def json_option(command: Command) -> Command:
    """--json: the command gets it as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON document.")(
        command
    )
