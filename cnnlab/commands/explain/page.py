"""cnnlab explain all: every technique with its defaults, and a page that shows them."""

from __future__ import annotations

import importlib
from typing import Any

import click

from cnnlab.commands.explain import TECHNIQUES
from cnnlab.commands.explain.technique import Asked, subject_options, write
from cnnlab.commands.options import complete_experiment, json_option
from cnnlab.commands.output import print_json
from cnnlab.errors import CnnlabError
from cnnlab.runs.folders import Folder


@click.command()
@click.argument("run", shell_complete=complete_experiment, metavar="RUN")
@subject_options
@json_option
def command(run: str, asked: Asked, as_json: bool) -> None:
    """All techniques with their defaults, and index.html: one page that needs no other file.

    \b
    cnnlab explain all cnn

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
                explanation = module.command.explain(subject, **defaults(module.command))
            except CnnlabError as error:
                left_out[name] = str(error)
                subject.watcher.warn(f"{name}: left out: {error}")
                continue
            document = write(subject, name, explanation)
            pictures = [subject.folder / picture for picture in document["pictures"]]
            documents.append(document)
            sections.append(Section(name, TECHNIQUES[name], explanation.sentence, pictures))
            subject.watcher.note(f"{name}: {explanation.sentence}")
        folder = Folder(subject.folder)
        page = render_explanations(subject.name, subject.run, sections, left_out=left_out)
        folder.write_text("index.html", page)
    if as_json:
        print_json({"folder": str(folder.path), "techniques": documents, "left_out": left_out})
        return
    click.echo(f"{len(documents)} techniques\n\n{folder.path / 'index.html'}")


def defaults(command: click.Command) -> dict[str, Any]:
    """A technique's own options, as they are where the user names none."""
    parsed = command.make_context(command.name or "", ["RUN"]).params
    return {name: value for name, value in parsed.items() if name in command.own}  # type: ignore[attr-defined]
