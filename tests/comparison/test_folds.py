"""`cnnlab compare --folds`: on runs that never ran, and once on a folder of 2 × 40 pictures, trained."""

import json

import numpy as np
import pytest
import scipy.stats
from PIL import Image

import cnnlab
from cnnlab.cli import run
from cnnlab.comparison.corrected import corrected_p
from cnnlab.run_folders.records import read_record

FOLDS = 3


@pytest.fixture(scope="module")
def out(tmp_path_factory, make_run):
    folder = tmp_path_factory.mktemp("experiments")
    for experiment, accuracy in (("colors_dnn", 0.8), ("colors_cnn", 0.85), ("colors_cnn_minimal", 0.75)):
        for seed in (0, 1):
            for fold in range(FOLDS):
                reached = accuracy + seed / 200 - fold / 100 * (experiment == "colors_dnn")
                changes = [f"dataset.fold={{of: {FOLDS}, index: {fold}}}"]
                make_run(folder, experiment, seed=seed, accuracy=reached, changes=changes)
    return folder


@pytest.fixture(scope="module")
def compared(out):
    return cnnlab.compare(["colors_dnn", "colors_cnn"], folds=FOLDS, out=out)


def records(comparison, place):
    return comparison._compared.comparison.experiments[place].records


def test_all_seeds_and_folds_that_are_finished_are_compared(compared, out):
    document = compared.as_dict()
    assert document["folds"] == FOLDS
    assert document["dataset_title"] == "Colors, 3 folds"
    for place, experiment in enumerate(document["experiments"]):
        assert (experiment["seeds"], experiment["folds"]) == ([0, 1], FOLDS)
        runs = records(compared, place)
        assert [(each.seed, each.config.fold) for each in runs] == [
            (seed, fold) for seed in (0, 1) for fold in range(FOLDS)
        ]
        assert experiment["test_accuracy"]["values"] == [each.result.test_accuracy for each in runs]
        assert experiment["digest"] == cnnlab.load(experiment["name"]).digest
    assert len(compared.runs) == 12


def test_a_pair_has_the_corrected_interval_and_p(compared):
    (pair,) = compared.as_dict()["pairs"]
    dnn, cnn = (each["test_accuracy"]["values"] for each in compared.as_dict()["experiments"])
    by_fold = np.subtract(dnn, cnn).reshape(2, FOLDS).mean(axis=0)
    error = by_fold.std(ddof=1) * np.sqrt(1 / FOLDS + 1 / (FOLDS - 1))
    difference = pair["difference"]
    np.testing.assert_allclose(difference["values"], np.subtract(dnn, cnn))
    np.testing.assert_allclose(difference["ci95"], scipy.stats.t.interval(0.95, 2, by_fold.mean(), error))
    assert difference["p_corrected"] == pytest.approx(2 * scipy.stats.t.sf(abs(by_fold.mean()) / error, 2))
    assert difference["p_corrected_holm"] == difference["p_corrected"]
    assert pair["sign_flip"] is None
    assert pair["power"]["smallest_visible_difference"] is None


def test_every_image_is_answered_once_by_a_network_that_was_not_trained_on_it(compared):
    (pair,) = compared.as_dict()["pairs"]
    for seed in (0, 1):
        right = []
        for place in (0, 1):
            found = [each.predictions for each in records(compared, place) if each.seed == seed]
            right.append(np.concatenate([each.predicted == each.labels for each in found]))
        only_a, only_b = int((right[0] & ~right[1]).sum()), int((~right[0] & right[1]).sum())
        assert len(right[0]) == 5000
        assert pair["mcnemar"][seed] == {
            "only_a_right": only_a,
            "only_b_right": only_b,
            "p": pytest.approx(scipy.stats.binomtest(only_a, only_a + only_b).pvalue),
        }
    images = compared.as_dict()["experiments"][0]["classes"]
    assert sum(each["images"] for each in images) == 5000
    assert all(len(each["accuracy"]["values"]) == 2 for each in images)
    low, high = pair["test_images_ci95"]
    assert low < pair["difference"]["mean"] < high < 0


def test_three_experiments_are_adjusted_for_by_holm(out):
    experiments = ["colors_dnn", "colors_cnn", "colors_cnn_minimal"]
    comparison = cnnlab.compare(experiments, folds=FOLDS, out=out)
    pairs = comparison.as_dict()["pairs"]
    raw = [each["difference"]["p_corrected"] for each in pairs]
    adjusted = [each["difference"]["p_corrected_holm"] for each in pairs]
    assert raw == [corrected_p(each["difference"]["values"], FOLDS) for each in pairs]
    assert min(adjusted) == pytest.approx(3 * min(raw))
    assert all(each["difference"]["pairs_compared"] == 3 for each in pairs)
    assert "adjusted for 3 pairs" in comparison.verdict


def test_the_verdict_speaks_of_folds(compared):
    text = compared.verdict
    assert "colors_cnn outperforms colors_dnn in 6 of 6 runs (2 seeds × 3 folds), by 5.99 percentage" in text
    assert ", corrected for overlapping training images)" in text
    assert "statistically significant across folds (corrected resampled t test over 3 folds, p = " in text
    assert (
        "Other test images would show the difference, too (95% interval of colors_dnn − colors_cnn, "
        "bootstrap "
        "over the images: −" in text
    )
    experiments = ["colors_dnn", "colors_cnn"]
    one = cnnlab.compare(experiments, folds=FOLDS, seeds=0, out=compared._out).verdict
    assert "in 3 of 3 folds" in one
    assert "Each image is tested once, by networks that were not trained on it: " in one
    assert "One seed cannot tell" not in one


def test_tables_have_seeds_and_folds(compared, out, capsys, monkeypatch):
    monkeypatch.setattr("cnnlab.studies.writing.pictures", lambda comparison, answers: {})
    arguments = ["compare", "colors_dnn", "colors_cnn", "--folds", str(FOLDS)]
    arguments += ["--out", str(out)]
    assert run(arguments) == 0
    text = capsys.readouterr().out
    assert "mean ± standard deviation over the seeds and folds" in text
    rows = [line.split() for line in text.splitlines() if line.startswith("colors_dnn − colors_cnn")]
    assert [row[3:4] for row in rows] == [["0"], ["1"]]
    assert rows[0][4] == "−4.98"  # of the 1,667 images of fold 0
    assert "Fold 2" in text
    for style in ("markdown", "latex"):
        assert "Fold 2" in compared.as_text(style)
    assert list(compared.table.columns[:3]) == ["experiment", "seeds", "folds"]
    page = (out / "comparisons" / "colors_dnn-vs-colors_cnn" / "table.md").read_text()
    assert "Test accuracy seed by seed and fold by fold" in page


def test_pictures_and_page_show_all_runs(compared, tmp_path):
    figure = compared.figures["accuracy"]
    assert max(len(line.get_xdata()) for line in figure.axes[1].lines) == 2 * FOLDS
    assert figure.axes[1].get_title(loc="left").startswith("Seeds and folds")
    assert compared.figures["confusion"] is not None
    page = compared.report(tmp_path / "page.html").read_text()
    assert 'data-seed="1, fold 2"' in page
    assert "Corrected resampled t test" in page
    assert "Sign-flip test" not in page
    assert page.count("Bouckaert") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--folds", "1"], "--folds: expected 2 or more, found 1"),
        (["--folds", "0"], "--folds: expected 2 or more, found 0"),
        (["--folds", "-3"], "--folds: expected 2 or more, found -3"),
        (["--folds", "2.5"], "--folds"),
        (["--folds", "6000"], "fewer than the 6000 folds"),
        (["--folds", "4", "--set", "dataset.train_size=4000"], "expected at most 3750 training images"),
        (["--folds", "3", "--set", "dataset=cifar100"], "cifar100"),
    ],
)
def test_impossible_numbers_of_folds_are_refused_before_anything_is_trained(
    arguments, message, tmp_path, capsys
):
    assert run(["compare", "colors_dnn", "colors_cnn", "--out", str(tmp_path), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_other_folds_are_other_images(tmp_path):
    """Both experiments must see the same folds."""
    cnn = cnnlab.load("colors_cnn", {"dataset.seed": 3})
    with pytest.raises(cnnlab.UserError, match=r"the same dataset\.seed, which draws the folds"):
        cnnlab.compare(["colors_dnn", cnn], folds=3, out=tmp_path)


def test_finished_runs_have_their_folds_already(out):
    path = read_record(next(out.glob("colors_cnn-*/seed-0"))).path
    with pytest.raises(cnnlab.UserError, match=r"--folds: .* is a finished run; give the config instead"):
        cnnlab.compare(["colors_dnn", path], folds=3, out=out)


class Stopped(Exception):
    """Raised by a callback in the middle."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Two classes of forty pictures; the last ten of each are copies."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("own") / "photos"
    for is_bar, name in enumerate(("block", "bar")):
        (folder / name).mkdir(parents=True)
        for index in range(40):
            image = rng.integers(0, 120, (10, 10))
            top, left = rng.integers(1, 6, 2)
            image[top : top + 3, slice(None) if is_bar else slice(left, left + 3)] += 100
            source = folder / name / f"{index - 10:02}.png"
            target = folder / name / f"{index:02}.png"
            if index < 30:
                Image.fromarray(image.astype(np.uint8)).save(target)
            else:
                target.write_bytes(source.read_bytes())
    return folder


@pytest.mark.filterwarnings("ignore:own_:cnnlab.errors.CnnlabWarning")  # three epochs teach them little
def test_a_folder_of_eighty_pictures(photos, backend):
    """Trained fold by fold, interrupted, and gone on with; each run is one that `train` finds alone."""
    last = {"Dense": {"units": 2, "activation": "softmax"}}
    common = {
        "dataset": {"folder": str(photos), "color_mode": "grayscale"},
        "training": {"epochs": 3, "batch_size": 8, "optimizer": {"learning_rate": 0.01}},
    }
    dnn = {"name": "own_dnn", **common, "model": {"layers": ["Flatten", last]}}
    convolution = {"Conv2D": {"filters": 4, "kernel_size": 3, "activation": "relu"}}
    cnn = {"name": "own_cnn", **common, "model": {"layers": [convolution, "GlobalMaxPooling2D", last]}}
    out = photos.parent / "experiments"
    told = []

    def stop(progress):
        told.append(progress)
        if [each.event for each in told].count("finished") == 2:
            raise Stopped

    with pytest.raises(Stopped):
        cnnlab.compare([dnn, cnn], folds=2, out=out, progress=stop)
    again = []
    comparison = cnnlab.compare([dnn, cnn], folds=2, out=out, progress=again.append)
    finished = [(each.experiment, each.fold) for each in again if each.event == "finished"]
    reused = [(each.experiment, each.fold) for each in again if each.event == "reused"]
    assert reused == [("own_dnn", 0), ("own_dnn", 1)]
    assert finished == [("own_cnn", 0), ("own_cnn", 1)]
    tested = [each.predictions.labels for each in comparison.runs[:2]]
    assert [len(each) for each in tested] == [40, 40]
    (pair,) = comparison.as_dict()["pairs"]
    assert len(pair["difference"]["values"]) == 2
    first = comparison.runs[2]
    assert first.environment["dataset"]["fold"] == {"of": 2, "index": 0}
    (alone,) = cnnlab.train(cnn, set={"dataset.fold": {"of": 2, "index": 0}}, out=out)
    assert alone == first
    saved = comparison.save()
    assert json.loads((saved / "comparison.json").read_text()) == json.loads(json.dumps(comparison.as_dict()))
    assert (saved / "only_one_right.png").is_file()
    dog = {**cnn, "name": "other"}
    with pytest.raises(cnnlab.UserError, match="class 'bar' has 40 training images of 30 different pictures"):
        cnnlab.compare([dnn, dog], folds=31, out=out)
