"""cnnlab explain all: every technique with its defaults, and a page that shows them."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from cnnlab.commands.explain import TECHNIQUES
from cnnlab.commands.explain.technique import SubjectOptions, subject_options, write
from cnnlab.commands.options import complete_experiment, json_option
from cnnlab.commands.output import print_json
from cnnlab.errors import CnnlabError, UserError
from cnnlab.run_folders.folders import Folder


@click.command()
@click.argument("run", shell_complete=complete_experiment, metavar="RUN")
@click.option(
    "--picture",
    "pictures",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    metavar="FILE",
    help="A picture file for the techniques that look at pictures, instead of test images; may be repeated.",
)
@subject_options
@json_option
def command(run: str, pictures: tuple[Path, ...], asked: SubjectOptions, as_json: bool) -> None:
    """All techniques with their defaults, and index.html: one page that needs no other file.

    \b
    cnnlab explain all cnn
    cnnlab explain all model.keras --picture one.png --picture two.png

    Of several pictures kernels and dream take the first, style the first two as content and style.
    What a network has nothing to show for, such as filters without a convolution, is left out and said.
    """
    from cnnlab.report.explained import Section, render_explanations

    documents, sections, left_out = [], [], {}
    with asked.open(run) as subject:
        subject.start()
        _ = subject.model  # where it cannot be read, that is one mistake and not one of every technique
        for name in TECHNIQUES:
            if name == "all":
                continue
            module = importlib.import_module(f"cnnlab.commands.explain.{name}")
            try:
                if name == "style" and subject.dataset is None and len(pictures) < 2:
                    raise UserError(f"{subject.file}: style takes two pictures; name both with --picture")
                explanation = module.command.explain(subject, **defaults(module.command, pictures))
            except CnnlabError as error:
                left_out[name] = str(error)
                subject.reporter.warn(f"{name}: left out: {error}")
                continue
            document = write(subject, name, explanation)
            drawn = [subject.folder / picture for picture in document["pictures"]]
            documents.append(document)
            sections.append(Section(name, TECHNIQUES[name], explanation.sentence, drawn))
            subject.reporter.note(f"{name}: {explanation.sentence}")
        folder = Folder(subject.folder)
        page = render_explanations(subject.name, subject.run, sections, left_out=left_out)
        folder.write_text("index.html", page)
    if as_json:
        print_json({"folder": str(folder.path), "techniques": documents, "left_out": left_out})
        return
    click.echo(f"{len(documents)} techniques\n\n{folder.path / 'index.html'}")


def defaults(command: click.Command, pictures: Sequence[Path] = ()) -> dict[str, Any]:
    """A technique's own options, as they are where the user names none but these pictures."""
    parsed = command.make_context(command.name or "", ["RUN"]).params
    options = {name: value for name, value in parsed.items() if name in command.own}  # type: ignore[attr-defined]
    if pictures and "picture" in options:
        options["picture"] = tuple(pictures) if options["picture"] == () else pictures[0]
    elif "content" in options:
        options |= zip(("content", "style"), pictures, strict=False)
    return options
