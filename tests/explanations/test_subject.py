"""What is explained, from outside: boards, pictures as predict takes them, damaged and small runs."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image, ImageDraw

from cnnlab.analyses.kernels import KERNELS
from cnnlab.analyses.network import load_model
from cnnlab.cli import run
from cnnlab.commands.progress import reporting
from cnnlab.config.experiment import load_config
from cnnlab.datasets import DataPaths, load_dataset
from cnnlab.errors import UserError, first_sentence
from cnnlab.explanations.features import Features
from cnnlab.explanations.filters import Filters
from cnnlab.explanations.finding import open_subject
from cnnlab.pictures.kit.sheet import Sheet

BOARD = """
name: board
dataset: {name: go, size: 5, train_count: 60, test_count: 20, validation_size: 0}
model:
  layers:
    - Conv2D: {filters: 3, kernel_size: 3, padding: same, activation: relu}
    - Flatten
    - Dense: {units: 25, activation: softmax}
training: {epochs: 1, batch_size: 20}
"""

LETTERS = """
name: letters
dataset: {name: xo, train_count: 60, test_count: 10, validation_size: 0, scale: [-1, 1]}
model:
  layers:
    - Conv2D: {filters: 2, kernel_size: 3, activation: relu}
    - Flatten
    - Dense: {units: 1, activation: relu}
    - Dense: {units: 2}
training: {epochs: 1, batch_size: 20}
"""


TONES = """
name: transposed
dataset: {name: tones, size: 16, train_count: 60, test_count: 10, validation_size: 0}
model:
  layers:
    - Permute: {dims: [2, 1, 3]}
    - Conv2D: {filters: 2, kernel_size: [16, 3], activation: relu}
    - Permute: {dims: [1, 3, 2], name: among_channels}
    - Flatten
    - Dense: {units: 6, activation: softmax}
training: {epochs: 1, batch_size: 20}
"""
"""Spectrograms whose rows, points in time, become columns."""


@pytest.fixture(scope="module")
def out(tmp_path_factory, backend):
    """A Go board of 5×5, spectrograms, and two different networks called letters."""
    folder = tmp_path_factory.mktemp("runs")
    for name, text in {"board": BOARD, "transposed": TONES, "letters": LETTERS}.items():
        (folder / f"{name}.yaml").write_text(text)
        assert run(["train", str(folder / f"{name}.yaml"), "--out", str(folder), "--quiet"]) == 0
    wider = "--set=model.layers[0].filters=3"
    assert run(["train", str(folder / "letters.yaml"), wider, "--out", str(folder), "--quiet"]) == 0
    return folder


@pytest.fixture
def call(out, capsys):
    """Run cnnlab on these runs; returns the exit code, the document on stdout if any, and stderr."""

    def call(command, *arguments):
        capsys.readouterr()
        code = run([command, *map(str, arguments), "--out", str(out), "--json"])
        printed = capsys.readouterr()
        return code, json.loads(printed.out) if printed.out else None, printed.err

    return call


@pytest.fixture
def subject(out):
    """Open the run of a name."""
    with reporting(quiet=True) as reporter:
        data_paths = DataPaths.from_environment(None)
        yield lambda name: open_subject(
            name, out=out, data_paths=data_paths, reporter=reporter, backend=None, device=None
        )


@pytest.fixture
def board(subject):
    return subject("board")


def arrays_of(document):
    with np.load(Path(document["folder"]) / document["arrays"]["file"]) as arrays:
        return dict(arrays)


def test_a_board_is_black_grey_and_white(board):
    """Its pixels are 0, 1 and 2, which the network sees as -1, 0 and 1."""
    raw = board.data.test.images
    assert_array_equal(np.unique(raw), [0, 1, 2])
    assert_array_equal(np.unique(board.to_display(raw)), [0, 0.5, 1])
    assert_allclose([board.gray(each).item() for each in (0, 0.5, 1)], [-1, 0, 1], atol=1e-6)
    assert_allclose(board.inputs_to_display(board.to_inputs(raw)), board.to_display(raw), atol=1e-6)
    assert_allclose(board.display_to_inputs(board.to_display(raw)), board.to_inputs(raw), atol=1e-5)


def test_nothing_on_a_board_leaves_it(call):
    """Maximized images and dreams stay within what a stone is."""
    code, document, _ = call("explain", "maximize", "board", "--steps", 5, "--no-classes")
    assert code == 0
    images = arrays_of(document)["images"]
    assert_allclose([images.min(), images.max()], [-1, 1], atol=0.6)
    assert np.abs(images).max() <= 1 + 1e-6
    code, document, _ = call("explain", "dream", "board", "--steps", 2, "--side", 10)
    assert code == 0
    picture = arrays_of(document)["picture"]
    assert_allclose([picture.min(), picture.max()], [0, 1], atol=0.1)


def test_maps_and_kernels_lie_as_the_image_behind_exchanged_axes(subject, monkeypatch):
    """Time across and frequency upwards, whichever axis of the array they are; maps of others as arrays."""
    tones, tiles = subject("transposed"), []
    monkeypatch.setattr(Sheet, "pixels", lambda *arguments: tiles.append(arguments[5]))
    explanation = Features().explain(tones)
    assert explanation.figures["features"]
    image = tones.to_inputs(tones.data.test.images[:1])[0, ..., 0]
    upright = image.T[::-1]  # the array has a row for each point in time
    assert_allclose(tiles[1], upright, atol=1e-6)
    arrays = explanation.arrays
    convolved = next(each for name, each in arrays.items() if name.endswith("_Conv2D"))[0]
    assert_allclose(tiles[4], convolved[::-1, :, 0], atol=1e-6)
    among = next(each for name, each in arrays.items() if "among_channels" in name)[0]
    alike = [tile for tile in tiles if tile.shape == among.shape[:2]]
    assert any(np.allclose(tile, among[..., 0], atol=1e-6) for tile in alike)

    tiles.clear()
    monkeypatch.setattr(Sheet, "values", lambda sheet, row, column, values, *_, **__: tiles.append(values))
    explanation = Filters().explain(tones)
    assert explanation.figures["filters"]
    assert_allclose(tiles[0], explanation.arrays["kernels"][0, ::-1, :, 0], atol=1e-6)
    assert tiles[0].shape == (16, 3)


def test_a_board_takes_no_pictures(call, tmp_path):
    Image.new("L", (5, 5)).save(tmp_path / "it.png")
    code, _, said = call("explain", "saliency", "board", "--picture", tmp_path / "it.png")
    assert code == 2
    assert "Go: its networks do not accept image files; use a dataset of pictures" in said


def test_a_board_is_too_small_for_the_curve_detector(call):
    code, document, said = call("explain", "kernels", "board")
    assert code == 0
    assert document["pictures"] == ["kernels.png", "kernels-pipeline.png"]
    assert "test image 0 is too small for the curve detector, which is 7×7" in said


def test_means_of_products_are_those_of_the_network_s_numbers(call):
    """Of letters and boards ±1: black stones are 1, and drawn black."""
    for name, ends in (("letters", [-1, 1]), ("board", [1, -1])):
        code, document, _ = call("explain", "kernels", name, "--mean", "--image", 2)
        assert code == 0
        assert document["scale"] == ends
        assert document["options"]["scale"] is None  # it cannot be given
        config = load_config(document["run"] + "/config.yaml")
        data = load_dataset(config.dataset, DataPaths.from_environment())
        seen = data.pixels.apply(data.test.images[[2]])[0]
        with np.load(Path(document["folder"]) / document["arrays"]["file"]) as arrays:
            assert_allclose(arrays["picture"], seen, atol=1e-7)
            mean = np.mean(seen[1:4, 1:4, 0] * KERNELS["sharpness"])
            assert_allclose(arrays["sharpness"][1, 1], mean, atol=1e-7)


def test_explain_and_predict_take_a_picture_alike(call, tmp_path):
    """A dark cross on white paper: inverted and fitted by both, and both say so."""
    picture = Image.new("L", (40, 50), 240)
    ImageDraw.Draw(picture).line((5, 5, 35, 45), fill=10, width=5)
    picture.save(tmp_path / "cross.png")
    _, predicted, _ = call("predict", "letters", tmp_path / "cross.png")
    _, explained, said = call("explain", "features", "letters", "--picture", tmp_path / "cross.png")
    (answer,) = predicted["predictions"]
    assert_allclose(explained["probabilities"][0], list(answer["probabilities"].values()), rtol=1e-4)
    assert answer["notes"][0] == "dark on light: inverted"
    assert f"{tmp_path / 'cross.png'}: {'; '.join(answer['notes'])}" in said
    assert explained["notes"] == [answer["notes"]]


def test_pictures_that_cannot_be_used(call, tmp_path):
    deep = tmp_path / "deep.png"
    Image.fromarray(np.zeros((9, 9), np.uint16)).save(deep)
    for where in (("saliency", "letters"), ("kernels", "letters")):
        for path, problem in {
            deep: "expected an image, found 16 bits per channel; save it with 8",
            tmp_path / "none.png": "no such file",
        }.items():
            code, _, said = call("explain", *where, "--picture", path)
            assert code == 2
            assert f"{path}: {problem}" in said


@pytest.fixture
def damaged(out):
    """A model's file cut in half; whole again after the test."""
    (file,) = out.glob("board-*/seed-0/model.keras")
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    yield file
    file.write_bytes(whole)


def test_a_damaged_model_is_one_mistake(call, damaged):
    code, document, said = call("explain", "all", "board", "--quiet")
    assert (code, document) == (2, None)
    assert said.startswith(f"{damaged.parent}: this run is damaged: model.keras is not the file")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: b"no zip",
        lambda whole: whole[:-100],
        lambda whole: whole.replace(b"\x89HDF", b"\0\0\0\0"),
        lambda whole: whole[:4000] + bytes(1000) + whole[5000:],
        lambda whole: whole.replace(b'"module"', b'"nodule"'),
    ],
    ids=["empty", "text", "cut", "no HDF5", "hole", "other JSON"],
)
def test_whatever_is_damaged(out, tmp_path, damage):
    (file,) = out.glob("board-*/seed-0/model.keras")
    path = tmp_path / "model.keras"
    path.write_bytes(damage(file.read_bytes()))
    with pytest.raises(UserError, match="not a model that Keras can read"):
        load_model(path)


@pytest.mark.parametrize(
    ("error", "said"),
    [(KeyError(), "KeyError"), (ValueError("\n one. Two"), "one"), (OSError("a\nb"), "a")],
)
def test_the_first_sentence_of_an_error(error, said):
    assert first_sentence(error) == said


def test_fewer_images_than_asked_for(call):
    code, document, _ = call("explain", "deconvnet", "letters", "--count", 20, "--quiet")
    assert code == 0
    assert "10 images each" in document["sentence"]
    assert np.shape(document["indices"]) == (3, 10)


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_one_unit_makes_no_plane(call, method):
    code, _, said = call("explain", "embedding", "letters", "--method", method, "--quiet")
    assert code == 2
    assert said == "dense_1 has one unit, which makes no plane; choose another layer\n"


def test_trustworthiness_is_said_of_what_it_was_measured_on(call, monkeypatch):
    monkeypatch.setattr("cnnlab.explanations.embedding.MEASURED", 12)
    for count in (20, 12):
        code, document, _ = call("explain", "embedding", "board", "--method", "tsne", "--images", count)
        assert code == 0
        assert document["measured_on"] == 12
        assert ("on the first 12" in document["sentence"]) == (count > 12)


def test_different_networks_of_one_name_have_a_curve_each(call, out):
    folders = sorted(out.glob("letters-*"))
    code, document, _ = call("explain", "invariance", *(each / "seed-0" for each in folders), "--quiet")
    filters = [load_config(str(each / "seed-0/config.yaml")).model.layers[0].filters for each in folders]
    names = [f"letters-conv2d_1.filters={each}" for each in filters]  # as compare says
    assert code == 0
    assert sorted(document["accuracies"]["shift"]) == sorted(names)
    assert document["subject"] == " and ".join(f"{name}, seed 0" for name in names)
    assert document["runs"] == [str(each / "seed-0") for each in folders]
    assert document["run"] is None
    assert Path(document["folder"]) == out / "comparisons" / "-vs-".join(names)


def test_invariance_of_one_run(call, out, board):
    code, document, _ = call("explain", "invariance", "board", "--quiet")
    (folder,) = out.glob("board-*/seed-0")
    assert code == 0
    accuracy = document["accuracies"]["shift"]["board"][0][document["amounts"]["shift"].index(0)]
    assert accuracy <= 0.1 + 1 / len(board.class_names)  # after one epoch
    close = (
        f"board has an accuracy of {accuracy:.1%} on unchanged images: too close to chance to lose 10 "
        "percentage points"
    )
    assert document["sentence"].splitlines()[1:] == [close]
    assert (document["run"], document["subject"]) == (str(folder), "board, seed 0")
    code, _, said = call("explain", "invariance", "board", "--pixels", 0, 255, "--quiet")
    assert code == 2
    assert said.startswith("--pixels: only for .keras files; a run's config says what its network takes")
