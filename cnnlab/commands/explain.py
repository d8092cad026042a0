"""cnnlab explain TECHNIQUE RUN: a command for each technique, its options being the technique's fields."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from cnnlab.commands.options import (
    ExperimentType,
    GivenPath,
    complete_experiment,
    data_dir_option,
    device_option,
    json_option,
    keras_backend_option,
    out_option,
    quiet_option,
)
from cnnlab.commands.output import print_json, say
from cnnlab.commands.picture_options import picture_format_options, picture_options
from cnnlab.commands.technique_options import option_for
from cnnlab.errors import unknown
from cnnlab.explanations import TECHNIQUES
from cnnlab.explanations.technique import Technique

if TYPE_CHECKING:
    from cnnlab.pictures.kit.files import PictureFiles

Command = Callable[..., Any]

ALL = "all"
"""Not a technique: the page of all techniques."""


class Techniques(click.Group):
    """Makes a technique's command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*TECHNIQUES, ALL]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == ALL:
            return all_command
        return technique_command(TECHNIQUES[cmd_name]) if cmd_name in TECHNIQUES else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not (name == ALL or name in TECHNIQUES or name.startswith("-")):
            raise click.UsageError(str(unknown("technique", name, self.list_commands(ctx))), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Techniques"):
            summaries = {name: technique.summary for name, technique in TECHNIQUES.items()}
            formatter.write_dl([*summaries.items(), (ALL, "Run all techniques and write an HTML page.")])


@click.group(cls=Techniques)
def command() -> None:
    """What networks compute and what they have learned, in pictures and numbers.

    \b
    cnnlab explain saliency cnn
    cnnlab explain maximize cnn --layer conv2d_2
    cnnlab explain all experiments/cnn-1a2b3c4d/seed-0
    cnnlab explain all model.keras --dataset-of cnn
    cnnlab explain convolution

    A run is its folder, an experiment's name (its latest finished run) or a .keras file. Techniques that
    need no trained network, such as convolution and kernels, also take an experiment that is not trained
    yet, by its name or its YAML file, or nothing. Pictures, arrays and numbers are written to RUN/explain/;
    without a run to experiments/explain/.
    """


@dataclass(frozen=True)
class SubjectOptions:
    """The options that say where runs and data are and what to compute on."""

    out: Path
    quiet: bool
    data_dir: Path | None = None
    backend: str | None = None
    device: str | None = None
    pixels: tuple[float, float] | None = None
    dataset_of: str | None = None

    @contextmanager
    def reported(self) -> Iterator[dict[str, Any]]:
        """The keywords of `cnnlab.explain`, while the user is told how the work goes."""
        from cnnlab.commands.progress import reporting

        with reporting(quiet=self.quiet) as reporter:
            yield {
                "out": self.out,
                "data_dir": self.data_dir,
                "progress": reporter,
                "backend": self.backend,
                "device": self.device,
                "pixels": self.pixels,
                "dataset_of": self.dataset_of,
            }


_OF_NETWORKS: Sequence[Callable[[Command], Command]] = (
    data_dir_option,
    keras_backend_option,
    device_option,
    click.option(
        "--dataset-of",
        type=ExperimentType(),
        metavar="EXPERIMENT",
        shell_complete=complete_experiment,
        help="For a .keras file: the experiment, or the folder of a run, with the same images and classes, "
        "such as cnn for MNIST.",
    ),
    click.option(
        "--pixels",
        type=(float, float),
        metavar="BLACK WHITE",
        help="For a .keras file: the values of a black and a white pixel; by default 0 255 where the network "
        "rescales, else those of --dataset-of, else 0 1.",
    ),
)


def subject_options(command: Command, *, network: bool = True) -> Command:
    """--out, --quiet and, where it looks into networks, the options for these: to the command as `asked`."""

    @functools.wraps(command)
    def with_options(*args: Any, **options: Any) -> Any:
        given = {each.name: options.pop(each.name) for each in fields(SubjectOptions) if each.name in options}
        return command(*args, asked=SubjectOptions(**given), **options)

    declared: Command = with_options
    for option in reversed((out_option, *(_OF_NETWORKS if network else ()), quiet_option)):
        declared = option(declared)
    return declared


def technique_command(technique: type[Technique]) -> click.Command:
    """The command of a technique."""
    several, network = technique.takes_several, technique.takes_network

    @picture_options
    @json_option
    @click.pass_context
    def command(
        context: click.Context,
        /,
        asked: SubjectOptions,
        as_json: bool,
        pictures: PictureFiles,
        run: str | tuple[str, ...] | None = None,
        **options: Any,
    ) -> None:
        given = {
            name: value
            for name, value in options.items()
            if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        }
        settings = technique(**given)
        from cnnlab.api.explaining import explain

        with asked.reported() as where:
            found = explain(settings, run, **where)
            document = found.saved(pictures)
        if as_json:
            print_json(document)
            return
        arrays = document["arrays"]["file"]
        files = ", ".join([*document["pictures"], arrays, arrays.replace(".npz", ".json")])
        say(f"{found}\n\n{document['folder']}: {files}")

    called = subject_options(command, network=network != "never")
    if network != "never":
        metavar = "[RUN|CONFIG]" if network == "optional" else "RUN..." if several else "RUN"
        called = click.argument(
            "run",
            nargs=-1 if several else 1,
            required=network == "always",
            metavar=metavar,
            shell_complete=complete_experiment,
        )(called)
    fields_ = [option_for(name, field) for name, field in technique.model_fields.items()]
    return click.command(technique.name, help=help_of(technique), params=fields_)(called)


def help_of(technique: type[Technique]) -> str:
    """A technique's help: what it does, how it is called, how to read it, and where it comes from."""
    calls = "\n".join(f"cnnlab explain {technique.name} {each}".rstrip() for each in technique.examples)
    papers = f"{'Papers' if len(technique.papers) > 1 else 'Paper'}: {'; '.join(technique.papers)}."
    paragraphs = [
        technique.summary,
        f"\b\n{calls}",
        technique.description,
        papers if technique.papers else "",
    ]
    return "\n\n".join(filter(None, paragraphs))


@click.command(ALL)
@click.argument("run", shell_complete=complete_experiment, metavar="RUN")
@click.option(
    "--picture",
    "pictures",
    type=GivenPath(),
    multiple=True,
    metavar="FILE",
    help="A picture file for the techniques that look at pictures, instead of test images. May be repeated.",
)
@picture_format_options
@subject_options
@json_option
def all_command(
    run: str,
    pictures: tuple[Path, ...],
    format: str | None,
    aspect: str,
    font_scale: float,
    asked: SubjectOptions,
    as_json: bool,
) -> None:
    """All techniques with their defaults, and index.html: one page that needs no other file.

    \b
    cnnlab explain all cnn
    cnnlab explain all model.keras --picture one.png --picture two.png
    cnnlab explain all cnn --aspect 16:9

    Of several pictures, convolution, kernels and dream take the first, style the first two as content and
    style. A technique that the network has nothing to show for, such as filters without a convolution, is
    left out, with the reason.
    """
    from cnnlab.api.explaining import explain_all

    with asked.reported() as where:
        page = explain_all(
            run, picture=pictures, format=format, aspect=aspect, font_scale=font_scale, **where
        )
    if as_json:
        print_json(page.as_dict())
        return
    say(f"{len(page.documents)} techniques\n\n{page.path}")
