"""A study whose runs fail, and a why.json that is none."""

import json
from types import SimpleNamespace

import pytest

from cnnlab.config.experiment import load_config
from cnnlab.errors import CnnlabError
from cnnlab.ladder import study as room
from cnnlab.ladder.rungs import derive
from cnnlab.ladder.sentences import verdict
from cnnlab.ladder.study import carry_out
from cnnlab.ladder.writing import read_study, study_document, study_path, write_configs
from cnnlab.run_outcomes import RunsFailed

RUNGS = ["locally_connected", "cnn_strided", "cnn_activation"]


@pytest.fixture
def ladder():
    return derive(load_config("dnn"), load_config("cnn"), wanted=RUNGS)


@pytest.fixture
def carried_out(ladder, outcome, monkeypatch):
    """The study of runs of which those in `broken`, by name and seed, diverge."""
    means = {
        "dnn": 0.96,
        "cnn_locally_connected": 0.975,
        "cnn": 0.98,
        "cnn_strided": 0.95,
        "cnn_activation": 0.98,
    }

    def reached(runs, label):
        return outcome(*(means[runs.name] + seed / 1000 for seed in runs.seeds), seeds=runs.seeds)

    def call(broken):
        def finished(configs):
            ran = [each for each in configs if (each.name, each.seed) not in broken]
            records = [SimpleNamespace(name=each.name, config=each, seed=each.seed) for each in ran]
            error = CnnlabError("training diverged: the loss is nan\nin epoch 1")
            if failures := [(each, error) for each in configs if each not in ran]:
                raise RunsFailed(records, failures)
            return records

        monkeypatch.setattr(room, "outcome_of", reached)
        monkeypatch.setattr(room, "_shifted", lambda ladder, outcomes, jobs: [])
        return carry_out(ladder, seeds=range(3), jobs=SimpleNamespace(finished=finished))

    return call


def test_a_rung_that_diverges_is_reported_and_the_others_are_kept(carried_out):
    study = carried_out({("cnn_activation", seed) for seed in range(3)})
    assert [rung.id for rung in study.rungs] == ["dnn", "locally_connected", "cnn", "cnn_strided"]
    assert study.left_out == {"cnn_activation": "failed: training diverged: the loss is nan"}
    assert "cnn_activation failed with seeds 0-2; it is left out." in verdict(study)
    assert [step.end for step in study.steps] == ["locally_connected", "cnn", "cnn_strided"]


def test_a_seed_that_diverges_leaves_the_other_seeds(carried_out):
    study = carried_out({("cnn_strided", 1)})
    [step] = [step for step in study.steps if step.end == "cnn_strided"]
    assert step.seeds == (0, 2)
    assert study.left_out == {}
    assert "cnn_strided failed with seed 1; its other seeds count." in verdict(study)


def test_a_failed_rung_of_the_waterfall_is_stepped_over_with_its_ingredients(carried_out, tmp_path):
    study = carried_out({("cnn_locally_connected", seed) for seed in range(3)})
    step = study.steps[0]
    assert (step.start, step.end) == ("dnn", "cnn")
    assert step.ingredient == "layer sizes, pooling, locality and weight sharing"
    [rung] = [each for each in study_document(study, tmp_path)["rungs"] if each["id"] == "cnn"]
    assert rung["parent"] == "dnn"
    assert "LocallyConnected2D" not in json.dumps(rung["changes"])


def test_without_one_of_the_two_networks_there_is_no_study(carried_out):
    with pytest.raises(RunsFailed, match="3 of 15 runs failed"):
        carried_out({("cnn", seed) for seed in range(3)})


def test_the_verdict_claims_only_what_is_shown(carried_out):
    text = verdict(carried_out(set()))
    assert text.startswith(
        "cnn classifies 98.10% of the test images correctly and dnn 96.10%, on average over 3 seeds (0-2)."
    )
    assert "+1.50 points" in text
    assert "As Dense layers, the convolutions of cnn would have 38,833,800 parameters" in text
    assert "The 3 seeds do not support a claim about" in text  # all differences are equal: signs alone count


def test_the_configs_of_other_rungs_stay(ladder, tmp_path):
    write_configs(ladder, tmp_path)
    folder = study_path(ladder, tmp_path) / "configs"
    assert {path.stem for path in folder.iterdir()} == {rung.id for rung in ladder.rungs}
    strided = load_config(str(folder / "cnn_strided.yaml"))
    assert (strided.name, strided.digest) == ("cnn_strided", ladder.by_id["cnn_strided"].config.digest)
    (folder / "mine.yaml").write_text("name: mine", encoding="utf-8")
    write_configs(derive(ladder.dnn, ladder.cnn, wanted=["cnn_average"]), tmp_path)
    assert {path.stem for path in folder.iterdir()} == {
        "mine",
        "cnn_average",
        *(rung.id for rung in ladder.rungs),
    }


def test_a_study_is_read_back_for_the_same_two_experiments_only(carried_out, ladder, tmp_path):
    document = study_document(carried_out(set()), tmp_path)
    path = study_path(ladder, tmp_path) / "why.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(document), encoding="utf-8")
    digests = {"cnn": ladder.cnn.digest, "dnn": ladder.dnn.digest}
    found = read_study(digests, tmp_path)
    assert found is not None
    assert found["verdict"] == document["verdict"]
    assert json.dumps(found) == json.dumps(document)
    assert read_study(digests | {"cnn": "0" * 64}, tmp_path) is None
    assert read_study({"dnn": ladder.dnn.digest}, tmp_path) is None
    for damaged in ('{"dnn": "dnn"}', "[]", "{", json.dumps(document | {"rungs": [1]})):
        path.write_text(damaged, encoding="utf-8")
        assert read_study(digests, tmp_path) is None
