"""`--dataset-of EXPERIMENT`: what a run knows of its images, for a .keras file that knows nothing."""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose
from PIL import Image

from cnnlab.cli import run
from cnnlab.config.experiment import load_config
from cnnlab.datasets import DataPaths, load_dataset

CONFIG = """
dataset: {{name: xo, train_size: 60, validation_size: 20, test_count: 40{more}}}
model:
  layers:
    - Conv2D: {{filters: 4, kernel_size: 3, activation: relu}}
    - Flatten
    - Dense: {{units: 8, activation: relu}}
    - Dense: {{units: 2, activation: softmax}}
training: {{epochs: 1}}
"""


@pytest.fixture(scope="module")
def out(tmp_path_factory, backend):
    """A run, and a copy of its model elsewhere."""
    folder = tmp_path_factory.mktemp("runs")
    for name, more in {"small": "", "centred": ", standardize: true"}.items():
        (folder / f"{name}.yaml").write_text(CONFIG.format(more=more), encoding="utf-8")
    assert run(["train", str(folder / "small.yaml"), "--out", str(folder), "--quiet"]) == 0
    (model,) = folder.glob("small-*/seed-0/model.keras")
    shutil.copy(model, folder / "alone.keras")
    return folder


@pytest.fixture
def explain(out, capsys, monkeypatch):
    """Run `cnnlab explain` where the files are; returns the document and the arrays."""
    monkeypatch.chdir(out)

    def call(*arguments):
        capsys.readouterr()
        code = run(["explain", *map(str, arguments), "--out", str(out), "--quiet", "--json"])
        captured = capsys.readouterr()
        assert code == 0, captured.err
        document = json.loads(captured.out)
        with np.load(Path(document["folder"]) / document["arrays"]["file"]) as arrays:
            return document, dict(arrays)

    return call


@pytest.mark.parametrize(
    "technique",
    ["examples", "deconvnet", "saliency", "occlusion", "mistakes", "confusion", "embedding", "equivalence",
     "features", "dream", "invariance"],
)  # fmt: skip
def test_a_copy_of_a_model_shows_what_the_run_shows(explain, technique):
    document, arrays = explain(technique, "alone.keras", "--dataset-of", "small.yaml")
    of_run, wanted = explain(technique, "small")
    assert document["dataset"] == of_run["dataset"] == "X or O"
    assert document["subject"] == "alone"
    wanted.pop("boxes", None)  # from the config, which a file does not have
    renamed = {key.replace("small", "alone"): array for key, array in wanted.items()}
    assert set(arrays) == set(renamed)
    for key, array in renamed.items():
        assert_allclose(arrays[key], array, rtol=1e-5, atol=1e-6)
    said = of_run["sentence"].replace("small, seed 0", "alone").replace("small", "alone")
    assert document["sentence"] == said


def test_a_picture_is_prepared_as_for_the_run(explain, tmp_path):
    """Dark on light, a figure is inverted."""
    path = tmp_path / "x.png"
    Image.fromarray(np.where(np.eye(60, dtype=bool), 0, 255).astype(np.uint8)).save(path)
    document, _ = explain("saliency", "alone.keras", "--dataset-of", "small.yaml", "--picture", path)
    of_run, _ = explain("saliency", "small", "--picture", path)
    assert document["notes"] == of_run["notes"]
    assert "inverted" in document["notes"][0][0]


@pytest.mark.parametrize(
    ("config", "options", "black_and_white"),
    [("small", [], (-1, 1)), ("small", ["--pixels", 0, 5], (0, 5)), ("centred", [], None)],
)
def test_images_are_scaled_as_the_config_says_or_the_user(explain, out, config, options, black_and_white):
    """By a network that answers O where the mean of what it takes is above the median's."""
    data = dataset_of(out / f"{config}.yaml")
    if black_and_white is None:
        seen = data.pixels.apply(data.test.images)
    else:
        seen = np.interp(data.test.images, (0, 255), black_and_white)
    means = seen.mean(axis=(1, 2, 3))
    threshold = between(means)
    mean_of(threshold).save(out / "mean.keras")
    _, arrays = explain("confusion", "mean.keras", "--dataset-of", f"{config}.yaml", *options)
    wanted = np.zeros((2, 2), int)
    np.add.at(wanted, (data.test.labels, (means > threshold).astype(int)), 1)
    assert (arrays["counts"] == wanted).all()


def test_a_network_that_rescales_gets_raw_pixels(explain, out):
    data = dataset_of(out / "small.yaml")
    means = data.test.images.mean(axis=(1, 2, 3)) / 255
    threshold = between(means)
    mean_of(threshold, keras.layers.Rescaling(1 / 255)).save(out / "mean.keras")
    _, arrays = explain("confusion", "mean.keras", "--dataset-of", "small.yaml")
    assert arrays["counts"].sum(axis=0)[1] == (means > threshold).sum()


def dataset_of(config):
    return load_dataset(load_config(str(config)).dataset, DataPaths.from_environment(None))


def between(means):
    """A number far from all of these, about as many above as below."""
    ordered = np.sort(means)[10:30]
    widest = np.diff(ordered).argmax()
    return ordered[[widest, widest + 1]].mean()


def mean_of(threshold, *before):
    """Answers 1 where the mean of an image is above the threshold."""
    layers = [*before, keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((16, 16, 1)), *layers])
    model.set_weights([np.array([[0.0, 1.0]]), np.array([threshold, 0.0])])
    return model


def test_files_and_runs_in_one_picture(explain):
    document, arrays = explain("invariance", "alone.keras", "small", "--dataset-of", "small.yaml")
    assert document["subject"] == "small, seed 0 and alone"
    assert (arrays["shift_alone"] == arrays["shift_small"]).all()


def test_files_of_one_name_are_told_apart_and_each_is_drawn_once(explain, out):
    other = out / "elsewhere"
    other.mkdir()
    for folder in (out, other):
        mean_of(-0.5).save(folder / "twice.keras")
    files = ["twice.keras", out / "twice.keras", "elsewhere/../elsewhere/twice.keras"]
    document, arrays = explain("invariance", *files, "--dataset-of", "small.yaml")
    assert document["subject"] == "twice and twice_2"
    assert {"shift_twice", "shift_twice_2"} <= set(arrays)
    assert Path(document["folder"]) == out / "comparisons" / "twice-vs-twice_2"


@pytest.mark.parametrize("technique", ["examples", "deconvnet", "maximize", "saliency", "equivalence"])
def test_a_network_for_any_size_is_looked_at_on_these_images(explain, out, capsys, technique):
    layers = [
        keras.layers.Conv2D(2, 3, activation="relu", name="conv"), keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(2, activation="softmax"),
    ]  # fmt: skip
    keras.Sequential([keras.Input((None, None, 1)), *layers]).save(out / "any.keras")
    document, arrays = explain(technique, "any.keras", "--dataset-of", "small.yaml")
    assert document["dataset_of"] == "small.yaml"
    if technique == "maximize":
        assert arrays["images"].shape == (2, 16, 16, 1)
        assert run(["explain", technique, "any.keras", "--quiet"]) == 2
        said = "any.keras: takes images of any size; name an experiment that has images by --dataset-of\n"
        assert capsys.readouterr().err == said


def test_a_run_says_what_its_images_are(explain, out):
    (folder,) = out.glob("small-*")
    by_run, _ = explain("confusion", "alone.keras", "--dataset-of", folder.name)
    by_config, _ = explain("confusion", "alone.keras", "--dataset-of", "small.yaml")
    assert by_run["sentence"] == by_config["sentence"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("mistakes small --dataset-of small.yaml",
         "--dataset-of: only for .keras files; a run's config says what its network takes"),
        ("mistakes alone.keras --dataset-of colors_cnn",
         "alone.keras: takes images of 16 × 16 × 1 and has 2 classes; Colors has images of 28 × 28 × 3 and "
         "6 classes"),
        ("mistakes alone.keras --dataset-of cnnn", "unknown experiment 'cnnn'; did you mean cnn?"),
        ("mistakes alone.keras --dataset-of vgg16", "--dataset-of vgg16: this config has no dataset"),
    ],
)  # fmt: skip
def test_mistakes(out, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(out)
    assert run(["explain", *arguments.split(), "--out", str(out), "--quiet"]) == 2
    assert message in capsys.readouterr().err
