"""What a user sees of exceptions that are no messages of cnnlab's, and of text that was made to do harm."""

import json
from pathlib import Path

import pytest

import cnnlab.commands
from cnnlab.api import functions
from cnnlab.cli import run
from cnnlab.commands.output import print_csv, print_json, say, tell
from cnnlab.report.templates import pages

GRAPH = (
    "Graph execution error:\n\nDetected at node net/dense_1/MatMul defined at (most recent call last):\n"
    '  File "/x/fit.py", line 3, in fit\n\nMatrix size-incompatible: In[0]: [2,4], In[1]: [5,3]\n'
    "\t [[{{node net/dense_1/MatMul}}]] [Op:__inference_steps_64]"
)


class InvalidArgumentError(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(
            InvalidArgumentError(GRAPH),
            "internal error in cnnlab: InvalidArgumentError: Matrix size-incompatible: In[0]: [2,4], In[1]: "
            "[5,3] (at net/dense_1/MatMul)\n"
            "   this is a bug: please report it, with the traceback that CNNLAB_TRACEBACK=1 shows\n",
            id="bug",
        ),
        pytest.param(
            MemoryError("Unable to allocate 7.28 TiB for an array with shape (1000000, 1000000)"),
            "out of memory: Unable to allocate 7.28 TiB for an array with shape (1000000, 1000000)\n"
            "   use a smaller training.batch_size, fewer or smaller layers, smaller images, or --precision "
            "mixed_bfloat16, which halves the memory of activations\n",
            id="memory",
        ),
    ],
)
def test_one_useful_line(monkeypatch, capsys, error, said):
    def fail(*args, **options):
        raise error

    monkeypatch.setattr(functions, "predict", fail)
    assert run(["predict", "cnn", "digit.png"]) == 1
    assert capsys.readouterr().err == said


def test_a_run_that_ran_out_of_memory_says_so(monkeypatch, capsys, tmp_path):
    def fail(*args, **options):
        raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 4000000000000 bytes.")

    monkeypatch.setattr("cnnlab.training.train.train", fail)
    options = ["--set", "dataset.train_count=400", "--quiet", "--out", str(tmp_path)]
    assert run(["train", "xo_cnn", *options]) == 1
    said = capsys.readouterr().err
    assert "out of memory: RESOURCE_EXHAUSTED: Out of memory allocating 4000000000000 bytes." in said
    (status,) = tmp_path.glob("*/seed-0/run.json")
    recorded = json.loads(status.read_text())
    assert recorded["state"] == "failed"
    assert recorded["error"].startswith("out of memory: RESOURCE_EXHAUSTED")


HOSTILE = "\x1b]0;title\x07\x9b31m\u202e[red]<b>中"


def test_terminals_are_sent_nothing_that_they_act_on(capsys):
    say(HOSTILE)
    tell(HOSTILE)
    print_csv([HOSTILE], [["=1+1"], [1.5]])
    captured = capsys.readouterr()
    shown = r"\x1b]0;title\x07\x9b31m\u202e[red]<b>中"
    assert captured.err == f"{shown}\n"
    assert captured.out == f"{shown}\n{shown}\n'=1+1\n1.5\n"


def test_json_means_the_same_and_shows_no_control_characters(capsys):
    print_json({HOSTILE: [HOSTILE, float("nan")]})
    text = capsys.readouterr().out
    assert json.loads(text) == {HOSTILE: [HOSTILE, None]}
    assert "中" in text
    assert not any(letter in text for letter in ("\x1b", "\x07", "\x9b", "\u202e"))


@pytest.mark.parametrize(
    "arguments", [["train", "--seeds", "\x1b[31m"], ["\x1b[31m"], ["train", "--\x1b[31m"]]
)
def test_mistakes_on_the_command_line_are_quoted_harmlessly(capsys, arguments):
    assert run(arguments) == 2
    assert "\x1b" not in capsys.readouterr().err


def test_pages_show_text_as_text():
    page = pages().from_string("<p>{{ name }}</p>").render(name=HOSTILE)
    assert page == r"<p>\x1b]0;title\x07\x9b31m\u202e[red]&lt;b&gt;中</p>"


def test_commands_print_through_one_door():
    """Whatever a command prints is escaped, because nothing but output.py writes to the streams."""

    folder = Path(cnnlab.commands.__file__).parent
    direct = [path.name for path in folder.glob("*.py") if "click.echo(" in path.read_text(encoding="utf-8")]
    assert direct == ["output.py"]
