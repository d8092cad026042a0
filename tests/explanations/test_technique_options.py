"""From the fields of a technique to the options of its command."""

from pathlib import Path
from typing import Literal

import click
import pytest
from click.testing import CliRunner
from pydantic import Field

from cnnlab.commands.explain import help_of
from cnnlab.commands.technique_options import option_for
from cnnlab.explanations.options import Indices, TwoIndices
from cnnlab.explanations.technique import Technique


class Everything(Technique):
    name = "everything"
    summary = "One option of each kind."
    papers = ("Somebody 1999",)

    number: int = Field(3, ge=1, lt=9, description="How many.")
    share: float | None = Field(None, gt=0, le=1, description="How much.")
    kind: Literal["one", "two"] = "one"
    unit: Indices = Field((), description="Which.")
    two: TwoIndices | None = None
    file: Path | None = None
    class_name: str | None = Field(None, alias="class")
    sheet: bool = False
    classes: bool = True
    wanted: str


@pytest.fixture
def command():
    @click.command(
        params=[option_for(name, field) for name, field in Everything.model_fields.items()],
        context_settings={"max_content_width": 100, "terminal_width": 100},
    )
    def command(**options):
        click.echo(repr({name: value for name, value in options.items() if value not in (None, ())}))

    return command


def test_what_is_typed_reaches_the_fields(command):
    typed = (
        "--number 12 --share 0.5 --kind three --unit 3 --unit 4 --two 1 2 --file a.png --class cat --sheet "
        "--no-classes --wanted it"
    )
    result = CliRunner().invoke(command, typed.split())
    assert result.output.strip() == repr(
        {
            "number": 12, "share": 0.5, "kind": "three", "unit": (3, 4), "two": (1, 2), "file": "a.png",
            "class_name": "cat", "sheet": True, "classes": False, "wanted": "it",
        }
    )  # fmt: skip


def test_help_shows_defaults_ranges_and_choices(command):
    text = " ".join(CliRunner().invoke(command, ["--help"]).output.split())
    for part in (
        "--number INTEGER RANGE How many. [default: 3; 1<=x<9]",
        "--share FLOAT RANGE How much. [0<x<=1]",
        "--kind [one|two] [default: one]",
        "--unit INTEGER RANGE Which. May be repeated. [x>=0]",
        "--two INTEGER RANGE... [x>=0]",
        "--file FILE",
        "--class NAME",
        "--classes / --no-classes [default: classes]",
        "--wanted NAME [required]",
    ):
        assert part in text


def test_a_help_has_calls_and_papers():
    assert help_of(Everything) == (
        "One option of each kind.\n\n\b\ncnnlab explain everything cnn\n\nPaper: Somebody 1999."
    )


def test_a_type_without_a_place_on_the_command_line():
    class Odd(Technique):
        name = "odd"
        summary = "Odd."
        numbers: dict[str, int] = {}  # noqa: RUF012

    with pytest.raises(TypeError, match="numbers: expected int, float, bool"):
        option_for("numbers", Odd.model_fields["numbers"])
