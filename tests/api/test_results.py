"""Runs found again, compared, explained, and asked about images."""

import json

import numpy as np
import pytest
from PIL import Image

import cnnlab
from cnnlab.cli import run as command


def test_runs_are_found(runs, out):
    assert cnnlab.runs(out=out) == sorted(runs, key=lambda run: (run.name, run.seed))
    best = cnnlab.runs(where="test_accuracy > 0", sort="-test_accuracy", limit=1, out=out)
    assert best[0].result.test_accuracy == max(run.result.test_accuracy for run in runs)
    assert [run.seed for run in cnnlab.runs("colors_cnn", where="training.epochs = 1", out=out)] == [0, 1]
    assert cnnlab.runs(out=out / "nowhere") == []
    table = cnnlab.runs(out=out).table
    assert list(table["state"]) == ["finished"] * 4
    assert "colors_dnn" in cnnlab.runs(out=out)._repr_html_()


def test_a_run_that_goes_while_it_is_listed(runs, out, monkeypatch):
    """Removed, or trained afresh, by another process: it is not in the list, and nothing fails."""
    from cnnlab.run_folders import listing

    def select_all(*arguments, **options):
        rows, unreadable = real(*arguments, **options)
        return [*rows, {"path": str(out / "gone-01234567" / "seed-0")}], unreadable

    before, real = cnnlab.runs(out=out), listing.select
    monkeypatch.setattr(listing, "select", select_all)
    assert cnnlab.runs(out=out) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"where": "accurcy > 1"}, "unknown key"),
        ({"names": "colors"}, "did you mean colors_"),
        ({"sort": "accurcy"}, "unknown key 'accurcy'"),
        ({"limit": "3"}, "limit: expected 1 or more, found '3'"),
        ({"where": 3}, "where: expected a condition as text, found 3"),
        ({"names": [3]}, "names: expected names of experiments, found 3"),
        ({"limit": 0}, "limit: expected 1 or more, found 0"),
    ],
)
def test_runs_that_cannot_be_found(runs, out, arguments, message):
    with pytest.raises(cnnlab.UserError, match=message):
        cnnlab.runs(out=out, **arguments)


def test_a_comparison_equals_the_command_lines(runs, experiments, out, capsys):
    comparison = cnnlab.compare(experiments, seeds=range(2), out=out)
    folders = [
        str(experiment_folder) for experiment_folder in dict.fromkeys(run.folder.parent for run in runs)
    ]
    assert command(["compare", *folders, "--json", "--out", str(out)]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(comparison.as_dict()))
    assert cnnlab.compare(runs, out=out).as_dict() == comparison.as_dict()
    assert comparison.verdict.startswith("colors_")
    assert comparison.runs == runs
    assert list(comparison.table["experiment"]) == ["colors_dnn", "colors_cnn"]
    assert comparison.verdict in str(comparison)
    assert "<table" in comparison._repr_html_()


def test_figures_are_drawn_when_they_are_looked_at(runs, out, monkeypatch):
    from cnnlab.studies import pictures

    drawn = []
    curves = pictures.overlaid_curves
    monkeypatch.setattr(
        pictures, "overlaid_curves", lambda *given, **named: drawn.append(1) or curves(*given, **named)
    )
    figures = cnnlab.compare(runs, out=out).figures
    assert {"curves", "accuracy", "confusion", "images"} <= set(figures)
    assert drawn == []
    assert figures["curves"]._repr_png_().startswith(b"\x89PNG")
    assert drawn == [1]


def test_nothing_is_written_before_it_is_asked(runs, tmp_path):
    comparison = cnnlab.compare(runs, out=tmp_path / "experiments")
    assert not any(tmp_path.iterdir())
    assert comparison.report(tmp_path / "page.html") == tmp_path / "page.html"
    assert "<html" in (tmp_path / "page.html").read_text(encoding="utf-8")
    folder = comparison.save()
    assert folder == tmp_path / "experiments" / "comparisons" / "colors_dnn-vs-colors_cnn"
    assert {"table.csv", "table.md", "comparison.json", "curves.png"} <= {
        path.name for path in folder.iterdir()
    }


@pytest.mark.parametrize(
    ("experiments", "options", "message"),
    [
        (["colors_dnn"], {}, "expected two or more different experiments, found colors_dnn"),
        ("colors_dnn", {}, "expected two or more experiments, found one"),
        (["colors_dnn", "mnist_4_6"], {"resize": "colors_dnn"}, "--resize needs --match"),
        (["colors_dnn", "colours_cnn"], {}, "unknown experiment 'colours_cnn'; did you mean colors_cnn?"),
    ],
)
def test_what_cannot_be_compared(tmp_path, experiments, options, message):
    with pytest.raises(cnnlab.UserError) as caught:
        cnnlab.compare(experiments, out=tmp_path, **options)
    assert message in str(caught.value)


def test_options_of_training_need_something_to_train(runs, out):
    for seeds in (0, np.arange(2), range(2), "0-1"):
        with pytest.raises(cnnlab.UserError, match=r"^--seeds, --fresh: these are finished runs"):
            cnnlab.compare(runs, seeds=seeds, fresh=True, out=out)


def test_lists_of_runs_stay_tables(runs):
    assert list(runs[:2].table["name"]) == ["colors_dnn", "colors_dnn"]
    assert len((runs[:1] + runs[2:]).table) == 3
    assert [each.name for each in cnnlab.summary(["dnn", "cnn"])[1:]] == ["cnn"]
    assert cnnlab.summary(runs[0]).name == "colors_dnn"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda run: run.predict(3), "images: expected paths, bytes or pixels, found 3"),
        (lambda run: run.differences("there"), "expected a Run, found 'there'"),
        (lambda run: run.explain("saliency", out="there"), "unknown option 'out'"),
        (
            lambda run: cnnlab.explain("saliency", None),
            "expected a run, an experiment's name or",
        ),
        (lambda run: cnnlab.explain("saliency", run, pixels=3), "pixels: expected two numbers, found 3"),
        (lambda run: cnnlab.compare([run], match="foo"), "match=foo: known: parameters, macs, seconds"),
        (lambda run: cnnlab.compare(None), "expected two or more experiments, found None"),
        (
            lambda run: cnnlab.train(5),
            "expected an experiment's name, a path",
        ),
        (lambda run: cnnlab.train("dnn", out=5), "out: expected a path, found 5"),
    ],
)
def test_mistakes_are_user_errors(runs, call, message):
    with pytest.raises(cnnlab.UserError) as caught:
        call(runs[2])
    assert message in str(caught.value)


def test_an_image_takes_the_same_way_as_a_file(runs, tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, 30, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "image.png")
    from_file, from_bytes, from_array = (
        cnnlab.predict(runs[2], image)
        for image in (tmp_path / "image.png", (tmp_path / "image.png").read_bytes(), pixels)
    )
    np.testing.assert_array_equal(from_file.probabilities, from_array.probabilities)
    np.testing.assert_array_equal(from_file.probabilities, from_bytes.probabilities)
    assert from_array[0].notes == ("cropped and resized from 30×40 to 28×28 (width × height)",)
    assert from_array.probabilities.sum(axis=1) == pytest.approx(1)
    assert list(from_array.table.columns[:3]) == ["image", "class", "probability"]
    assert runs[2].predict([pixels, pixels]).probabilities.shape == (2, 6)


def test_images_that_cannot_be_used_are_warned_of(runs, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"nothing")
    good = np.zeros((28, 28, 3), np.uint8)
    with pytest.warns(cnnlab.CnnlabWarning, match="bad.png: expected an image"):
        answers = cnnlab.predict(runs[2], [tmp_path / "bad.png", good])
    assert len(answers) == len(answers.failures) == 1
    with pytest.raises(cnnlab.UserError, match="expected paths, bytes, or uint8 pixels"):
        cnnlab.predict(runs[2], np.zeros((3, 3)))


def test_an_explanation(runs):
    saliency = runs[2].explain("saliency", image=[0, 18], method="gradient")
    assert saliency.arrays["gradient"].shape == (2, 28, 28)
    assert saliency.options["image"] == [0, 18]
    assert '<img src="data:image/png;base64,' in saliency._repr_html_()
    assert saliency.folder == runs[2].folder / "explain"
    assert (
        cnnlab.explain("saliency", runs[2].folder, image=[0, 18], method="gradient").as_dict()
        == saliency.as_dict()
    )
    with pytest.raises(cnnlab.UserError, match="unknown technique 'salience'; did you mean saliency"):
        runs[2].explain("salience")
    with pytest.raises(cnnlab.UserError, match="unknown option 'images'; did you mean image"):
        runs[2].explain("saliency", images=[0])
    invariance = cnnlab.explain("invariance", runs, images=20)
    assert set(invariance.facts["accuracies"]["shift"]) == {"colors_dnn", "colors_cnn"}
