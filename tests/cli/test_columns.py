"""Tables with chosen columns, and for LaTeX, as a user asks for them."""

import json

import pytest

import cnnlab
from cnnlab.cli import run
from cnnlab.comparison.columns import COLUMN_NAMES


@pytest.fixture(scope="module")
def out(tmp_path_factory, make_run):
    folder = tmp_path_factory.mktemp("experiments")
    for seed in (0, 1):
        make_run(folder, "colors_dnn", seed=seed, accuracy=0.8)
        make_run(folder, "colors_cnn", seed=seed, accuracy=0.95)
    return folder


def test_runs_are_listed_with_these_columns_alone(out, capsys):
    columns = ["--columns", "seed, name,training.epochs"]
    assert run(["runs", "list", "--out", str(out), *columns]) == 0
    header, _, first, *_ = capsys.readouterr().out.splitlines()
    assert header.split() == ["Seed", "Experiment", "training.epochs"]
    epochs = cnnlab.load("colors_cnn").config.training.epochs
    assert first.split() == ["0", "colors_cnn", str(epochs)]
    assert run(["runs", "list", "--out", str(out), *columns, "--json", "--sort", "-seed"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [list(row) for row in rows] == [["seed", "name", "training.epochs"]] * 4
    assert [row["seed"] for row in rows] == [1, 1, 0, 0]
    assert run(["runs", "list", "--out", str(out), "--columns", "naem"]) == 2
    assert "unknown key 'naem'; did you mean name?" in capsys.readouterr().err


def test_a_comparison_with_these_columns_alone(out, capsys):
    command = ["compare", "colors_dnn", "colors_cnn", "--out", str(out), "--quiet", "--columns"]
    assert run([*command, "experiment,Test,95% CI,parameters", "--markdown"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [each.strip() for each in lines[0].strip("|").split("|")] == [
        "Experiment", "Test", "Test, 95% CI", "Parameters",
    ]  # fmt: skip
    assert [line.split("|")[1].strip() for line in lines[2:4]] == ["colors_dnn", "colors_cnn"]
    assert run([*command, "Test", "--latex"]) == 0
    assert "\\begin{tabular}{l}" in capsys.readouterr().out
    assert run([*command, "Tset"]) == 2
    assert capsys.readouterr().err == "unknown column 'Tset'; did you mean Test?\n"
    assert run([*command, "Test", "--json"]) == 2
    table = cnnlab.compare(["colors_dnn", "colors_cnn"], out=out)
    for name in COLUMN_NAMES:
        if name != "Folds":  # which only a comparison over folds has
            assert name in table.as_text(columns=[name])
    text = table.as_text()
    assert all(name in text for name in COLUMN_NAMES if name != "Folds")


def test_summaries_for_latex(capsys):
    assert run(["summary", "colors_cnn", "--latex"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("% colors_cnn: 28×28×3 → 6\n\\begin{tabular}{llrrrrrrr}\n\\toprule\n")
    assert " conv2d\\_2 & Conv2D 3$\\times$3 & 12$\\times$12$\\times$16 & 1,168 & 5.8 &" in out
    assert out.rstrip().endswith("\\end{tabular}")
    assert run(["summary", "colors_cnn", "colors_dnn", "--latex"]) == 0
    assert capsys.readouterr().out.count("\\begin{tabular}") == 2
    assert run(["summary", "--latex"]) == 0
    assert "cifar10\\_vgg &" in capsys.readouterr().out
    assert run(["summary", "colors_cnn", "--latex", "--csv"]) == 2
