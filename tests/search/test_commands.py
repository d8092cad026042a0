"""Points as command lines: a shell and --set read back what was meant."""

import math
import shlex
import subprocess
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.config.overrides import parse_setting
from cnnlab.errors import UserError
from cnnlab.search.commands import train_command, train_commands, winner_command
from cnnlab.search.plan import Plan

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
WORDS = st.text(st.characters(max_codepoint=126), max_size=12)
VALUES = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=6,
)


def read_back(words):
    """The settings that --set takes from these words."""
    texts = [text for option, text in pairwise(words) if option == "--set"]
    return {key: node.plain() for key, node in map(parse_setting, texts)}


@given(VALUES)
def test_a_value_is_read_back_as_it_was(value):
    try:
        words = train_command("cnn", {"training.epochs": value})
    except UserError:
        # What YAML cannot say in one line of plain data, such as a number beyond its range.
        assert not isinstance(value, bool | str | None)
        return
    line = shlex.join(words)
    again = read_back(shlex.split(line))["training.epochs"]
    assert repr(again) == repr(value)
    assert "\n" not in line


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0003, "a=0.0003"), (1e-5, "a=1e-05"), (True, "a=true"), (None, "a=null"), ("same", "a=same"),
        ([3, 3], "a=[3, 3]"), ({"seed": 0, "block": 4}, "a={seed: 0, block: 4}"), ("true", 'a="true"'),
        ("1", 'a="1"'), ("", 'a=""'), ("a: b", 'a="a: b"'), ("# no", 'a="# no"'),
    ],
    ids=repr,
)  # fmt: skip
def test_values_are_written_as_people_do_where_that_is_read_back(value, text):
    assert train_command("cnn", {"a": value})[3:] == ["--set", text]


def test_a_value_that_fits_on_no_line():
    with pytest.raises(UserError, match="a: nan cannot be written on a command line"):
        train_command("cnn", {"a": math.nan})
    assert winner_command(Plan(None, (), "grid", (0,), experiment="cnn"), {"a": math.nan}) is None


def test_what_varies_comes_behind_what_is_fixed():
    planned = [({"training.optimizer.learning_rate": rate}, None) for rate in (0.1, 0.0123)]
    lines = train_commands(
        "it's mine.yaml",
        planned,
        seeds=(3, 0, 1),
        fixed={"training.optimizer": "sgd"},
        options=["--threads", "2"],
    )
    assert lines == [
        "cnnlab train 'it'\"'\"'s mine.yaml' --set training.optimizer=sgd "
        f"--set training.optimizer.learning_rate={rate} --seeds 0-1,3 --threads 2"
        for rate in ("0.1", "0.0123")
    ]
    echoed = subprocess.run(
        ["bash", "-c", f"printf '%s\\n' {lines[0]}"], capture_output=True, text=True, check=True
    )
    assert echoed.stdout.splitlines() == shlex.split(lines[0])


def test_a_path_is_no_option():
    assert train_command("-mine.yaml", {})[2] == "./-mine.yaml"


def test_an_experiment_that_is_no_file_has_no_command():
    assert winner_command(Plan(None, (), "grid", (0,)), {"a": 1}) is None
