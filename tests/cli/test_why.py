"""`cnnlab why`: what it trains, what it writes, what it refuses before it trains anything."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

RUNGS = ["dnn", "locally_connected", "cnn", "cnn_strided", "dnn_permuted", "cnn_permuted"]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("out")


@pytest.fixture(scope="module")
def why(cnnlab, pair, data_dir, out):
    def call(*options):
        return cnnlab("why", *pair, "--data-dir", data_dir, "--out", out, "--quiet", *options)

    return call


@pytest.fixture(scope="module")
def document(why):
    result = why(
        "--seeds", "0,1", "--rungs", "cnn_strided,locally_connected,dnn_permuted,cnn_permuted", "--json"
    )
    assert result.code == 0, result.stderr
    return result.json


@pytest.fixture(scope="module")
def folder(document, out):
    return out / "comparisons" / "why-tiny_dnn-vs-tiny_cnn"


def results_of(rung, out):
    """What the runs of a rung reached, read from their folders."""
    [folder] = out.glob(f"{rung['name']}-{rung['digest'][:8]}")
    return [json.loads((folder / f"seed-{seed}" / "result.json").read_text()) for seed in (0, 1)]


def test_json_contract(document, out):
    assert [rung["id"] for rung in document["rungs"]] == RUNGS
    assert (document["dataset"], document["dnn"], document["cnn"]) == ("mnist", "tiny_dnn", "tiny_cnn")
    assert document["seeds"] == [0, 1]
    by_id = {rung["id"]: rung for rung in document["rungs"]}
    for rung in document["rungs"]:
        results = results_of(rung, out)
        assert rung["test_accuracy"]["values"] == [result["test_accuracy"] for result in results]
        assert rung["params"] == results[0]["params"]
        assert rung["control"] == ("permuted" if rung["id"].endswith("_permuted") else None)
    steps = [(step["from"], step["to"]) for step in document["steps"]]
    assert steps == [
        ("dnn", "locally_connected"), ("locally_connected", "cnn"), ("cnn", "cnn_strided"),
        ("dnn", "dnn_permuted"), ("cnn", "cnn_permuted"),
    ]  # fmt: skip
    for step in document["steps"]:
        before, after = (np.array(by_id[step[end]]["test_accuracy"]["values"]) for end in ("from", "to"))
        np.testing.assert_allclose(step["difference"]["values"], after - before)
        if np.ptp(after - before) > 0:
            assert step["p"] == pytest.approx(stats.ttest_rel(after, before).pvalue)
        assert step["shown"] == (step["p_holm"] < 0.05)
    assert by_id["cnn_strided"]["params"] == by_id["cnn"]["params"]
    assert {"dnn_matched", "cnn_average"}.isdisjoint(document["left_out"])  # not wanted is not left out


def test_every_rung_was_tested_on_the_same_images(document, out):
    digests = set()
    for rung in document["rungs"]:
        [folder] = out.glob(f"{rung['name']}-*")
        environment = json.loads((folder / "seed-0" / "environment.json").read_text())
        digests.add(environment["dataset"]["test_digest"])
    assert len(digests) == 1


def test_unshifted_images_are_the_first_test_images(document, out):
    shifted = {(each["rung"], each["pixels"]): each["accuracy"] for each in document["shifted"]}
    assert {pixels for _, pixels in shifted} == {0, 1, 2, 3, 4}
    for rung in document["rungs"]:
        [folder] = out.glob(f"{rung['name']}-*")
        accuracies = []
        for seed in (0, 1):
            with np.load(folder / f"seed-{seed}" / "predictions.npz") as answers:
                accuracies.append(np.mean((answers["predicted"] == answers["labels"])[:1000]))
        assert shifted[rung["id"], 0] == pytest.approx(np.mean(accuracies), abs=0.02)


def test_files(document, folder):
    assert json.loads((folder / "why.json").read_text()) == document
    with (folder / "why.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["rung"] for row in rows] == RUNGS
    for row, rung in zip(rows, document["rungs"], strict=True):
        assert float(row["test_accuracy_mean"]) == pytest.approx(rung["test_accuracy"]["mean"])
    page = (folder / "why.md").read_text()
    assert document["verdict"].split(".")[0] in page.replace("\\", "")
    assert (folder / "why.png").read_bytes().startswith(b"\x89PNG")
    assert {path.stem for path in (folder / "configs").iterdir()} == set(RUNGS)


def test_a_rung_is_an_experiment_of_its_own(cnnlab, document, data_dir, out):
    for rung in document["rungs"]:
        result = cnnlab("train", rung["config"], "--seeds", "0", "--data-dir", data_dir, "--out", out)
        assert result.code == 0
        assert "already finished" in result.stderr + result.stdout


def test_nothing_is_trained_twice_and_the_report_tells_of_it(cnnlab, why, pair, document, data_dir, out):
    before = {path: path.stat().st_mtime_ns for path in out.glob("*/seed-*/result.json")}
    assert len(before) == 12
    again = why("--seeds", "0,1", "--rungs", ",".join(RUNGS), "--json")
    assert again.json == document
    assert {path: path.stat().st_mtime_ns for path in out.glob("*/seed-*/result.json")} == before
    report = cnnlab("report", *pair, "--seeds", "0,1", "--data-dir", data_dir, "--out", out, "--json")
    assert report.code == 0, report.stderr
    text = Path(report.json["report"]).read_text()
    assert 'id="why"' in text
    assert "locally_connected" in text
    assert "cnn_strided" in text


def test_a_terminal_sees_table_and_verdict(why, document):
    text = why("--seeds", "0,1", "--rungs", "cnn_strided").stdout
    lines = text.splitlines()
    assert lines[0].split()[:2] == ["Rung", "Parameters"]
    assert "tiny_cnn classifies" in text
    assert "why-tiny_dnn-vs-tiny_cnn" in lines[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cnn", "dnn"], "cnn: expected a network without convolutions first"),
        (["dnn", "dnn_60000"], "dnn_60000: expected a network with convolutions second"),
        (["dnn", "fashion_cnn"], "expected the same data"),
        (["dnn"], "Missing argument 'CNN'"),
        (["dnn", "cnn", "fashion_cnn"], "unexpected extra argument"),
        (["dnn", "cnn", "--rungs", "cnn_stride"], "unknown rung 'cnn_stride'; did you mean cnn_strided?"),
        (["dnn", "cnn", "--rungs", "dnn_recipe"], "dnn_recipe does not apply"),
        (["dnn", "cnn", "--rungs", ","], "expected at least one rung"),
        (["dnn", "cnn", "--seeds", "0", "--workers", "0"], "expected 1 or more"),
        (["dnn", "cnn", "--json", "--markdown"], "exclude each other"),
    ],
)
def test_refused_before_anything_trains(cnnlab, arguments, message, tmp_path):
    result = cnnlab("why", *arguments, "--out", tmp_path / "out")
    assert result.code == 2
    assert message in result.stderr.replace("\n   ", " ")
    assert not list((tmp_path / "out").glob("*"))


def test_a_finished_run_is_no_config(cnnlab, why, document, pair, out, data_dir):
    run = next(out.glob("tiny_cnn-*/seed-0"))
    result = cnnlab("why", pair[0], run, "--out", out, "--data-dir", data_dir)
    assert result.code == 2
    assert "expected an experiment, found a finished run" in result.stderr
    assert "config.yaml" in result.stderr


def test_a_model_that_is_gone_costs_its_shifted_images_only(why, document, out):
    [folder] = out.glob("tiny_cnn_strided-*")
    (folder / "seed-1" / "model.keras").unlink()
    result = why(
        "--seeds", "0,1", "--rungs", "cnn_strided,locally_connected,dnn_permuted,cnn_permuted", "--json"
    )
    assert result.code == 0, result.stderr
    assert "not evaluated on shifted images" in result.stderr
    assert result.json["steps"] == document["steps"]
    assert "cnn_strided" in {each["rung"] for each in result.json["shifted"]}
