"""What all techniques share: the run argument, the options, and how results are written and said."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnnlab.commands.explain.finding import open_subject
from cnnlab.commands.explain.subject import Subject
from cnnlab.commands.options import (
    ExperimentType,
    backend_option,
    complete_experiment,
    data_dir_option,
    device_option,
    json_option,
    out_option,
    quiet_option,
)
from cnnlab.commands.output import print_json
from cnnlab.datasets import DataPaths
from cnnlab.run_folders.folders import Folder
from cnnlab.run_folders.records import read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from matplotlib.figure import Figure

Command = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class Explanation:
    """What a technique found: pictures, arrays, facts, and the sentence that goes with them."""

    sentence: str
    figures: Mapping[str, Figure]
    """By what tells them apart in their file names; "" for a technique's only picture."""

    arrays: Mapping[str, np.ndarray]
    facts: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    """The technique's own options, by their names, with the values that were used."""

    variant: str = ""
    """Tells the files of another way to look at the same from the usual ones: NAME-VARIANT.png."""


def technique(function: Callable[..., Explanation]) -> click.Command:
    """A command of the group, from a function of a subject and options to an Explanation.

    Decorate it with the technique's own options first. The function itself, which then also says what
    options it used, is `command.explain`; the names of its arguments are `command.own`.
    """
    own = {option.name: option for option in getattr(function, "__click_params__", [])}

    @functools.wraps(function)
    def explain(subject: Subject, **options: Any) -> Explanation:
        found = function(subject, **options)
        # What the user left open is what the technique says that it took.
        used = {
            _name(own[key]): found.facts.get(key) if value in (None, ()) else _plain(value)
            for key, value in options.items()
        }
        return replace(found, options=used)

    @click.command()
    @click.argument("run", shell_complete=complete_experiment, metavar="RUN")
    @subject_options
    @json_option
    @functools.wraps(function)
    def command(run: str, asked: SubjectOptions, as_json: bool, **options: Any) -> None:
        with asked.open(run) as subject:
            subject.start()
            document = write(subject, command.name or "", explain(subject, **options))
        say(document, as_json=as_json)

    command.explain = explain  # type: ignore[attr-defined]
    command.own = set(own)  # type: ignore[attr-defined]
    return command


def _name(option: click.Parameter) -> str:
    """--octave-scale → octave_scale"""
    return option.opts[0].removeprefix("--").replace("-", "_")


def _plain(value: Any) -> Any:
    """An option's value as JSON has it."""
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value


@dataclass(frozen=True)
class SubjectOptions:
    """The options that say where runs and data are and what to compute on."""

    out: Path
    data_dir: Path | None
    backend: str | None
    device: str | None
    pixels: tuple[float, float] | None
    dataset_of: str | None
    quiet: bool

    @contextmanager
    def open(self, run: str) -> Iterator[Subject]:
        from cnnlab.commands.progress import reporting

        with reporting(quiet=self.quiet) as reporter:
            yield open_subject(
                run, out=self.out, data_paths=DataPaths.from_environment(self.data_dir), reporter=reporter,
                backend=self.backend, device=self.device, pixels=self.pixels, dataset_of=self.dataset_of,
            )  # fmt: skip


def subject_options(command: Command) -> Command:
    """--out, --data-dir, --backend, --device, --dataset-of, --pixels, --quiet, to the command as `asked`."""

    @out_option
    @data_dir_option
    @backend_option("what the run was trained on")
    @device_option
    @click.option(
        "--dataset-of",
        type=ExperimentType(),
        metavar="EXPERIMENT",
        shell_complete=complete_experiment,
        help="The images and classes of the network in a .keras file: those of this experiment, such as cnn "
        "for MNIST, or of a run's folder.",
    )
    @click.option(
        "--pixels", type=(float, float), metavar="BLACK WHITE",
        help="What the network in a .keras file takes for them; by default 0 255 where it rescales, else as "
        "in --dataset-of, else 0 1.",
    )  # fmt: skip
    @quiet_option
    @functools.wraps(command)
    def with_options(
        *args: Any, out: Path, data_dir: Path | None, backend: str | None, device: str | None,
        pixels: tuple[float, float] | None, dataset_of: str | None, quiet: bool, **kwargs: Any,
    ) -> Any:  # fmt: skip
        asked = SubjectOptions(out, data_dir, backend, device, pixels, dataset_of, quiet)
        return command(*args, asked=asked, **kwargs)

    return with_options


def image_options(command: Command) -> Command:
    """--image and --picture; the function gets them as `image` and `picture`."""
    command = click.option(
        "--picture", type=click.Path(path_type=Path, dir_okay=False), multiple=True, metavar="FILE",
        callback=_each_once,
        help="A picture file, prepared as `cnnlab predict` does: cut and scaled, dark on light inverted for "
        "networks that know light on dark; may be repeated.",
    )(command)  # fmt: skip
    return click.option(
        "--image", type=click.IntRange(min=0), multiple=True, metavar="INDEX", callback=_each_once,
        help="A test image by its index; may be repeated. By default the first of each class.",
    )(command)  # fmt: skip


def unit_option(text: str) -> Callable[[Command], Command]:
    """--unit, which may be repeated; the function gets it as `unit`, each number once."""
    return click.option("--unit", type=click.IntRange(min=0), multiple=True, callback=_each_once, help=text)


def _each_once(
    context: click.Context, parameter: click.Parameter, values: tuple[Any, ...]
) -> tuple[Any, ...]:
    """What was given several times is looked at once."""
    return tuple(dict.fromkeys(values))


def seed_option(command: Command) -> Command:
    """--seed of the technique's own randomness."""
    return click.option(
        "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of random beginnings."
    )(command)


def layer_option(text: str) -> Callable[[Command], Command]:
    """--layer, as the summary calls it."""
    return click.option("--layer", metavar="NAME", help=text)


def write(subject: Subject, name: str, explanation: Explanation) -> dict[str, Any]:
    """Write pictures, arrays and facts to the subject's folder; returns the JSON document.

    Pictures that the technique left there before, and has not made anew, are removed.
    """
    folder = Folder(subject.folder)
    stem = f"{name}-{explanation.variant}" if explanation.variant else name
    pictures = [f"{stem}-{each}.png" if each else f"{stem}.png" for each in explanation.figures]
    for file, figure in zip(pictures, explanation.figures.values(), strict=True):
        folder.write_figure(file, figure)
    folder.write_arrays(f"{stem}.npz", **explanation.arrays)
    before = read_json(folder.path / f"{stem}.json") or {}
    for file in set(before.get("pictures", ())).difference(pictures):
        if file.startswith(stem) and file.endswith(".png"):
            folder.remove(file)
    document = {
        "technique": name,
        "run": subject.run,
        "subject": subject.name,
        "dataset": subject.dataset.title if subject.dataset else None,
        "dataset_of": subject.dataset_of,
        "folder": str(subject.folder),
        "sentence": explanation.sentence,
        "options": dict(explanation.options),
        "pictures": pictures,
        "arrays": {
            "file": f"{stem}.npz",
            "shapes": {key: list(array.shape) for key, array in explanation.arrays.items()},
        },
        **explanation.facts,
    }
    folder.write_json(f"{stem}.json", document)
    return document


def say(document: Mapping[str, Any], *, as_json: bool) -> None:
    """The result on stdout."""
    if as_json:
        print_json(document)
        return
    click.echo(document["sentence"])
    arrays = document["arrays"]["file"]
    files = ", ".join([*document["pictures"], arrays, arrays.replace(".npz", ".json")])
    click.echo(f"\n{document['folder']}: {files}")
