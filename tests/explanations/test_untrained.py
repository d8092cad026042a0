"""Techniques that need no trained network: a config, or nothing, will do."""

import json
from pathlib import Path

import numpy as np
import pytest

import cnnlab
from cnnlab.cli import run
from cnnlab.errors import UserError
from cnnlab.explanations import TECHNIQUES
from cnnlab.explanations.explanation import Explanation
from cnnlab.explanations.technique import Technique


class Sizes(Technique):
    """A technique that looks at what it gets."""

    name = "sizes"
    summary = "The number of layers."
    takes_network = "optional"
    examples = ("", "cnn")

    def explain_untrained(self, untrained):
        layers = 0 if untrained.config is None else len(untrained.config.model.layers)
        arrays = {"layers": np.array(layers)}
        return Explanation(self, untrained.explained, sentence=f"{layers} layers", figures={}, arrays=arrays)


class Lesson(Sizes):
    name = "lesson"
    takes_network = "never"
    examples = ("",)


@pytest.fixture(autouse=True)
def techniques(monkeypatch):
    """The table of techniques holds these two."""
    places = {each.name: f"{__name__}:{each.__name__}" for each in (Sizes, Lesson)}
    monkeypatch.setattr(TECHNIQUES, "_places", places)


@pytest.mark.parametrize(
    ("given", "folder", "subject", "dataset", "sentence"),
    [([], "explain", None, None, "0 layers"), (["cnn"], "explain/cnn", "cnn", "MNIST", "7 layers")],
    ids=["nothing", "config"],
)
def test_without_a_run_the_command_and_python_say_the_same(
    tmp_path, capsys, given, folder, subject, dataset, sentence
):
    assert run(["explain", "sizes", *given, "--out", str(tmp_path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == cnnlab.explain("sizes", *given, out=tmp_path).as_dict()
    assert document == json.loads((tmp_path / folder / "sizes.json").read_text(encoding="utf-8"))
    assert (document["subject"], document["run"]) == (subject, None)
    assert (document["dataset"], document["sentence"]) == (dataset, sentence)
    assert Path(document["folder"]) == tmp_path / folder


def test_a_config_file_is_a_config(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("model: {input_shape: [8, 8, 1], layers: [Flatten]}\n")
    found = cnnlab.explain("sizes", path, out=tmp_path)
    assert found.folder == tmp_path / "explain" / "mine"
    assert (repr(found), str(found)) == ("<Explanation: sizes of mine>", "1 layers")


def test_a_lesson_takes_no_network_nor_its_options(tmp_path, capsys):
    assert run(["explain", "lesson", "--help"]) == 0
    printed = capsys.readouterr().out
    assert "cnnlab explain lesson\n" in printed
    assert "RUN" not in printed
    assert "--out" in printed
    assert "--backend" not in printed
    assert run(["explain", "lesson", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "explain" / "lesson.json").is_file()
    with pytest.raises(UserError, match=r"^lesson: takes no network; leave out cnn$"):
        cnnlab.explain("lesson", "cnn", out=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("sizes --data-dir .", "--data-dir: has no effect without a run or an experiment; leave it out"),
        ("sizes --backend jax", "--backend: has no effect without a trained network; leave it out"),
        ("sizes cnn --pixels 0 1", "--pixels: has no effect without a trained network; leave it out"),
        ("sizes color_cnn", "unknown run 'color_cnn': there are no runs in {out} yet"),
        ("sizes none.yaml", "none.yaml: no such file"),
    ],
)
def test_mistakes(tmp_path, capsys, arguments, message):
    assert run(["explain", *arguments.split(), "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(message.format(out=tmp_path))
