"""What users read is in American English: color, normalization, recognized."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import cnnlab.cli

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "configs/schema.json")),
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("configs/*.yaml")),
    *sorted(ROOT.glob("cnnlab/report/*.html")),
]

STEMS = (
    "categor|custom|discret|general|initial|maxim|memor|minim|normal|optim|organ|quant|random|recogn|regular|serial|"
    "special|standard|summar|visual"
)
BRITISH = re.compile(
    r"\w*(?:colour|grey|neighbour|behaviour|favour|licence|artefact|catalogue)\w*"
    r"|\bcent(?:re[sd]?|ring)\b|\b(?:label|model|cancel)l(?:ed|ing)\b"
    rf"|\b\w*(?:{STEMS})is(?:ed?|es|ing|ations?|ers?)\b",
    re.IGNORECASE,
)


def helps(command: click.Command, context: click.Context) -> Iterator[str]:
    """The help of a command and of all commands below it."""
    yield command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from helps(below, click.Context(below, info_name=name, parent=context))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages(path: Path) -> None:
    assert BRITISH.findall(path.read_text(encoding="utf-8")) == []


def test_help() -> None:
    texts = list(helps(cnnlab.cli.group, click.Context(cnnlab.cli.group, info_name="cnnlab")))
    assert len(texts) > 25
    assert BRITISH.findall("\n".join(texts)) == []


@pytest.mark.parametrize(
    "word", ["colours", "Greyscale", "normalisation", "unrecognised", "centred", "labelled", "licence"]
)
def test_british_words_are_found(word: str) -> None:
    assert BRITISH.findall(f"the {word} of it") == [word]


@pytest.mark.parametrize("word", ["color", "noise", "raised", "precise", "center", "labelledby", "analysis"])
def test_american_words_are_not(word: str) -> None:
    assert BRITISH.findall(f"the {word} of it") == []
