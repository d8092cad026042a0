"""`cnnlab compare --until-settled` and `--margin` on finished runs, as a user calls them."""

import json

import pytest

import cnnlab
from cnnlab.cli import run

NAMES = ("colors_dnn", "colors_cnn")


@pytest.fixture(scope="module")
def out(tmp_path_factory, make_run):
    """cnn is 2 points better, and worse with one seed only: settled by the look after eight."""
    folder = tmp_path_factory.mktemp("experiments")
    for seed, better in enumerate([20, 18, 22, -17, 21, 19, 20, 22, 0]):
        make_run(folder, "colors_dnn", seed=seed, accuracy=0.9)
        make_run(folder, "colors_cnn", seed=seed, accuracy=0.9 + better / 1000)
    return folder


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    monkeypatch.setattr("cnnlab.studies.writing.pictures", lambda comparison, answers: {})


@pytest.fixture
def call(out, capsys):
    def compare(*arguments, code=0, names=NAMES, command="compare"):
        assert run([command, *names, "--out", str(out), *arguments]) == code
        streams = capsys.readouterr()
        return streams if code == 0 else streams.err.strip()

    return compare


def test_until_settled(call, out):
    document = json.loads(call("--until-settled", "--json").out)
    (pair,) = document["pairs"]
    assert pair["stopping"]["stopped_by"] == "difference"
    assert pair["stopping"]["seeds_used"] == list(range(8))
    seeds = [each["seeds"] for each in document["experiments"]]
    assert seeds == [list(range(8))] * 2  # the ninth is not used
    assert "equivalence" not in pair
    assert "Settled after 8 seeds: the difference is" in pair["verdict"]
    assert pair["verdict"] in call("--until-settled").out
    page = (out / "comparisons" / "colors_dnn-vs-colors_cnn" / "table.md").read_text(encoding="utf-8")
    assert "Settled after 8 seeds" in page


def test_the_same_from_python(call, out):
    compared = cnnlab.compare(NAMES, until_settled=True, max_seeds=8, margin=0.5, out=out)
    document = json.loads(call("--until-settled", "--max-seeds", "8", "--margin", "0.5", "--json").out)
    assert compared.as_dict() == document
    (pair,) = document["pairs"]
    assert (pair["stopping"]["max_seeds"], pair["stopping"]["looks"]) == (8, [6, 8])
    assert (pair["equivalence"]["margin"], pair["equivalence"]["shown"]) == (0.005, False)


def test_the_report_has_rule_and_looks(call, out):
    call("--until-settled", "--margin", "1", command="report")
    page = (out / "comparisons" / "colors_dnn-vs-colors_cnn" / "report.html").read_text(encoding="utf-8")
    for text in (
        "<dt>Group-sequential sign-flip test</dt><dd>p = 0.039, at most 5% over all looks</dd>",
        "<dt>Planned looks</dt><dd>after 6, 8, 10, 12, 15, 20, 25, 30 seeds; taken: 6, 8</dd>",
        "<dt>Stopped by</dt><dd>a significant difference</dd>",
        "<dt>Equal within 1 point</dt><dd>not shown: p = ",
    ):
        assert text in page
    assert "<dt>Sign-flip test</dt>" not in page


def test_a_margin_alone_tests_the_seeds_that_there_are(call):
    (pair,) = json.loads(call("--margin", "5", "--seeds", "0-5", "--json").out)["pairs"]
    assert "stopping" not in pair
    assert pair["equivalence"]["shown"] is True
    assert "They are equal within 5 points (two one-sided t tests, p = " in pair["verdict"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ["--margin", value],
            "--margin: expected percentage points, more than 0 and less than 100, found " + str(float(value)),
            id=f"margin-{value}",
        )
        for value in ("0", "-0.5", "100", "nan")
    ]
    + [
        pytest.param(["--max-seeds", "10"], "--max-seeds needs --until-settled", id="max-seeds-alone"),
        pytest.param(
            ["--until-settled", "--seeds", "0-5"],
            "--until-settled adds seeds from 0 on until the question is settled; leave out --seeds",
            id="seeds",
        ),
        pytest.param(
            ["--until-settled", "--max-seeds", "5"],
            "--max-seeds 5: expected 6 or more for 2 experiments, because fewer seeds cannot show a "
            "significant difference",
            id="fewer-than-the-first-look",
        ),
        pytest.param(
            ["--until-settled", "--max-seeds", "1001"],
            "--max-seeds: expected a whole number from 1 to 1,000, found 1001",
            id="too-many",
        ),
    ],
)  # fmt: skip
def test_what_is_refused(call, arguments, message):
    assert call(*arguments, code=2) == message


def test_finished_runs_cannot_be_trained_further(call, out):
    [folder] = out.glob("colors_cnn-????????")
    assert call("--until-settled", names=("colors_dnn", str(folder)), code=2) == (
        f"--until-settled: {folder / 'seed-0'} is a finished run, and more seeds have to be trained; give "
        "the config instead"
    )
