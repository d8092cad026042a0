"""`cnnlab compare --vary`: what it trains, what it writes, what it refuses before it trains anything."""

import csv
import json
from pathlib import Path

import pytest

KEY = "training.optimizer.learning_rate"
VARY = ("--vary", f"{KEY}=0.01,0.001")
FILES = [f"vary-{KEY}.{kind}" for kind in ("csv", "json", "md", "png")]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("out")


@pytest.fixture(scope="module")
def compare(cnnlab, pair, data_dir, out):
    def call(*options):
        return cnnlab("compare", *pair, "--data-dir", data_dir, "--out", out, "--quiet", *options)

    return call


@pytest.fixture(scope="module")
def document(compare):
    result = compare("--seeds", "0,1", *VARY, "--json")
    assert result.code == 0, result.stderr
    return result.json


@pytest.fixture(scope="module")
def folder(document, out):
    return out / "comparisons" / "tiny_dnn-vs-tiny_cnn"


def test_json_contract(document, out, compare):
    assert document["keys"] == [KEY]
    assert document["values"] == [[0.01], [0.001]]
    assert document["p_holm"] == [
        min(1.0, 2 * comparison["pairs"][0]["sign_flip"]["p"]) for comparison in document["comparisons"]
    ]
    for comparison in document["comparisons"]:
        for each in comparison["experiments"]:
            [runs] = out.glob(f"{each['name']}-{each['digest'][:8]}")
            reached = [json.loads((runs / f"seed-{seed}" / "result.json").read_text()) for seed in (0, 1)]
            assert each["test_accuracy"]["values"] == [result["test_accuracy"] for result in reached]
    # 0.01 is what the configs have: the same runs as without --vary, and the same document.
    plain = compare("--seeds", "0,1", "--json")
    assert plain.json == document["comparisons"][0]


def test_files(document, folder):
    assert json.loads((folder / f"vary-{KEY}.json").read_text()) == document
    with (folder / f"vary-{KEY}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row[KEY], row["experiment"]) for row in rows] == [
        ("0.01", "tiny_dnn"), ("0.01", "tiny_cnn"), ("0.001", "tiny_dnn"), ("0.001", "tiny_cnn"),
    ]  # fmt: skip
    assert float(rows[1]["test_accuracy_mean"]) == pytest.approx(
        document["comparisons"][0]["experiments"][1]["test_accuracy"]["mean"]
    )
    assert "training steps" in (folder / f"vary-{KEY}.md").read_text()
    assert (folder / f"vary-{KEY}.png").read_bytes().startswith(b"\x89PNG")


def test_finished_runs_are_not_trained_again(compare, document, out):
    before = {path: path.stat().st_mtime_ns for path in out.glob("*/seed-*/result.json")}
    again = compare("--seeds", "0,1", *VARY, "--json")
    assert again.json == document
    assert {path: path.stat().st_mtime_ns for path in out.glob("*/seed-*/result.json")} == before


def test_a_terminal_sees_table_verdict_and_files(compare, document):
    lines = compare("--seeds", "0,1", *VARY).stdout.splitlines()
    assert lines[0].startswith("MNIST: test accuracy of tiny_dnn and tiny_cnn at 2 values of")
    assert lines[2].split()[:3] == [KEY, "tiny_dnn", "tiny_cnn"]
    assert lines[-1].endswith(", ".join(FILES))


@pytest.mark.parametrize(("option", "begins"), [("--markdown", "|"), ("--latex", "\\begin"), ("--csv", KEY)])
def test_other_notations(compare, document, option, begins):
    result = compare("--seeds", "0,1", *VARY, option)
    assert any(line.lstrip().startswith(begins) for line in result.stdout.splitlines())


def test_a_grid_draws_heat_maps(compare, document, folder):
    result = compare("--seeds", "0", *VARY, "--vary", "training.batch_size=32,64", "--json")
    assert result.code == 0, result.stderr
    assert result.json["values"] == [[0.01, 32], [0.01, 64], [0.001, 32], [0.001, 64]]
    name = f"vary-{KEY}-training.batch_size"
    assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_the_report_shows_it(cnnlab, pair, data_dir, out, document):
    report = cnnlab("report", *pair, "--seeds", "0,1", "--data-dir", data_dir, "--out", out, "--json")
    assert report.code == 0, report.stderr
    text = Path(report.json["report"]).read_text()
    assert f"Against {KEY}" in text
    options = ("--seeds", "0", "--set", f"{KEY}=0.001", "--data-dir", data_dir, "--out", out, "--json")
    other = cnnlab("report", *pair, *options)
    assert f"Against {KEY}" not in Path(other.json["report"]).read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dnn", "cnn", "--vary", "training.epochs"], "expected KEY=VALUE,VALUE,…"),
        (["dnn", "cnn", "--vary", "training.epochs=1"], "expected two or more values, found 1"),
        (["dnn", "cnn", "--vary", "training.epochs=1,1"], "expected different values, found 1 twice"),
        (["dnn", "cnn", "--vary", "training.epocs=1,2"], "did you mean"),
        (["dnn", "cnn", "--vary", "training.epochs=1,0"], "training.epochs"),
        (["dnn", "cnn", "--vary", "model.layers[0].filters=1,2"], "filters"),
        (["dnn", "cnn", "--vary", "training.epochs=1,2", "--set", "training.epochs=3"], "leave one out"),
        (["dnn", "cnn", "--vary", "training.epochs=1,2", "--vary", "training.epochs=3,4"], "given twice"),
        (["dnn", "cnn", "--vary", "training.epochs=1,2", "--equal-steps"], "--equal-steps: it changes"),
        (["dnn", "cnn", "--equal-steps"], "--equal-steps: expected vary as well"),
        (
            ["dnn", "cnn", "--vary", "training.epochs=1,2", "--match", "macs"],
            "--match: cannot be combined with --vary",
        ),
        (["dnn", "cnn", "--vary", "training.epochs=1,2", "--per-class"], "exclude each other"),
        (["dnn", "cnn", "--vary", "training.epochs=1,2", "--folds", "3"], "--folds: cannot be combined"),
        (["dnn", "cnn", "--vary", "training.epochs=1,2", "--until-settled"], "--until-settled: cannot be"),
        (
            ["dnn", "cnn", "--folds", "3", "--until-settled"],
            "--until-settled: cannot be combined with --folds",
        ),
        (["dnn", "cnn", "--folds", "3", "--margin", "1"], "--margin: cannot be combined with --folds"),
        (["dnn", "--vary", "training.epochs=1,2"], "expected two experiments, found 1"),
        (["dnn", "cnn", "lenet5", "--vary", "training.epochs=1,2"], "expected two experiments, found 3"),
        (
            ["dnn", "cnn", "--vary", "dataset.train_size=50,60001"],
            "--vary dataset.train_size: expected at most",
        ),
        (["xo_dnn", "colors_cnn", "--vary", "training.epochs=1,2"], "cannot compare"),
    ],
)
def test_refused_before_anything_trains(cnnlab, arguments, message, data_dir, tmp_path):
    result = cnnlab("compare", *arguments, "--data-dir", data_dir, "--out", tmp_path / "out")
    assert result.code == 2
    assert message in result.stderr.replace("\n   ", " ")
    assert not list((tmp_path / "out").glob("*"))


def test_a_finished_run_is_no_config(cnnlab, pair, out, data_dir, document):
    run = next(out.glob("tiny_cnn-*/seed-0"))
    result = cnnlab("compare", pair[0], run, *VARY, "--out", out, "--data-dir", data_dir)
    assert result.code == 2
    assert "expected an experiment, found a finished run; settings are changed in a config" in (
        result.stderr.replace("\n   ", " ")
    )


@pytest.mark.filterwarnings("ignore:.*test images are few")
def test_from_python(document, pair, data_dir, out):
    import cnnlab

    with pytest.warns(cnnlab.CnnlabWarning, match="not the official content"):
        study = cnnlab.compare(
            [str(path) for path in pair], seeds=[0, 1], vary={KEY: [0.01, 0.001]}, out=out, data_dir=data_dir
        )
    assert isinstance(study, cnnlab.Variation)
    assert json.loads(json.dumps(study.as_dict())) == document
    assert study.verdict == document["verdict"]
    assert len(study.runs) == 8
    assert list(study.table["experiment"]) == ["tiny_dnn", "tiny_cnn"] * 2
    assert study.figures["vary"].axes
    assert KEY in study._repr_html_()
