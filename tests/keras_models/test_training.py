"""A Keras model as an experiment: fresh weights for each seed, runs, techniques."""

import json

import keras
import numpy as np
import pytest
import yaml

from cnnlab.cli import run
from cnnlab.config.experiment import load_config
from cnnlab.language.source import write_yaml
from cnnlab.layers.from_keras.reading import keras_section
from cnnlab.model import build_model

pytestmark = pytest.mark.usefixtures("unrendered")

IN_YAML = """\
dataset: {name: colors, train_size: 200, validation_size: 40}
model:
  layers:
    - RandomFlip: {mode: horizontal}
    - Conv2D: {filters: 4, kernel_size: 5, strides: 3, kernel_initializer: he_normal, kernel_regularizer: l2}
    - BatchNormalization
    - Residual: {layers: [Conv2D: {filters: 4, kernel_size: 3, padding: same, activation: relu}]}
    - Dropout: {rate: 0.2}
    - Flatten
    - Dense: {units: 6, activation: softmax}
training: {epochs: 2, batch_size: 16}
"""


def in_keras():
    layers = keras.layers
    image = keras.Input((28, 28, 3))
    x = layers.RandomFlip("horizontal")(image)
    x = layers.Conv2D(4, 5, strides=3, kernel_initializer="he_normal", kernel_regularizer="l2")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Add()([layers.Conv2D(4, 3, padding="same", activation="relu")(x), x])
    x = layers.Flatten()(layers.Dropout(0.2)(x))
    return keras.Model(image, layers.Dense(6, activation="softmax")(x))


def of_keras_only():
    """Layers that cnnlab's language does not have, beside some that it has."""
    layers = keras.layers
    image = keras.Input((28, 28, 3))
    x = layers.Conv2D(
        4,
        5,
        strides=3,
        activation="relu",
        kernel_initializer=keras.initializers.VarianceScaling(2.0, "fan_out"),
    )(layers.RandomContrast(0.1)(image))
    x = layers.Multiply()([x, layers.Conv2D(4, 3, padding="same", activation="sigmoid")(x)])
    rows = layers.LSTM(4)(layers.Reshape((8, -1))(x))
    x = layers.Concatenate()([layers.Dense(5, activation="relu")(layers.Flatten()(x)), rows])
    return keras.Model(image, layers.Dense(6, activation="softmax")(x))


def as_file(model, path, **sections):
    sections = {**yaml.safe_load(IN_YAML), **sections, "model": {"keras": keras_section(model)}}
    path.write_text(write_yaml(sections), encoding="utf-8")
    return path


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("seed", [0, 5])
def test_in_both_languages_the_first_weights_are_equal(seed, here):
    (here / "yaml.yaml").write_text(IN_YAML)
    own = build_model(load_config("yaml.yaml").with_seed(seed))
    ours = [weight.copy() for weight in own.get_weights()]
    keras_too = build_model(load_config(str(as_file(in_keras(), here / "keras.yaml"))).with_seed(seed))
    theirs = keras_too.get_weights()
    assert [each.shape for each in ours] == [each.shape for each in theirs]
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


def test_fresh_weights_follow_the_seed_alone(here):
    """Seeds in the model are left out: else every run would begin with the same weights."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 3)),
            layers.Conv2D(
                3, 9, strides=9, kernel_initializer=keras.initializers.VarianceScaling(2.0, seed=1)
            ),
            layers.Flatten(),
            layers.Dense(6, kernel_initializer=keras.initializers.GlorotUniform(seed=1)),
        ]
    )
    config = load_config(str(as_file(model, here / "seeded.yaml")))
    first, second = (build_model(config.with_seed(seed)).get_weights() for seed in (0, 1))
    again = build_model(config.with_seed(0)).get_weights()
    for one, other, same in zip(first, second, again, strict=True):
        np.testing.assert_array_equal(one, same)
        assert not one.any() or (one != other).any()  # biases are 0 in both


def trained(file, capsys):
    assert run(["train", str(file), "--quiet", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_in_both_languages_training_goes_the_same_way(here, capsys):
    (here / "yaml.yaml").write_text(IN_YAML)
    own = trained("yaml.yaml", capsys)
    other = trained(as_file(in_keras(), here / "keras.yaml"), capsys)
    histories = [
        [line.rsplit(",", 2)[0] for line in (here / each["run"] / "history.csv").read_text().splitlines()]
        for each in (own, other)
    ]
    assert histories[0] == histories[1]  # but for seconds and images per second
    assert (own["test_loss"], own["macs"]) == (other["test_loss"], other["macs"])


@pytest.fixture(scope="module")
def finished(tmp_path_factory, backend):
    """The folder of a run, trained from its own config.yaml alone."""
    folder = tmp_path_factory.mktemp("keras")
    file = as_file(of_keras_only(), folder / "only.yaml", training={"epochs": 1})
    assert run(["train", str(file), "--quiet", "--out", str(folder / "experiments")]) == 0
    (first,) = (folder / "experiments").glob("*/seed-0")
    again = folder / "again"
    assert run(["train", str(first / "config.yaml"), "--quiet", "--out", str(again)]) == 0
    (second,) = again.glob("*/seed-0")
    results = [json.loads((each / "result.json").read_text()) for each in (first, second)]
    assert results[0]["test_loss"] == results[1]["test_loss"]
    assert results[0]["digest"] == results[1]["digest"]
    return second


def test_the_run_says_null_where_nothing_was_counted(finished):
    assert json.loads((finished / "result.json").read_text())["macs"] is None
    lines = (finished / "layers.csv").read_text().splitlines()
    lstm = dict(
        zip(lines[0].split(","), next(each for each in lines if "LSTM" in each).split(","), strict=False)
    )
    assert (lstm["macs"], lstm["params"]) == ("", str(4 * 4 * (32 + 4 + 1)))


TECHNIQUES = [
    ["saliency", "--image", "0"],
    ["occlusion", "--image", "0", "--stride", "7"],
    ["examples"],
    ["features"],
    ["filters"],
    ["invariance"],
    ["mistakes"],
    ["confusion"],
    ["embedding"],
    ["maximize", "--steps", "2"],
    ["deconvnet", "--layer", "conv2d_1"],  # of the other one, a sigmoid, it says that it cannot
    ["equivalence"],
]


@pytest.mark.parametrize("technique", TECHNIQUES, ids=lambda words: words[0])
def test_techniques_work_on_the_run(technique, finished, capsys):
    name, *options = technique
    assert run(["explain", name, str(finished), *options, "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)
    assert (finished / "explain" / f"{name}.json").is_file()


def test_compare_runs_list_and_report_have_a_place_for_unknown_counts(finished, here, capsys):
    (here / "yaml.yaml").write_text(IN_YAML)
    out = ["--out", str(here / "out")]
    keras_file = as_file(of_keras_only(), here / "only.yaml", training={"epochs": 1})
    assert run(["compare", str(keras_file), "yaml.yaml", "--quiet", *out]) == 0
    table = capsys.readouterr().out.splitlines()
    assert " – " in next(line for line in table if line.startswith("only"))
    assert run(["compare", str(keras_file), "yaml.yaml", "--quiet", "--json", *out]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [each["macs"] is None for each in document["experiments"]] == [True, False]
    assert run(["report", "only", "yaml", *out]) == 0
    (page,) = (here / "out").glob("comparisons/*/report.html")
    assert "parameters, – MACs" in page.read_text()
    capsys.readouterr()
    assert run(["runs", "list", *out, "--json"]) == 0
    assert {row["name"]: row["macs"] is None for row in json.loads(capsys.readouterr().out)} == {
        "only": True, "yaml": False,
    }  # fmt: skip


def test_widths_of_a_keras_model_are_not_matched(here, capsys):
    (here / "yaml.yaml").write_text(IN_YAML)
    file = str(as_file(of_keras_only(), here / "only.yaml"))
    assert run(["compare", file, "yaml.yaml", "--match", "macs", "--resize", "yaml"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "--match: the MACs of only are not known: cnnlab does not count those of lstm_1 (LSTM); "
        "match parameters or seconds instead"
    )
    assert run(["compare", file, "yaml.yaml", "--match", "parameters", "--resize", "only"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "--match: only is a Keras model, whose widths stay as they are; "
        "resize the other one with --resize yaml"
    )


@pytest.mark.parametrize("wide", [[], ["--wide"], ["--csv"], ["--explain", "lstm_1"]], ids=str)
def test_summary_has_a_place_for_unknown_counts(wide, here, capsys):
    file = str(as_file(of_keras_only(), here / "only.yaml"))
    assert run(["summary", file, *wide]) == 0
    printed = capsys.readouterr().out
    assert "LSTM" in printed
    assert "None" not in printed
    if not wide:
        assert "MACs and FLOPs are unknown: cnnlab does not count them for every Keras layer." in printed


def test_settings_go_by_the_names_of_the_summary(here, capsys):
    file = str(as_file(of_keras_only(), here / "only.yaml"))
    assert run(["summary", file, "--json", "--set", "model.keras.config.layers.lstm_1.config.units=2"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["layers"]}
    assert rows["lstm_1"]["output_shape"] == [2]
    assert rows["concatenate_1"]["output_shape"] == [7]


def test_without_a_layer_of_kerass_nothing_imports_keras(here):
    import subprocess
    import sys

    file = as_file(in_keras(), here / "keras.yaml")
    script = (
        f"import sys; from cnnlab.cli import run; run(['summary', {str(file)!r}]); "
        "assert not {'keras', 'tensorflow'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_what_is_done_to_images_works_in_every_precision(experiment, rng, precision):
    """Also in a layer of layers; a crop crops outside training, too."""
    import keras
    from keras import layers

    from cnnlab.model import build_model

    inside = layers.Pipeline([layers.RandomCrop(7, 6), layers.RandomErasing(value_range=(0, 1))])
    steps = [
        layers.RandomCrop(8, 8),
        inside,
        layers.RandomPerspective(0.1),
        layers.AutoContrast(value_range=(0, 1)),
    ]
    network = keras.Sequential([keras.Input((9, 9, 3)), *steps, layers.Flatten(), layers.Dense(2)])
    model = build_model(experiment(network, runtime={"precision": precision}))
    for training in (False, True):
        answers = keras.ops.convert_to_numpy(model(rng.random((2, 9, 9, 3), np.float32), training=training))
        assert answers.shape == (2, 2)
        assert np.isfinite(answers).all()
