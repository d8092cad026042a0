"""cnnlab explain all: every technique with its defaults, and a page that shows them."""

from __future__ import annotations

import base64
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from cnnlab.commands.explain import TECHNIQUES
from cnnlab.commands.explain.technique import Asked, subject_options, write
from cnnlab.commands.options import complete_experiment, json_option
from cnnlab.commands.output import print_json
from cnnlab.errors import CnnlabError
from cnnlab.runs.folders import Folder

_TEMPLATE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ subject }}: what it has learned</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; color: #333; max-width: 68rem; margin: 2rem auto;
       padding: 0 1rem; }
h1 { margin-bottom: 0; } h2 { margin: 3rem 0 0; border-top: 1px solid #ddd; padding-top: 1.5rem; }
p { margin: 0.3rem 0 1rem; white-space: pre-line; } .what { color: #777; }
img { max-width: 100%; height: auto; display: block; margin: 0.5rem 0; }
nav a { margin-right: 0.8rem; } a { color: #0072B2; } code { background: #f4f4f4; padding: 0.1rem 0.3rem; }
@media print { nav { display: none; } h2, img { break-inside: avoid; } }
</style>
</head>
<body>
<h1>What {{ subject }} has learned</h1>
<p class="what">{{ run }}</p>
<nav>{% for each in techniques %}<a href="#{{ each.name }}">{{ each.name }}</a> {% endfor %}</nav>
{% for each in techniques %}
<h2 id="{{ each.name }}">{{ each.name }}</h2>
<p class="what">{{ each.what }}</p>
<p>{{ each.sentence }}</p>
{% for picture in each.pictures %}<img alt="{{ each.name }}: {{ each.sentence }}" src="{{ picture }}">
{% endfor %}<p class="what">Numbers: <code>{{ each.name }}.npz</code>, <code>{{ each.name }}.json</code>;
anew: <code>cnnlab explain {{ each.name }} {{ run }}</code></p>
{% endfor %}
</body>
</html>
"""


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
    documents, left_out = [], {}
    with asked.open(run) as subject:
        subject.start()
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
            documents.append(write(subject, name, explanation))
            subject.watcher.note(f"{name}: {explanation.sentence}")
        folder = Folder(subject.folder)
        folder.write_text("index.html", page(folder.path, documents))
    if as_json:
        print_json({"folder": str(folder.path), "techniques": documents, "left_out": left_out})
        return
    click.echo(f"{len(documents)} techniques\n\n{folder.path / 'index.html'}")


def defaults(command: click.Command) -> dict[str, Any]:
    """A technique's own options, as they are where the user names none."""
    import inspect

    parsed = command.make_context(command.name or "", ["RUN"]).params
    own = inspect.signature(command.explain).parameters  # type: ignore[attr-defined]
    return {name: value for name, value in parsed.items() if name in own}


def page(folder: Path, documents: Sequence[dict[str, Any]]) -> str:
    """The HTML of a folder's techniques, pictures included."""
    import jinja2

    techniques = [
        {
            "name": document["technique"],
            "what": TECHNIQUES[document["technique"]],
            "sentence": document["sentence"],
            "pictures": [_embedded(folder / picture) for picture in document["pictures"]],
        }
        for document in documents
    ]
    first = documents[0] if documents else {"subject": folder.parent.name, "run": str(folder.parent)}
    template = jinja2.Environment(autoescape=True).from_string(_TEMPLATE)
    return template.render(techniques=techniques, subject=first["subject"], run=first["run"])


def _embedded(picture: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode()}"
