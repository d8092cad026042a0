"""cnnlab export and predict, as a user calls them: what a file answers beside the run."""

import json
import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

import cnnlab
from cnnlab.cli import run
from cnnlab.conversion.facts import LARGEST, read_facts
from cnnlab.conversion.formats import FORMATS
from cnnlab.errors import UserError

RUNTIMES = pytest.importorskip("onnxruntime"), pytest.importorskip("ai_edge_litert")

COLORS = """
name: tiny
dataset: {name: colors, train_size: 300, validation_size: 0}
model:
  layers:
    - RandomFlip
    - Conv2D: {filters: 4, kernel_size: 3, strides: 2, activation: relu}
    - BatchNormalization
    - GlobalAveragePooling2D
    - Dropout: {rate: 0.2}
    - Dense: {units: 6, activation: softmax}
training: {epochs: 2, batch_size: 50, optimizer: {name: adam, learning_rate: 0.01}}
"""

LETTERS = """
name: letters
dataset: {name: xo, difficulty: 0.0, train_count: 200, test_count: 50, standardize: true,
          data_format: channels_first, permute_pixels: {seed: 3, block: 1}}
model:
  layers:
    - Conv2D: {filters: 2, kernel_size: 3, activation: relu, data_format: channels_first}
    - LocallyConnected2D: {filters: 2, kernel_size: 3, data_format: channels_first}
    - Flatten
    - Dense: {units: 2}
training: {epochs: 2, batch_size: 20}
"""
"""Everything that happens before and behind the layers: permuted, standardized, transposed; logits."""


@pytest.fixture(scope="module")
def out(tmp_path_factory, backend):
    """Two finished experiments."""
    folder = tmp_path_factory.mktemp("exported")
    for name, text in (("tiny", COLORS), ("letters", LETTERS)):
        (folder / f"{name}.yaml").write_text(text)
        assert run(["train", str(folder / f"{name}.yaml"), "--out", str(folder), "--quiet"]) == 0
    return folder


@pytest.fixture(scope="module")
def folders(out):
    """The run of each, by name."""
    return {name: next(out.glob(f"{name}-*/seed-0")) for name in ("tiny", "letters")}


@pytest.fixture(scope="module")
def images(folders):
    """Some of the test images of each, as uint8 pixels."""
    found = {}
    for name in folders:
        data = cnnlab.load(str(folders[name] / "config.yaml")).config.dataset
        height, width, channels = data.image_shape
        drawn = np.random.default_rng(0).integers(0, 256, (5, height, width, channels), dtype=np.uint8)
        found[name] = drawn
    return found


@pytest.mark.parametrize("name", ["tiny", "letters"])
@pytest.mark.parametrize("kind", ["onnx", "litert"])
def test_a_file_answers_as_the_run_does(name, kind, folders, images, tmp_path, capsys):
    code = run(["export", str(folders[name]), "--to", kind, "--out", str(tmp_path), "--json", "--quiet"])
    printed, errors = capsys.readouterr()
    assert (code, errors) == (0, "")
    document = json.loads(printed)
    result = json.loads((folders[name] / "result.json").read_text())
    assert document["path"] == str(tmp_path / FORMATS[kind].file)
    assert document["bytes"] == (tmp_path / FORMATS[kind].file).stat().st_size
    assert document["runtime"] == FORMATS[kind].runtime
    assert document["test_accuracy"] == document["original_accuracy"] == result["test_accuracy"]
    assert document["largest_difference"] <= 1e-4
    assert document["same_answers"] == 1
    assert document["quantized"] is None
    pictures = []
    for number, pixels in enumerate(images[name]):
        pictures.append(tmp_path / f"{number}.png")
        Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(pictures[-1])
    by_run = cnnlab.predict(folders[name], pictures)
    by_file = cnnlab.predict(document["path"], pictures)
    np.testing.assert_allclose(by_file.probabilities, by_run.probabilities, atol=1e-4)
    assert by_file.classes == by_run.classes
    assert by_file[0].notes == by_run[0].notes
    texts = [
        [text.get_text() for text in each.sheet().axes[0].texts if "%" not in text.get_text()]
        for each in (by_file, by_run)
    ]
    assert texts[0] == texts[1] != []


@pytest.mark.parametrize("kind", ["saved-model", "keras"])
def test_tensorflow_and_keras_open_their_files_without_cnnlab(kind, folders, images, tmp_path):
    exported = cnnlab.export(folders["tiny"], to=kind, out=tmp_path / FORMATS[kind].file)
    wanted = cnnlab.predict(folders["tiny"], list(images["tiny"])).probabilities
    if kind == "keras":
        import keras

        found = keras.saving.load_model(exported.path)(images["tiny"])
        facts = json.loads(zipfile.ZipFile(exported.path).read("cnnlab.json"))
    else:
        import tensorflow as tf

        loaded = tf.saved_model.load(str(exported.path))
        found = loaded.serve(images["tiny"])
        facts = json.loads((exported.path / "assets.extra" / "cnnlab.json").read_text())
    np.testing.assert_allclose(np.asarray(found), wanted, atol=1e-4)
    assert facts["classes"] == list(cnnlab.load("colors_cnn").config.dataset.class_names)
    assert facts["experiment_digest"] == cnnlab.Run(folders["tiny"]).experiment.config.digest
    assert exported.test_accuracy == cnnlab.Run(folders["tiny"]).result.test_accuracy


@pytest.mark.parametrize("kind", ["onnx", "litert"])
def test_8_bits_are_calibrated_on_training_images(kind, folders, tmp_path):
    exact = cnnlab.export(folders["tiny"], to=kind, out=tmp_path)
    small = cnnlab.export(folders["tiny"], to=kind, out=tmp_path, quantize="int8")
    assert small.quantized == "int8"
    assert small.path.name == f"model-int8{exact.path.suffix}"
    assert 0 < small.largest_difference < 0.2
    assert abs(small.test_accuracy - small.original_accuracy) < 0.05
    assert small.original_accuracy == exact.test_accuracy
    picture = np.zeros((8, 8, 3), np.uint8)
    assert cnnlab.predict(small.path, picture).probabilities.sum() == pytest.approx(1, abs=0.02)


def test_a_file_is_replaced_only_by_one_that_has_been_checked(folders, tmp_path, monkeypatch, capsys):
    first = cnnlab.export(folders["tiny"], to="onnx", out=tmp_path)
    before = first.path.read_bytes()
    monkeypatch.setattr("cnnlab.conversion.exporting.LARGEST_DIFFERENCE", -1.0)
    assert run(["export", str(folders["tiny"]), "--to", "onnx", "--out", str(tmp_path), "--quiet"]) == 1
    assert "other probabilities than Keras" in capsys.readouterr().err
    assert first.path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["model.onnx"]


def test_by_default_it_stands_in_the_run(folders, out, monkeypatch):
    monkeypatch.setenv("CNNLAB_EXPERIMENTS", str(out))
    exported = cnnlab.export("tiny", to="keras")
    assert exported.path == folders["tiny"] / "export" / "model.keras"
    assert cnnlab.Run(folders["tiny"]).state == "finished"
    assert cnnlab.Run(folders["tiny"]).result.test_accuracy == exported.test_accuracy


def test_a_layer_that_only_cnnlab_has_is_named(folders, tmp_path, capsys):
    assert run(["export", str(folders["letters"]), "--to", "keras", "--out", str(tmp_path), "--quiet"]) == 2
    errors = capsys.readouterr().err
    assert "locally_connected2d_1 is a LocallyConnected2D, which only cnnlab has" in errors
    assert not list(tmp_path.iterdir())


def test_a_folder_takes_the_place_of_the_one_before(folders, tmp_path):
    for seen in (False, True):
        exported = cnnlab.export(folders["tiny"], to="saved-model", out=tmp_path / "served")
        assert (exported.path / "saved_model.pb").is_file()
        assert (exported.path / "old").exists() is False
        (exported.path / "old").write_text("of the first one")
        assert [each.name for each in tmp_path.iterdir()] == ["served"], seen


@pytest.mark.filterwarnings("ignore")  # what Keras says of recurrent layers on the side
def test_the_layer_without_a_counterpart_is_named(tmp_path, backend, capsys):
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((28, 28, 3)), layers.Reshape((28, 84)), layers.LSTM(2), layers.Dense(6, "softmax")]
    )
    experiment = cnnlab.Experiment.from_keras(
        model, dataset={"name": "colors", "train_size": 20, "validation_size": 0}, name="recurrent",
        training={"epochs": 1, "batch_size": 20},
    )  # fmt: skip
    (trained,) = cnnlab.train(experiment, out=tmp_path)
    assert run(["export", str(trained.folder), "--to", "litert", "--quiet"]) == 2
    errors = capsys.readouterr().err
    assert "--to litert: layer lstm" in errors
    assert "(LSTM) has no counterpart there; use another format" in errors
    assert not (trained.folder / "export" / "model.tflite").exists()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--to", "onx"], "'onx' is not one of"),
        (["--to", "keras", "--quantize", "int8"], "--quantize int8: expected --to onnx or litert"),
        (["--to", "onnx", "--out", "model.tflite"], "expected a name that ends in .onnx"),
        ([], "Missing option '--to'"),
    ],
)
def test_options_that_make_no_sense(arguments, problem, folders, capsys):
    assert run(["export", str(folders["tiny"]), *arguments]) == 2
    assert problem in capsys.readouterr().err


def test_runs_that_have_no_network_to_export(folders, tmp_path, capsys):
    broken = tmp_path / "tiny-00000000" / "seed-0"
    shutil.copytree(folders["tiny"], broken, ignore=shutil.ignore_patterns("export"))
    (broken / "model.keras").unlink()
    for path, problem in (
        (broken, "model.keras is missing; train this run again with --fresh"),
        (tmp_path / "none", "unknown run"),
    ):
        assert run(["export", str(path), "--to", "onnx"]) == 2
        assert problem in capsys.readouterr().err
    assert not (broken / "export").exists()


@pytest.mark.parametrize("name", ["model.onnx", "model.tflite"])
def test_files_that_are_none_of_cnnlabs(name, tmp_path, capsys):
    path, picture = tmp_path / name, tmp_path / "picture.png"
    Image.new("L", (8, 8)).save(picture)
    assert run(["predict", str(path), str(picture)]) == 2
    assert f"{path}: no such file" in capsys.readouterr().err
    path.write_bytes(b"something else")
    assert run(["predict", str(path), str(picture)]) == 2
    assert "cannot be read by its runtime" in capsys.readouterr().err


def test_a_model_without_facts_is_refused(tmp_path, capsys):
    import onnx
    from onnx import TensorProto, helper

    given, result = (helper.make_tensor_value_info(each, TensorProto.FLOAT, [1]) for each in "xy")
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "stranger", [given], [result])
    opsets = [helper.make_opsetid("", 15)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / "stranger.onnx")
    Image.new("L", (8, 8)).save(tmp_path / "picture.png")
    assert run(["predict", str(tmp_path / "stranger.onnx"), str(tmp_path / "picture.png")]) == 2
    assert "expected a file that cnnlab export has written, found no metadata" in capsys.readouterr().err


def test_a_device_is_none_of_a_files_affair(folders, tmp_path, capsys):
    exported = cnnlab.export(folders["tiny"], to="onnx", out=tmp_path)
    assert run(["predict", str(exported.path), "picture.png", "--device", "cpu"]) == 2
    assert "--device cpu: has no effect: onnxruntime runs model.onnx" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", "{}", '{"classes": ["a"]}', "[" * 100_000, "x" * (LARGEST + 1)]
)
def test_damaged_facts_are_refused(text):
    with pytest.raises(UserError, match="expected a file that cnnlab export has written"):
        read_facts(text, "model.onnx")
