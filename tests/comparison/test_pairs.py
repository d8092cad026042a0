import json
from dataclasses import dataclass

import numpy as np
import pytest
import scipy.stats

from cnnlab.comparison import ExperimentRuns, compare, grouped
from cnnlab.errors import UserError
from cnnlab.run_folders.records import read_record


@dataclass
class Runs:
    """Two experiments on generated pictures, three seeds each."""

    comparison: object
    documents: dict

    def __init__(self, folder, make_run, seeds=(0, 1, 2)):
        paths = [make_run(folder, "colors_dnn", seed=seed, accuracy=0.75 + seed / 100) for seed in seeds]
        paths += [make_run(folder, "colors_cnn", seed=seed, accuracy=0.9) for seed in seeds]
        self.comparison = compare(grouped(read_record(path) for path in paths))
        self.document = json.loads(json.dumps(self.comparison.as_dict(), allow_nan=False))


@pytest.fixture(scope="module")
def runs(tmp_path_factory, make_run):
    return Runs(tmp_path_factory.mktemp("runs"), make_run)


def test_a_pair_is_a_minus_b_seed_by_seed(runs):
    (pair,) = runs.document["pairs"]
    assert (pair["a"], pair["b"], pair["direction"], pair["seeds"]) == (
        "colors_dnn", "colors_cnn", "a - b", [0, 1, 2],
    )  # fmt: skip
    dnn, cnn = (each["test_accuracy"]["values"] for each in runs.document["experiments"])
    differences = np.subtract(dnn, cnn)
    np.testing.assert_allclose(pair["difference"]["values"], differences)
    expected = scipy.stats.ttest_rel(dnn, cnn)
    np.testing.assert_allclose(pair["difference"]["ci95"], expected.confidence_interval(0.95))
    assert pair["sign_flip"] == {
        "p": 0.25, "method": "exact", "patterns": 8, "smallest_p": 0.25, "p_holm": 0.25, "pairs_compared": 1,
    }  # fmt: skip
    assert pair["power"]["seeds_to_settle"] == 6
    assert pair["power"]["more_seeds"] == 3


def test_mcnemar_is_that_of_the_predictions(runs):
    (pair,) = runs.document["pairs"]
    a, b = runs.comparison.experiments
    for seed in (0, 1, 2):
        of_a, of_b = (read_record(each.records[seed].path).predictions for each in (a, b))
        right_a, right_b = of_a.predicted == of_a.labels, of_b.predicted == of_b.labels
        only_a, only_b = int((right_a & ~right_b).sum()), int((~right_a & right_b).sum())
        p = scipy.stats.binomtest(only_a, only_a + only_b).pvalue
        assert pair["mcnemar"][seed] == {
            "only_a_right": only_a,
            "only_b_right": only_b,
            "p": pytest.approx(p),
        }
        assert pair["mcnemar_p"][seed] == pytest.approx(p)
    assert pair["mcnemar_majority_p"] == pytest.approx(1.5 * sorted(pair["mcnemar_p"])[1])


def test_classes_add_up_to_the_whole(runs):
    for outcome in runs.document["experiments"]:
        images = [each["images"] for each in outcome["classes"]]
        assert sum(images) == 1000
        shares = [each["accuracy"]["mean"] for each in outcome["classes"]]
        assert np.average(shares, weights=images) == pytest.approx(outcome["test_accuracy"]["mean"])
    (pair,) = runs.document["pairs"]
    assert [each["class"] for each in pair["classes"]] == [
        "red", "yellow", "green", "cyan", "blue", "purple",
    ]  # fmt: skip
    differences = [each["difference"]["mean"] for each in pair["classes"]]
    images = [each["images"] for each in pair["classes"]]
    assert np.average(differences, weights=images) == pytest.approx(pair["difference"]["mean"])


def test_without_predictions_there_is_no_mcnemar(experiment):
    """The records of these two point to no folder."""
    (pair,) = compare([experiment("dnn", (0.95, 0.96)), experiment("cnn", (0.97, 0.98))]).pairs
    assert pair.mcnemar == (None, None)
    assert pair.mcnemar_majority_p is None
    assert pair.classes is None
    assert pair.as_dict()["mcnemar_p"] == [None, None]


def test_only_common_seeds_are_paired(experiment):
    dnn = experiment("dnn", {0: 0.95, 1: 0.96, 4: 0.94})
    cnn = experiment("cnn", {1: 0.97, 4: 0.98, 7: 0.99})
    other = experiment("colors_cnn", {9: 0.5})
    (pair,) = compare([dnn, cnn, other]).pairs
    assert pair.seeds == (1, 4)
    np.testing.assert_allclose(pair.difference.values, [-0.01, -0.04])


def test_three_experiments_are_three_pairs_and_p_is_adjusted(experiment):
    a = experiment("cnn", [0.98, 0.981, 0.982, 0.983, 0.984, 0.985])
    b = experiment("dnn", [0.97, 0.972, 0.970, 0.974, 0.975, 0.972])
    c = experiment("colors_cnn", [0.979, 0.982, 0.983, 0.982, 0.985, 0.984])
    pairs = compare([a, b, c]).pairs
    assert [(pair.a.name, pair.b.name) for pair in pairs] == [
        ("cnn", "dnn"), ("cnn", "colors_cnn"), ("dnn", "colors_cnn"),
    ]  # fmt: skip
    assert [pair.sign_flip.p for pair in pairs] == [2 / 64, 1.0, 2 / 64]
    assert [pair.p for pair in pairs] == [6 / 64, 1.0, 6 / 64]
    assert {pair.pairs_compared for pair in pairs} == {3}


def test_predictions_of_other_images_are_refused(tmp_path, make_run, settle):
    paths = [make_run(tmp_path, name) for name in ("colors_dnn", "colors_cnn")]
    with np.load(paths[0] / "predictions.npz") as arrays:
        changed = dict(arrays) | {"labels": (arrays["labels"] + 1) % 6}
    np.savez(paths[0] / "predictions.npz", **changed)
    settle(paths[0])
    with pytest.raises(UserError, match=r"predictions\.npz files are of different test images"):
        compare([ExperimentRuns.of([read_record(path)]) for path in paths])


def test_broken_predictions_are_named(tmp_path, make_run, settle):
    path = make_run(tmp_path, "colors_cnn")
    (path / "predictions.npz").write_bytes(b"PK not really")
    settle(path)
    with pytest.raises(UserError) as caught:
        _ = read_record(path).predictions
    assert str(caught.value).startswith(f"{path}: this run is damaged: predictions.npz cannot be read (")
    assert str(caught.value).endswith("; train it again with --fresh, which keeps the old folder")
